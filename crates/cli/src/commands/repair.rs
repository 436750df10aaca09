use super::{Failure, check::line, open};
use crate::arguments::RepairOptions;
use crate::output::{print, print_json, visible};
use minet_runtime::{Difference, Paths};

pub(crate) fn repair(options: &RepairOptions, paths: Paths) -> Result<u8, Failure> {
    let repaired = open(paths)
        .and_then(|mut runtime| runtime.repair(options.container.as_deref()))
        .map_err(|error| Failure::of_command(&error))?;
    if options.json {
        print_json(&repaired);
        return Ok(u8::from(!repaired.resisting.is_empty()));
    }
    for mended in &repaired.mended {
        print(&format!("mended {}", line(mended)));
    }
    for removed in &repaired.removed {
        print(&format!("removed {removed}\n"));
    }
    for passed in &repaired.passed {
        print(&format!("{passed}\n"));
    }
    match repaired.resisting.is_empty() {
        true => Ok(0),
        false => Err(Failure {
            message: told(&repaired.resisting),
            code: 1,
        }),
    }
}

fn told(resisting: &[Difference]) -> String {
    let lines = resisting
        .iter()
        .map(|difference| format!("cannot mend {}", visible(line(difference).trim_end())));
    lines.collect::<Vec<_>>().join("\nminet: ")
}
