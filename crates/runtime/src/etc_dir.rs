//! The directory of a container's generated files, and of its supervisor's line: a small file
//! system of its own (`minet_netns::EtcFolder`).
//!
//! It is mounted nowhere. `/run/minet/containers/ID` is a link to the descriptor by which the
//! supervisor holds it, as the name in `/run/netns` is one to that of the network namespace.
//! A number of a process is used again some day, and then such a link may lead anywhere; so
//! there is a file in it, the *mark*, that is called as the container's ID.

use crate::Error;
use minet_names::write;
use minet_netns::EtcFolder;
use rustix::{
    fs::{Access, AtFlags, Mode, OFlags, accessat, open as open_file},
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// How much a container, or a crowd of links, may add to what is written in the beginning.
const ROOM: u64 = 256 * 1024;

/// Makes the file system for these files and writes them.
pub(crate) fn make(dir: &Path, files: &[(String, String)]) -> Result<EtcFolder, Error> {
    // Memory is given out in pages.
    let page = rustix::param::page_size() as u64;
    let sizes = files.iter().map(|(_, text)| text.len() as u64);
    let sizes = sizes.map(|length| length.next_multiple_of(page));
    let folder = EtcFolder::create(sizes.sum::<u64>() + ROOM)?;
    for (name, text) in files {
        write::create(&folder.path().join(name), text.as_bytes())?;
    }
    write::create(&folder.path().join(mark(dir)), b"")?;
    Ok(folder)
}

/// Lets others find it, in place of what an earlier life may have left.
pub(crate) fn show(dir: &Path, folder: &Path) -> Result<(), Error> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(Error::file("create the directory", parent))?;
    }
    hide(dir)?;
    std::os::unix::fs::symlink(folder, dir).map_err(Error::file("make the link", dir))
}

/// Takes the link away, or the directory that an earlier version has made in its place.
pub(crate) fn hide(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(Error::file("remove", dir)),
    }
}

/// Opens it; what is not, or not any more, a container's directory is not found.
pub(crate) fn open(dir: &Path) -> io::Result<OwnedFd> {
    let is_link = fs::symlink_metadata(dir)?.is_symlink();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = match open_file(dir, flags, Mode::empty()) {
        // Of a process that is just ending.
        Err(Errno::ACCESS | Errno::NOTDIR) => Err(Errno::NOENT),
        opened => opened,
    }?;
    if is_link {
        accessat(&opened, mark(dir), Access::EXISTS, AtFlags::empty())?;
    }
    Ok(opened)
}

/// Where a process holds it: its path by that process's descriptor.
pub(crate) fn held_by(process: i32, dir: &Path) -> Option<PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let mut paths = descriptors.filter_map(|entry| Some(entry.ok()?.path()));
    // Only a directory has something below it, and only one has this.
    paths.find(|path| path.join(mark(dir)).exists())
}

/// What cannot be mended while the container runs.
pub(crate) fn held_by_nobody() -> Error {
    let why = "nobody holds the container's files in /etc any more: start it again";
    Error::CannotMend(why.to_owned())
}

fn mark(dir: &Path) -> &OsStr {
    dir.file_name().unwrap_or_default()
}
