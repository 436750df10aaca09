use crate::failure::{Doing, Failure};
use rustix::{
    fs::{Mode, OFlags, openat},
    process::ioctl_tiocsctty,
    pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt},
};
use std::os::fd::{AsFd, OwnedFd};

/// The two sides of a terminal in the container's own `/dev/pts`.
pub(crate) struct Terminal {
    /// What the user's side reads and writes.
    pub(crate) master: OwnedFd,
    /// What the container takes for its terminal.
    pub(crate) slave: OwnedFd,
}

impl Terminal {
    /// Opens a new terminal of the devpts that is mounted at `terminals`.
    ///
    /// The slave comes from the master's descriptor and not from a path that somebody may
    /// have put something else on.
    pub(crate) fn open(terminals: impl AsFd) -> Result<Self, Failure> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let master = openat(terminals, "ptmx", flags, Mode::empty())
            .doing(|| "open a terminal in /dev/pts".to_owned())?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = unlockpt(&master)
            .and_then(|()| ioctl_tiocgptpeer(&master, flags))
            .doing(|| "open the container's side of the terminal".to_owned())?;
        Ok(Terminal { master, slave })
    }

    /// Makes it the controlling terminal of the session that this process leads.
    pub(crate) fn control(&self) -> Result<(), Failure> {
        ioctl_tiocsctty(&self.slave).doing(|| "take control of the terminal".to_owned())
    }
}
