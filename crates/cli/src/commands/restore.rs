use super::{
    Failure, open,
    start::{shield, start_each},
};
use minet_runtime::Paths;

/// Those that fail at first get a second chance: they may share the network of one that
/// was made after them.
pub(crate) fn restore(paths: Paths) -> Result<u8, Failure> {
    shield()?;
    let missing = || {
        open(paths.clone())
            .and_then(|mut runtime| runtime.missing())
            .map_err(|error| Failure::of_command(&error))
    };
    match start_each(&missing()?, &paths)? {
        0 => Ok(0),
        _ => start_each(&missing()?, &paths),
    }
}
