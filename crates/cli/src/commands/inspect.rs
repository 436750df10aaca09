use super::{Failure, for_each, open};
use crate::arguments::NamesOption;
use crate::output::print;
use minet_runtime::Paths;

/// Prints an array, as Docker does, with those that were found; the others are told.
pub(crate) fn inspect(names: &NamesOption, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let mut found = Vec::new();
    let outcome = for_each(&names.containers, |container| {
        found.push(runtime.inspect(container)?);
        Ok(())
    });
    print(&format!("{:#}\n", serde_json::Value::Array(found)));
    outcome
}
