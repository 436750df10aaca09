use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::ContainerName;
use minet_names::write;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The three files that tell a process where it is: hosts, resolv.conf and hostname.
///
/// They are generated outside and mounted over the ones in the container's `/etc`, which
/// therefore stays as it is, and is the same directory for many containers.
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
    fn apply(&self, _machine: &mut Machine) -> Result<(), Error> {
        fs::create_dir_all(&self.dir).map_err(Error::file("create the directory", &self.dir))?;
        for (name, text) in &self.files {
            write::create(&self.dir.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(Error::file("remove the directory", &self.dir)),
        }
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        // What stands in them may change while the container runs; that they are there may not.
        let missing = |(name, _): &&(String, String)| !self.dir.join(Path::new(name)).is_file();
        Ok(match self.files.iter().find(missing) {
            Some((name, _)) => {
                Finding::Differs(format!("{} is missing", self.dir.join(name).display()))
            }
            None => Finding::AsPlanned,
        })
    }

    fn mend(&self, _machine: &mut Machine) -> Result<(), Error> {
        fs::create_dir_all(&self.dir).map_err(Error::file("create the directory", &self.dir))?;
        // What is there may have been changed since, and is what the container sees.
        for (name, text) in &self.files {
            let path = self.dir.join(name);
            if !path.is_file() {
                write::create(&path, text.as_bytes())?;
            }
        }
        Ok(())
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
            why: "They are mounted over the files of the same name in the container's /etc, as `ip netns exec` does with /etc/netns/NAME.".into(),
            up,
            down: vec![format!("rm -r /etc/netns/{name}")],
        }
    }
}
