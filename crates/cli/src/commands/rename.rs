use super::{Failure, open};
use crate::explainer::{Explainer, Level};
use crate::lifecycle::RenameOptions;
use minet_runtime::Paths;

pub(crate) fn rename(options: &RenameOptions, paths: Paths) -> Result<u8, Failure> {
    open(paths)
        .and_then(|mut runtime| {
            runtime.rename(
                &options.container,
                &options.name,
                &mut Explainer::new(Level::Notes),
            )
        })
        .map_err(|error| Failure::of_command(&error))?;
    Ok(0)
}
