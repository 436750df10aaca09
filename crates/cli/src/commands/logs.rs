use super::{Failure, open};
use crate::lifecycle::LogsOptions;
use minet_runtime::{Follow, LogEntry, LogRequest, LogStream, Paths};
use std::{
    io::{self, Write},
    ops::ControlFlow,
};

/// What was printed to standard error goes to standard error.
pub(crate) fn logs(options: LogsOptions, paths: Paths) -> Result<u8, Failure> {
    let request = LogRequest {
        container: options.container,
        tail: options.tail.0,
        since: options.since.map(|since| since.0),
        follow: if options.follow {
            Follow::UntilItEnds
        } else {
            Follow::No
        },
    };
    let timestamps = options.timestamps;
    let mut print = |entry: &LogEntry| {
        let printed = match entry.stream {
            LogStream::Stdout => print_to(&mut io::stdout().lock(), entry, timestamps),
            LogStream::Stderr => print_to(&mut io::stderr().lock(), entry, timestamps),
        };
        // A reader that has seen enough, as in `minet logs web | head`.
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    open(paths)
        .and_then(|mut runtime| runtime.logs(&request, &mut print))
        .map_err(|error| Failure::of_command(&error))?;
    let _ = io::stdout().flush();
    Ok(0)
}

fn print_to(out: &mut dyn Write, entry: &LogEntry, timestamps: bool) -> io::Result<()> {
    if timestamps {
        write!(out, "{} ", entry.time)?;
    }
    out.write_all(entry.text.as_bytes())?;
    out.flush()
}
