use super::{Failure, for_each, open};
use crate::{arguments::NamesOption, output::print};
use minet_runtime::Paths;

pub(crate) fn wait(names: &NamesOption, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    for_each(&names.containers, |container| {
        print(&format!("{}\n", runtime.wait(container)?));
        Ok(())
    })
}
