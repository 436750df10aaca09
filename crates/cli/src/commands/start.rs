use super::{Failure, open};
use crate::{
    arguments::NamesOption,
    explainer::{Explainer, Level},
    output::print,
};
use minet_runtime::{Detached, Error, Paths, Runtime, StartupReport, detach, raise_shield};

/// What a supervisor does from its first moment.
type Work<'a> = dyn FnMut(&mut Runtime, &mut Explainer, StartupReport) -> Result<(), Error> + 'a;

pub(crate) fn start(names: &NamesOption, paths: Paths) -> Result<u8, Failure> {
    shield()?;
    start_each(&names.containers, &paths)
}

/// First of all, since any container may have a root directory that somebody else made.
pub(crate) fn shield() -> Result<(), Failure> {
    raise_shield().map_err(|error| Failure::of_command(&error))
}

/// Each gets a supervisor of its own, one after the other; all failures are told.
pub(crate) fn start_each(containers: &[String], paths: &Paths) -> Result<u8, Failure> {
    let mut outcome = 0;
    for container in containers {
        let mut work = |runtime: &mut Runtime, explainer: &mut Explainer, report| {
            runtime.start(container, explainer, report)
        };
        match leave_running(paths, Level::Notes, &mut work)? {
            Left::Running(told) => print(&told),
            // The supervisor has said why.
            Left::Failed(_) => outcome = 1,
            Left::Ended => return Ok(0),
        }
    }
    Ok(outcome)
}

/// What became of a supervisor, seen from either half of the process.
pub(crate) enum Left {
    /// It stays; this is what it said.
    Running(String),
    /// It has failed with this exit code, and has told why.
    Failed(u8),
    /// This process was the supervisor, and its container has ended.
    Ended,
}

/// Splits this process, and lets the other half do the work.
pub(crate) fn leave_running(
    paths: &Paths,
    level: Level,
    work: &mut Work<'_>,
) -> Result<Left, Failure> {
    match detach().map_err(|error| Failure::of_container(&error))? {
        Detached::Caller(startup) => match startup.wait() {
            Ok(Ok(told)) => Ok(Left::Running(told)),
            Ok(Err(code)) => Ok(Left::Failed(code)),
            Err(error) => Err(Failure::of_container(&error)),
        },
        Detached::Supervisor(report) => {
            let mut explainer = Explainer::new(level);
            open(paths.clone())
                .and_then(|mut runtime| work(&mut runtime, &mut explainer, report))
                .map_err(|error| Failure::of_container(&error))?;
            Ok(Left::Ended)
        }
    }
}
