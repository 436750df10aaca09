use crate::{
    Error,
    machine::{Inside, Machine},
    step::{Act, Explanation, Finding},
};
use minet_bridge::Rtnl;
use minet_model::ContainerName;
use minet_netns::Netns;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
};

/// A network namespace: interfaces, addresses, routes and ports that nobody else sees.
///
/// Nothing pins it but the processes inside and the supervisor, which holds it open. So
/// when those are gone, however they went, the kernel takes the namespace away with all
/// that is in it. Its name in `/run/netns` is a link to the supervisor's open file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeNamespace {
    /// The container's name, under which `ip netns` finds it.
    pub name: ContainerName,
    /// The link that gives it its name.
    pub link: PathBuf,
}

impl MakeNamespace {
    /// The link must not replace a namespace that somebody else named so.
    fn give_name(&self, netns: &Netns) -> Result<(), Error> {
        let target = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            netns.as_fd().as_raw_fd()
        );
        if let Some(dir) = self.link.parent() {
            fs::create_dir_all(dir).map_err(Error::file("create the directory", dir))?;
        }
        match std::os::unix::fs::symlink(&target, &self.link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_dangling_name(&self.link) {
                    return Err(Error::NamespaceNameTaken {
                        link: self.link.clone(),
                        name: self.name.clone(),
                    });
                }
                remove_name(&self.link)?;
                std::os::unix::fs::symlink(&target, &self.link)
                    .map_err(Error::file("name the namespace", &self.link))
            }
            other => other.map_err(Error::file("name the namespace", &self.link)),
        }
    }
}

/// A name that minet gave and whose namespace is gone.
fn is_dangling_name(link: &Path) -> bool {
    is_our_name(link) && !link.exists()
}

/// minet's names are links into /proc; `ip netns add` makes files.
fn is_our_name(link: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target.starts_with("/proc/"))
}

fn remove_name(link: &Path) -> Result<(), Error> {
    match fs::remove_file(link) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(Error::file("remove the name of a namespace", link)),
    }
}

impl Act for MakeNamespace {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let (netns, rtnl) = Netns::create(Rtnl::open)?;
        self.give_name(&netns)?;
        machine.set_inside(Inside::Held { netns, rtnl });
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        machine.set_inside(Inside::Dying);
        match is_our_name(&self.link) {
            true => remove_name(&self.link),
            false => Ok(()),
        }
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::expect(self.link.exists(), || {
            format!("{} leads to no namespace", self.link.display())
        }))
    }

    fn explain(&self) -> Explanation {
        let name = &self.name;
        Explanation {
            what: format!("make a network namespace for {name}"),
            why: "A network namespace has interfaces, addresses, routes and ports of its own; in a new one there is nothing but a loopback that is down.".into(),
            up: vec![format!("ip netns add {name}")],
            down: vec![format!("ip netns del {name}")],
        }
    }
}
