//! The lines that a container's hosts file begins with, where somebody asked for them.

use crate::{Error, admit::root_of};
use minet_model::{ContainerSpec, HostsBase};
use minet_netns::read_in_root;
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The longest file that is believed to be a list of hosts, in bytes. It is kept with the
/// container's plan, and with minet's own lines it must stay below what an update reads.
const LONGEST: u64 = 512 * 1024;

/// The base's text; none if the mode decides.
///
/// A root directory without the file has no lines. Its symbolic links lead nowhere else.
pub(crate) fn read(spec: &ContainerSpec) -> Result<Option<Vec<u8>>, Error> {
    match &spec.hosts_base {
        HostsBase::OfMode | HostsBase::Untouched => Ok(None),
        HostsBase::Nothing => Ok(Some(Vec::new())),
        HostsBase::Image => {
            let inside = Path::new("/etc/hosts");
            let text = read_in_root(&root_of(spec), inside, LONGEST).map_err(Error::file(
                "read as --hosts-file, in the root directory,",
                inside,
            ))?;
            Ok(Some(text.unwrap_or_default()))
        }
        HostsBase::File(path) => {
            let text = read_file(path).map_err(Error::file("read as --hosts-file", path))?;
            Ok(Some(text))
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe without a writer is not waited for.
    let mut options = File::options();
    let nonblock = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = options.read(true).custom_flags(nonblock).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    match text.len() as u64 > LONGEST {
        true => Err(io::Error::other("longer than 512 KiB")),
        false => Ok(text),
    }
}
