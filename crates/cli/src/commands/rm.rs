use super::{Failure, for_each, open};
use crate::arguments::RmOptions;
use crate::output::print;
use minet_runtime::{Force, Paths};

pub(crate) fn rm(options: &RmOptions, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let force = if options.force {
        Force::Kill
    } else {
        Force::Ended
    };
    for_each(&options.names.containers, |container| {
        runtime.remove(container, force)?;
        print(&format!("{container}\n"));
        Ok(())
    })
}
