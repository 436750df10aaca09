use super::{Failure, open};
use crate::arguments::GcOptions;
use crate::output::{print, print_json};
use minet_runtime::{IdleNetworks, Paths};

pub(crate) fn gc(options: &GcOptions, paths: Paths) -> Result<u8, Failure> {
    let idle = if options.all {
        IdleNetworks::TakeDown
    } else {
        IdleNetworks::Keep
    };
    let swept = open(paths)
        .and_then(|mut runtime| runtime.gc(idle))
        .map_err(|error| Failure::of_command(&error))?;
    if options.json {
        print_json(&swept);
        return Ok(u8::from(!swept.left_behind.is_empty()));
    }
    for container in &swept.containers {
        print(&format!("removed what was left of container {container}\n"));
    }
    for network in &swept.networks {
        print(&format!("took down network {network}\n"));
    }
    for stray in &swept.strays {
        print(&format!("removed {stray}\n"));
    }
    for kept in &swept.kept {
        print(&format!("left {kept}\n"));
    }
    for passed in &swept.passed {
        print(&format!("{passed}\n"));
    }
    match swept.left_behind.is_empty() {
        true => Ok(0),
        false => Err(Failure {
            message: swept.left_behind.join("\nminet: "),
            code: 1,
        }),
    }
}
