//! The two halves of a command that leaves something running.

use crate::Error;
use minet_netns::{Descendant, Split, StartupReport};

/// Which half this process is.
#[derive(Debug)]
pub enum Detached {
    /// The one that the user's shell waits for.
    Caller(Startup),
    /// The one that stays: a container's supervisor.
    Supervisor(StartupReport),
}

/// A supervisor on its way up, as the caller sees it.
#[derive(Debug)]
pub struct Startup(Descendant);

/// Splits this process; to be called before anything is opened.
pub fn detach() -> Result<Detached, Error> {
    Ok(match minet_netns::detach()? {
        Split::Original(descendant) => Detached::Caller(Startup(descendant)),
        Split::Detached(report) => Detached::Supervisor(report),
    })
}

impl Startup {
    /// Waits until the container runs, and returns what its supervisor said; or the exit
    /// code of a supervisor that has failed, and has told why.
    pub fn wait(self) -> Result<Result<String, u8>, Error> {
        let outcome = self.0.wait()?;
        Ok(outcome.map_err(|code| u8::try_from(code).unwrap_or(125)))
    }
}
