use super::{Failure, open};
use crate::lifecycle::LogsOptions;
use minet_runtime::{Follow, LogEntry, LogRequest, LogStream, Paths, Period};
use std::{
    io::{self, Write},
    ops::ControlFlow,
};

/// What was printed to standard error goes to standard error.
pub(crate) fn logs(options: LogsOptions, paths: Paths) -> Result<u8, Failure> {
    let request = LogRequest {
        container: options.container,
        tail: options.tail.0,
        period: Period {
            since: options.since.map(|since| since.0),
            until: options.until.map(|until| until.0),
        },
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
        write!(out, "{} ", in_columns(&entry.time))?;
    }
    out.write_all(entry.text.as_bytes())?;
    out.flush()
}

/// A time whose fraction has nine digits, so that lines stand below each other, as Docker
/// prints it.
fn in_columns(time: &str) -> String {
    let seconds = time.trim_end_matches('Z');
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    format!("{seconds}.{fraction:0<9}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_equally_long() {
        for (time, shown) in [
            ("2026-01-31T12:00:00.12Z", "2026-01-31T12:00:00.120000000Z"),
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000000Z"),
        ] {
            assert_eq!(super::in_columns(time), shown);
        }
    }
}
