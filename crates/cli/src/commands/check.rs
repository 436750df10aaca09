use super::{Failure, open};
use crate::arguments::CheckOptions;
use crate::output::{print, print_json};
use minet_runtime::{Difference, Paths};

pub(crate) fn check(options: &CheckOptions, paths: Paths) -> Result<u8, Failure> {
    let differences = open(paths)
        .and_then(|mut runtime| runtime.check(options.container.as_deref()))
        .map_err(|error| Failure::of_command(&error))?;
    match options.json {
        true => print_json(&differences),
        false => differences
            .iter()
            .for_each(|difference| print(&line(difference))),
    }
    Ok(u8::from(!differences.is_empty()))
}

/// `network bridge: make the bridge minet0: bridge minet0 is down`
pub(super) fn line(difference: &Difference) -> String {
    let Difference { owner, step, found } = difference;
    format!("{owner}: {step}: {found}\n")
}
