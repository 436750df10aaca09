//! Hearing that somebody puts other files in the place of the host's hosts, resolv.conf and
//! hostname, over which those of containers are mounted (`lost_files.rs`).
//!
//! What happens to a file under its old name is not told by the file but by its directory. A
//! path that is a link, as `/etc/resolv.conf` often is, has two: that of the link, and that of
//! the file.

use super::watch::watch;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};
use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};
use tokio::io::unix::AsyncFd;

const FILES: [&str; 3] = ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname"];

/// Watches their directories.
pub(super) struct Replaced {
    inotify: Inotify,
    ready: AsyncFd<OwnedFd>,
    /// What they are called there.
    names: Vec<OsString>,
}

impl Replaced {
    /// Must be called within the event loop.
    pub(super) fn watch() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let ready = watch(inotify.as_fd().try_clone_to_owned()?)?;
        let mut replaced = Replaced {
            inotify,
            ready,
            names: Vec::new(),
        };
        replaced.look_where_they_are();
        Ok(replaced)
    }

    /// Waits until one of them is another file.
    pub(super) async fn next(&mut self) {
        loop {
            let Ok(mut ready) = self.ready.readable().await else {
                return std::future::pending().await;
            };
            let events = self.inotify.read_events().unwrap_or_default();
            ready.clear_ready();
            if events.iter().any(|event| self.is_meant(event)) {
                // A link may lead elsewhere now.
                self.look_where_they_are();
                return;
            }
        }
    }

    /// Most of what happens in `/etc` is none of ours.
    fn is_meant(&self, event: &InotifyEvent) -> bool {
        match &event.name {
            Some(name) => self.names.contains(name),
            // So much has happened that it was not told what.
            None => event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW),
        }
    }

    fn look_where_they_are(&mut self) {
        self.names.clear();
        for file in FILES.map(PathBuf::from) {
            // Where there is no file there is nothing to be mounted over either.
            let behind_links = file.canonicalize().ok();
            for path in [Some(file), behind_links].into_iter().flatten() {
                self.watch_for(&path);
            }
        }
    }

    fn watch_for(&mut self, path: &Path) {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        let others = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE;
        // A directory that is watched already is so once.
        if self.inotify.add_watch(dir, others).is_ok() && !self.names.iter().any(|n| n == name) {
            self.names.push(name.to_owned());
        }
    }
}
