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
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::{MetadataExt, PermissionsExt},
    },
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
        let own = (std::process::id(), netns.as_fd().as_raw_fd());
        self.name_descriptor(&format!("/proc/{}/fd/{}", own.0, own.1))
    }

    /// The name of a container's namespace is gone or leads elsewhere; its supervisor
    /// still holds the namespace open.
    fn give_name_again(&self, netns: &Netns, holder: i32) -> Result<(), Error> {
        let inode = netns.id()?.ino;
        let dir = PathBuf::from(format!("/proc/{holder}/fd"));
        let is_it = |path: &PathBuf| {
            let shown = fs::read_link(path).unwrap_or_default();
            shown.to_string_lossy().starts_with("net:[")
                && fs::metadata(path).is_ok_and(|meta| meta.ino() == inode)
        };
        let descriptors = fs::read_dir(&dir).map_err(Error::file("list", &dir))?;
        let held = descriptors
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(is_it)
            .ok_or(Error::NoNamespace)?;
        self.name_descriptor(&held.display().to_string())
    }

    fn name_descriptor(&self, target: &str) -> Result<(), Error> {
        if let Some(dir) = self.link.parent() {
            create_public_dir(dir)?;
        }
        match std::os::unix::fs::symlink(target, &self.link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_dangling_name(&self.link) {
                    return Err(Error::NamespaceNameTaken {
                        link: self.link.clone(),
                        name: self.name.clone(),
                    });
                }
                remove_name(&self.link)?;
                std::os::unix::fs::symlink(target, &self.link)
                    .map_err(Error::file("name the namespace", &self.link))
            }
            other => other.map_err(Error::file("name the namespace", &self.link)),
        }
    }
}

/// Everybody may look up a namespace's name; the umask is stricter.
pub(super) fn create_public_dir(dir: &Path) -> Result<(), Error> {
    let failed = || Error::file("create the directory", dir);
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(failed())?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).map_err(failed())
}

/// A name that minet gave and whose namespace is gone.
fn is_dangling_name(link: &Path) -> bool {
    is_our_name(link) && !link.exists()
}

/// minet's names are links to a supervisor's open file, `/proc/PID/fd/N`. `ip netns add`
/// makes files, and what others link to is `/proc/PID/ns/net`.
pub(crate) fn is_our_name(link: &Path) -> bool {
    let Ok(target) = fs::read_link(link) else {
        return false;
    };
    let parts: Vec<_> = target.iter().filter_map(|part| part.to_str()).collect();
    matches!(parts[..], ["/", "proc", pid, "fd", fd] if is_number(pid) && is_number(fd))
}

/// Whether a name of minet's leads to a namespace, which a supervisor then holds.
pub(crate) fn leads_to_a_namespace(link: &Path) -> bool {
    is_our_name(link) && Netns::open(link).is_ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let link = self.link.display();
        let Ok(found) = fs::metadata(&self.link) else {
            return Ok(Finding::Differs(format!("{link} leads to no namespace")));
        };
        let same = match machine.inside() {
            Inside::Held { netns, .. } => netns.id()?.ino == found.ino(),
            Inside::Unknown | Inside::Dying => true,
        };
        Ok(Finding::expect(same, || {
            format!("{link} leads to another namespace")
        }))
    }

    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        let holder = machine.holder();
        match (machine.inside(), holder) {
            (Inside::Held { netns, .. }, Some(holder)) => self.give_name_again(netns, holder),
            _ => Err(Error::NoNamespace),
        }
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
