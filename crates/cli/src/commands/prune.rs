use super::{Failure, open, together};
use crate::{lifecycle::PruneOptions, output::print, prune_filter};
use minet_runtime::Paths;
use std::io;

pub(crate) fn prune(options: &PruneOptions, paths: Paths) -> Result<u8, Failure> {
    if !options.force && !confirmed("containers that have ended") {
        return Ok(0);
    }
    let (removed, failures) = open(paths)
        .and_then(|mut runtime| {
            runtime.prune(&|container| {
                prune_filter::fits(&options.filter, &container.spec.labels, container.created)
            })
        })
        .map_err(|error| Failure::of_command(&error))?;
    if !removed.is_empty() {
        print(&format!("Deleted Containers:\n{}\n", removed.join("\n")));
    }
    together(&failures)
}

/// Whether somebody who is asked says yes.
pub(super) fn confirmed(what: &str) -> bool {
    print(&format!(
        "This will remove all {what}.\nAre you sure you want to continue? [y/N] "
    ));
    let _ = io::Write::flush(&mut io::stdout());
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y")
}
