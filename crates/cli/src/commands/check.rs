use super::{Failure, open};
use crate::arguments::CheckOptions;
use crate::output::print;
use minet_runtime::Paths;

pub(crate) fn check(options: &CheckOptions, paths: Paths) -> Result<u8, Failure> {
    let differences = open(paths)
        .and_then(|mut runtime| runtime.check(options.container.as_deref()))
        .map_err(|error| Failure::of_command(&error))?;
    for difference in &differences {
        print(&format!(
            "{}: {}: {}\n",
            difference.owner, difference.step, difference.found
        ));
    }
    Ok(u8::from(!differences.is_empty()))
}
