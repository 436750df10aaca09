//! Room for as many sockets as there are ports, and clients of relays.

use super::PortError;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::process::Rlimit;
use std::sync::OnceLock;

/// The limit that this process was started with, once it has been raised.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// How many files this process might have open when it was started, which is what the
/// container's own process gets, at each of its starts.
pub(crate) fn inherited() -> Rlimit {
    let now = || rustix::process::getrlimit(rustix::process::Resource::Nofile);
    INHERITED.get().cloned().unwrap_or_else(now)
}

/// Raises the soft limit for this process alone.
pub(crate) fn raise(soft: u64, hard: u64) -> nix::Result<()> {
    INHERITED.get_or_init(|| rustix::process::getrlimit(rustix::process::Resource::Nofile));
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
}

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
    raise(wanted, hard.max(wanted)).map_err(|_| PortError::TooMany {
        sockets,
        room: hard.saturating_sub(OTHERS),
    })
}
