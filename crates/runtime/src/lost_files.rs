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
use minet_netns::FileId;
use minet_state::{ContainerRow, Status};
use std::path::{Path, PathBuf};

/// A file that is not where it was mounted.
pub(crate) struct LostFile {
    file: PathBuf,
    target: &'static str,
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
        match sight.cover(Path::new(lost.target), lost.instead, &lost.file)? {
            true => Ok(()),
            false => Err(Error::CannotMend(format!(
                "the file in its place has changed again: {}",
                lost.target
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
    for (file, target) in etc_files::mounts(&settings).pairs() {
        let target_path = Path::new(target);
        // A volume there is what the user wants to be seen.
        if spec
            .volumes
            .iter()
            .any(|volume| volume.target == target_path)
        {
            continue;
        }
        if let Seen::OfItsRoot(instead) = sight.sees(target_path, file)? {
            lost.push(LostFile {
                file: file.to_owned(),
                target,
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
            step: format!("mount {} on {}", self.file.display(), self.target),
            found: "another file was put there, and is seen instead".to_owned(),
        }
    }
}
