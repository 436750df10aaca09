use super::{Failure, open, together};
use crate::arguments::RmOptions;
use crate::output::{print, tell};
use minet_runtime::{Error, Force, Paths};

pub(crate) fn rm(options: &RmOptions, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let force = if options.force {
        Force::Kill
    } else {
        Force::Ended
    };
    let containers = &options.names.containers;
    let mut failures = Vec::new();
    for (container, outcome) in containers.iter().zip(runtime.remove_all(containers, force)) {
        match outcome {
            Ok(()) => print(&format!("{container}\n")),
            // As with Docker: what shall be gone is gone.
            Err(error @ Error::NoSuchContainer(_)) if options.force => {
                tell(&format!("minet: {error}"));
            }
            Err(error) => failures.push(error),
        }
    }
    together(&failures)
}
