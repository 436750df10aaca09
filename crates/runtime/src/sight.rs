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
