use std::io;

/// An act on an object that the kernel refused: "mount a fresh proc on /proc".
///
/// The text says what was tried, [`std::error::Error::source`] says what the kernel answered.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Failure {
    doing: String,
    #[source]
    cause: io::Error,
}

impl Failure {
    pub(crate) fn new(doing: impl Into<String>, cause: impl Into<io::Error>) -> Self {
        Failure {
            doing: doing.into(),
            cause: cause.into(),
        }
    }

    /// What was tried and on which object, without the kernel's answer.
    pub fn doing(&self) -> &str {
        &self.doing
    }

    /// What the kernel answered.
    pub fn cause(&self) -> &io::Error {
        &self.cause
    }
}

/// Says what was being done when a system call failed; the text is only built on failure.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|cause| Failure::new(what(), cause))
    }
}
