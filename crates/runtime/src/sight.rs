//! How a container's processes see the files that are mounted for them.

use crate::{Error, Runtime, admit::root_of, find, launch::access_of};
use minet_netns::{FileId, Root, RootAccess, View};
use minet_state::{ContainerRow, Status};
use std::path::Path;

/// The view of a running container, and how it was launched.
pub(crate) struct Sight {
    view: View,
    root: Root,
    access: RootAccess,
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
        Ok(init.map(|init| Sight {
            view: View::of(init),
            root: root_of(&spec),
            access: access_of(&spec),
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

    /// Mounts `file` over the file that is seen there, if that is `covered`.
    pub(crate) fn cover(&self, path: &Path, covered: FileId, file: &Path) -> Result<bool, Error> {
        let (root, access) = (&self.root, self.access);
        Ok(self.view.cover(path, covered, file, root, access)?)
    }

    /// Takes this file away from there.
    pub(crate) fn uncover(&self, path: &Path, cover: FileId) -> Result<bool, Error> {
        Ok(self.view.uncover(path, cover)?)
    }
}
