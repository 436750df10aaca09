//! Room for as many sockets as there are ports.

use super::PortError;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors for everything else: the store, netlink, logs, the libraries' own.
const OTHERS: u64 = 128;

/// Raises the soft limit of open files (`man 2 getrlimit`) when `sockets` would not fit,
/// up to the hard limit, and beyond it where the kernel lets us.
///
/// The limit stays raised for the process that holds the ports. Whoever starts the
/// container's own process must give that one the limit from before.
pub(super) fn make_room(sockets: usize) -> Result<(), PortError> {
    let wanted = sockets as u64 + OTHERS;
    let unknown = |errno: nix::Error| PortError::OpenFiles(errno.into());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(unknown)?;
    if wanted <= soft {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).map_err(|_| PortError::TooMany {
        sockets,
        room: hard.saturating_sub(OTHERS),
    })
}
