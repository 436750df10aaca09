//! The new text of a hosts file in front of the old one, while that is written.
//!
//! A container whose processes read `/etc/hosts` without end leaves no moment in which nobody
//! has it open. So for the moments of the change the new text, in a file of its own, is
//! mounted over it wherever it is seen: in the container, and in those that share its network.

use crate::{Error, Runtime};
use minet_names::write::{self, Screen};
use minet_netns::FileId;
use minet_state::ContainerRow;
use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the file is seen.
const HOSTS: &str = "/etc/hosts";

/// What its screen is called, beside it.
const SCREEN: &str = "hosts.screen";

/// How long is waited for those who have the screen open when it is taken away.
const PATIENCE: Duration = Duration::from_millis(50);

/// The screen of one container's hosts file. Whoever has it holds the lock of its directory.
pub(super) struct HostsScreen<'a> {
    runtime: &'a mut Runtime,
    row: &'a ContainerRow,
    hosts: PathBuf,
    screen: PathBuf,
    raised: Vec<u8>,
}

impl<'a> HostsScreen<'a> {
    /// The one of the files in this directory. One that a crash has left there is gone.
    pub(super) fn of(runtime: &'a mut Runtime, row: &'a ContainerRow, dir: &Path) -> Self {
        let mut screen = HostsScreen {
            runtime,
            row,
            hosts: dir.join("hosts"),
            screen: dir.join(SCREEN),
            raised: Vec::new(),
        };
        screen.lower();
        screen
    }

    /// Whether it is still there, since something kept it from being taken away.
    pub(super) fn is_there(&self) -> bool {
        self.screen.exists()
    }

    fn try_raise(&mut self, text: &[u8]) -> Result<(), Error> {
        write::create(&self.screen, text)?;
        let access = Error::file("give the mode of the hosts file to", &self.screen);
        like(&self.hosts, &self.screen).map_err(access)?;
        let Some(hosts) = FileId::of(&self.hosts)? else {
            return Ok(());
        };
        for sight in self.runtime.sights(self.row)? {
            // One that has just ended reads nothing, and another file is no reader's of this.
            let _ = sight.cover(Path::new(HOSTS), hosts, SCREEN);
        }
        Ok(())
    }

    fn try_lower(&mut self, screen: FileId) -> Result<(), Error> {
        let mut lowered = Ok(());
        for sight in self.runtime.sights(self.row)? {
            // One that resists keeps no other from its file.
            lowered = lowered.and(sight.uncover(Path::new(HOSTS), screen).map(drop));
        }
        lowered
    }
}

/// Makes the mode and the owner of one file those of another.
fn like(pattern: &Path, file: &Path) -> io::Result<()> {
    let metadata = fs::metadata(pattern)?;
    chown(file, Some(metadata.uid()), Some(metadata.gid()))?;
    fs::set_permissions(file, metadata.permissions())
}

impl Screen for HostsScreen<'_> {
    fn raise(&mut self, text: &[u8]) {
        text.clone_into(&mut self.raised);
        // Without a screen, readers may see the writing; the names are more important.
        let _ = self.try_raise(text);
    }

    fn lower(&mut self) -> Option<Vec<u8>> {
        let id = FileId::of(&self.screen).ok().flatten()?;
        let lowered = self.try_lower(id);
        let text = write::last_words(&self.screen, PATIENCE);
        if lowered.is_ok() {
            let _ = fs::remove_file(&self.screen);
        }
        let raised = std::mem::take(&mut self.raised);
        text.filter(|text| !raised.is_empty() && *text != raised)
    }
}
