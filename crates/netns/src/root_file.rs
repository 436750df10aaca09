//! Reading a file of a container's root directory from outside.

use crate::inside::{Root, RootDir};
use std::{io, path::Path};

/// The content of a regular file as the container sees it, or nothing where there is none.
///
/// Symbolic links are followed as if after `chroot`, so they lead to nothing of the host's.
///
/// # Errors
///
/// Any other failure to read it, and a file that is longer than `longest` bytes.
pub fn read_in_root(root: &Root, path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let root = RootDir::open(root).map_err(io::Error::other)?;
    root.read_bytes(path, longest)
}
