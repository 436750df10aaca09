//! How a container's processes see the files that are mounted for them.

use crate::{Error, Runtime, admit::root_of, etc_dir, find, launch::access_of};
use minet_netns::{FileId, Root, RootAccess, View};
use minet_state::{ContainerRow, Status};
use std::{
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

/// The view of a running container, and how it was launched.
pub(crate) struct Sight {
    view: View,
    root: Root,
    access: RootAccess,
    /// Where its generated files are, and who holds them.
    dir: PathBuf,
    supervisor: i32,
}

/// What is seen in the place of a file that was mounted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// This file, of the root below.
    OfItsRoot(FileId),
    /// The mounted file, or what the container has made of it, or nothing at all.
    Other,
}

impl Runtime {
    /// What this container sees; nothing while none of its processes runs.
    pub(crate) fn sight(&self, row: &ContainerRow) -> Result<Option<Sight>, Error> {
        let Some(live) = row.live.as_ref().filter(|_| row.status != Status::Exited) else {
            return Ok(None);
        };
        let init = live.init.and_then(|init| self.open_process(live, init));
        let spec = find::spec(row)?;
        let dir = find::settings(row)?.etc_dir;
        Ok(init.map(|init| Sight {
            view: View::of(init),
            root: root_of(&spec),
            access: access_of(&spec),
            dir,
            supervisor: live.supervisor.pid,
        }))
    }

    /// What it and those who share its network see: the same three files.
    pub(crate) fn sights(&mut self, row: &ContainerRow) -> Result<Vec<Sight>, Error> {
        let mut rows = self.store.read(|tx| tx.guests_of(&row.id))?;
        rows.push(row.clone());
        let sights = rows.iter().map(|row| self.sight(row).transpose());
        sights.flatten().collect()
    }
}

impl Sight {
    /// Whether it is the root's own file that is seen there, and not the mounted one.
    pub(crate) fn sees(&self, path: &Path, mounted: &Path) -> Result<Seen, Error> {
        let seen = self.view.sees(path)?;
        let own = FileId::in_root(&self.root, path)?;
        Ok(match seen {
            // Somebody may have put the mounted file itself there (`mount --bind`).
            Some(file) if seen == own && seen != FileId::of(mounted)? => Seen::OfItsRoot(file),
            Some(_) | None => Seen::Other,
        })
    }

    /// Mounts the generated file of this name over the file that is seen there, if that is
    /// `covered`.
    pub(crate) fn cover(&self, path: &Path, covered: FileId, name: &str) -> Result<bool, Error> {
        // Of those who share them, each sees them by a mount of its own.
        let held =
            etc_dir::held_by(self.supervisor, &self.dir).ok_or_else(etc_dir::held_by_nobody)?;
        let folder = File::open(&held).map_err(Error::file("open", &held))?;
        let (file, root, access) = ((folder.as_fd(), Path::new(name)), &self.root, self.access);
        Ok(self.view.cover(path, covered, file, root, access)?)
    }

    /// Takes this file away from there.
    pub(crate) fn uncover(&self, path: &Path, cover: FileId) -> Result<bool, Error> {
        Ok(self.view.uncover(path, cover)?)
    }
}
