use super::{Failure, open};
use crate::arguments::NsenterOptions;
use minet_runtime::Paths;

/// Does not come back unless it fails.
pub(crate) fn nsenter(options: &NsenterOptions, paths: Paths) -> Result<u8, Failure> {
    open(paths)
        .and_then(|mut runtime| runtime.enter_network(&options.container, &options.command))
        .map(|never| match never {})
        .map_err(|error| Failure::of_container(&error))
}
