use crate::{
    Error, etc_dir,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::ContainerName;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The three files that tell a process where it is: hosts, resolv.conf and hostname.
///
/// They are generated outside and mounted over the ones in the container's `/etc`, which
/// therefore stays as it is, and is the same directory for many containers. What a container
/// writes into them fills a small file system of its own, and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteEtcFiles {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// Where they are written.
    pub dir: PathBuf,
    /// File name and text.
    pub files: Vec<(String, String)>,
}

impl Act for WriteEtcFiles {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let folder = etc_dir::make(&self.dir, &self.files)?;
        etc_dir::show(&self.dir, &folder.path())?;
        machine.set_etc(Some(folder));
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        machine.set_etc(None);
        etc_dir::hide(&self.dir)
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        let dir = self.dir.display();
        if etc_dir::open(&self.dir).is_err() {
            return Ok(Finding::Differs(format!("{dir} leads to no files")));
        }
        // What stands in them may change while the container runs; that they are there may not.
        let missing = |(name, _): &&(String, String)| !self.dir.join(name).is_file();
        Ok(match self.files.iter().find(missing) {
            Some((name, _)) => Finding::Differs(format!("{dir}/{name} is missing")),
            None => Finding::AsPlanned,
        })
    }

    /// The files are what the container sees, so nothing can be put in their place; but its
    /// supervisor holds them still.
    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        let holder = machine.holder();
        let held = holder.and_then(|holder| etc_dir::held_by(holder, &self.dir));
        match held {
            Some(folder) => etc_dir::show(&self.dir, &folder),
            None => Err(etc_dir::held_by_nobody()),
        }
    }

    fn explain(&self) -> Explanation {
        let name = &self.name;
        let mut up = vec![format!("mkdir -p /etc/netns/{name}")];
        for (file, text) in &self.files {
            let text = text.trim_end_matches('\n');
            up.push(format!(
                "cat > /etc/netns/{name}/{file} <<'END'\n{text}\nEND"
            ));
        }
        Explanation {
            what: format!("write hosts, resolv.conf and hostname of {name}"),
            why: "They are mounted over the files of the same name in the container's /etc, as `ip netns exec` does with /etc/netns/NAME; minet keeps them in a small tmpfs that is mounted nowhere else, so that filling them fills nothing of the host's.".into(),
            up,
            down: vec![format!("rm -r /etc/netns/{name}")],
        }
    }
}
