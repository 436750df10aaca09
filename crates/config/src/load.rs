//! From a file to a [`Config`].

use crate::{Config, ConfigError, Problem};
use std::{fs, io, path::Path};

/// Whether a file has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Somebody named it.
    Required,
    /// It is where one may be; without it, the defaults are in force.
    Optional,
}

/// Reads a file.
///
/// # Errors
///
/// When it cannot be read, or understood.
pub fn load(file: &Path, presence: Presence) -> Result<Config, ConfigError> {
    match fs::read_to_string(file) {
        Ok(text) => Config::parse(file, &text),
        Err(error) if presence == Presence::Optional && is_absent(&error) => Ok(Config::default()),
        Err(error) => Err(ConfigError {
            file: file.to_owned(),
            line: None,
            problem: Box::new(Problem::Unreadable(error.to_string())),
        }),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
