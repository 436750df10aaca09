//! `--cidfile`: a container's ID in a file, for scripts.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A file of our own making, removed again unless it is kept. It is not held open: a
/// supervisor has nothing open that it does not need.
pub(crate) struct CidFile {
    path: PathBuf,
    kept: bool,
}

impl CidFile {
    /// Makes it, or says why not.
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        match File::create_new(path) {
            Ok(_) => Ok(CidFile {
                path: path.to_owned(),
                kept: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(format!(
                "container ID file found, make sure the other container isn't running or delete {}",
                path.display()
            )),
            Err(error) => Err(format!("create --cidfile {}: {error}", path.display())),
        }
    }

    /// Writes the ID.
    pub(crate) fn write(&self, id: &str) -> Result<(), String> {
        fs::write(&self.path, id)
            .map_err(|error| format!("write --cidfile {}: {error}", self.path.display()))
    }

    /// There is a container with that ID, or there was.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
