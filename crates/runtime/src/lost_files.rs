//! Generated files that a running container does not see any more.
//!
//! Its hosts, resolv.conf and hostname are mounted over files of its root: with `--rootfs`
//! those of a directory, else the host's own. When somebody on the host puts another file in
//! the place of one of these, as `sed -i` and NetworkManager do, the kernel takes away what is
//! mounted on the old one, in every mount namespace (`detach_mounts` in `fs/namespace.c`), and
//! the container sees what was put there: names that are not its own, and name servers that
//! it does not reach. Then its file is mounted again.

use crate::{
    Error, Runtime,
    check::Difference,
    etc_files, find,
    sight::{Seen, Sight},
};
use minet_netns::{EtcFile, FileId};
use minet_state::{ContainerRow, Status};
use std::path::PathBuf;

/// A file that is not where it was mounted.
pub(crate) struct LostFile {
    file: EtcFile,
    path: PathBuf,
    instead: FileId,
}

impl Runtime {
    /// Those of this container, which may run or not.
    pub(crate) fn lost_files(&self, row: &ContainerRow) -> Result<Vec<LostFile>, Error> {
        match self.sight_of_running(row)? {
            Some(sight) => lost(row, &sight),
            None => Ok(Vec::new()),
        }
    }

    /// Mounts one again.
    pub(crate) fn show_again(&self, row: &ContainerRow, lost: &LostFile) -> Result<(), Error> {
        let Some(sight) = self.sight_of_running(row)? else {
            return Ok(());
        };
        let target = lost.file.target();
        match sight.cover(target, lost.instead, lost.file.name())? {
            true => Ok(()),
            false => Err(Error::CannotMend(format!(
                "the file in its place has changed again: {}",
                target.display()
            ))),
        }
    }

    /// Whether any container misses one of its files.
    pub(crate) fn any_file_is_lost(&mut self) -> Result<bool, Error> {
        let rows = self.store.read(|tx| tx.live_containers())?;
        // One that cannot be looked at has ended, or `minet check` tells why.
        let misses = |row: &ContainerRow| self.lost_files(row).is_ok_and(|lost| !lost.is_empty());
        Ok(rows.iter().any(misses))
    }

    fn sight_of_running(&self, row: &ContainerRow) -> Result<Option<Sight>, Error> {
        match row.status {
            Status::Running => self.sight(row),
            Status::Starting | Status::Restarting | Status::Exited => Ok(None),
        }
    }
}

fn lost(row: &ContainerRow, sight: &Sight) -> Result<Vec<LostFile>, Error> {
    let (spec, settings) = (find::spec(row)?, find::settings(row)?);
    let mut lost = Vec::new();
    if etc_files::are_the_hosts(&spec) {
        return Ok(lost);
    }
    for file in etc_files::seen(&settings) {
        let (target, path) = (file.target(), settings.etc_dir.join(file.name()));
        // A volume there is what the user wants to be seen.
        let mut volumes = spec.volumes.iter();
        if volumes.any(|volume| volume.target == target) {
            continue;
        }
        if let Seen::OfItsRoot(instead) = sight.sees(target, &path)? {
            lost.push(LostFile {
                file,
                path,
                instead,
            });
        }
    }
    Ok(lost)
}

impl LostFile {
    /// As a difference from what was planned.
    pub(crate) fn difference(&self, row: &ContainerRow) -> Difference {
        Difference {
            owner: format!("container {}", row.name),
            step: format!(
                "mount {} on {}",
                self.path.display(),
                self.file.target().display()
            ),
            found: "another file was put there, and is seen instead".to_owned(),
        }
    }
}
