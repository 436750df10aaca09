use super::{
    Failure, for_each, open,
    start::{shield, start_each},
    together,
};
use crate::{
    lifecycle::{KillOptions, StopOptions},
    output::{print, tell},
};
use minet_runtime::{Error, Grace, Paths, StopRequest};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};

pub(crate) fn stop(options: &StopOptions, paths: Paths) -> Result<u8, Failure> {
    let outcomes = stop_all(options, paths)?;
    let containers = options.names.containers.iter();
    let mut failures = Vec::new();
    for (container, outcome) in containers.zip(outcomes) {
        match outcome {
            Ok(()) => print(&format!("{container}\n")),
            Err(error) => failures.push(error),
        }
    }
    together(&failures)
}

/// Those that could be stopped are started again.
pub(crate) fn restart(options: &StopOptions, paths: Paths) -> Result<u8, Failure> {
    shield()?;
    let outcomes = stop_all(options, paths.clone())?;
    let mut stopped = Vec::new();
    let mut failures = Vec::new();
    for (container, outcome) in options.names.containers.iter().zip(outcomes) {
        match outcome {
            Ok(()) => stopped.push(container.clone()),
            Err(error) => failures.push(error),
        }
    }
    let started = start_each(&stopped, &paths)?;
    together(&failures).map(|code| code.max(started))
}

fn stop_all(options: &StopOptions, paths: Paths) -> Result<Vec<Result<(), Error>>, Failure> {
    let grace = match options.time {
        None => Grace::Its,
        Some(seconds) => match u64::try_from(seconds) {
            Ok(seconds) => Grace::Of(Duration::from_secs(seconds)),
            Err(_) => Grace::Endless,
        },
    };
    let request = StopRequest {
        signal: options.signal,
        grace,
    };
    let somebody_watches = io::stderr().is_terminal();
    let mut patience = |container: &str, left: Option<Duration>| {
        if somebody_watches {
            let until = left.map_or(String::new(), |left| {
                format!(", {} seconds until it is killed", left.as_secs() + 1)
            });
            tell(&format!("waiting for {container} to end{until}"));
        }
    };
    open(paths)
        .map(|mut runtime| runtime.stop(&options.names.containers, request, &mut patience))
        .map_err(|error| Failure::of_command(&error))
}

pub(crate) fn kill(options: &KillOptions, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    for_each(&options.names.containers, |container| {
        runtime.kill(container, options.signal)?;
        print(&format!("{container}\n"));
        Ok(())
    })
}
