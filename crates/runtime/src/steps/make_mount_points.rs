use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::ContainerName;
use minet_netns::{
    Root,
    mount_points::{self, Kind, MountPoint},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The empty files and directories in the container's root on which things are mounted,
/// where they were missing. They are taken away again if they are still empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeMountPoints {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The directory that is the container's root; none for the host's.
    pub rootfs: Option<PathBuf>,
    /// What was missing, parents before children.
    pub missing: Vec<MountPoint>,
}

impl MakeMountPoints {
    fn root(&self) -> Root {
        self.rootfs.clone().map_or(Root::Host, Root::Directory)
    }

    /// A mount point as the host sees it, quoted for a shell.
    fn quoted(&self, point: &MountPoint) -> String {
        let inside = point.path.strip_prefix("/").unwrap_or(&point.path);
        let path = self
            .rootfs
            .as_deref()
            .unwrap_or(Path::new("/"))
            .join(inside);
        format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
    }
}

impl Act for MakeMountPoints {
    fn apply(&self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(mount_points::create(&self.root(), &self.missing)?)
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        mount_points::remove_if_unused(&self.root(), &self.missing)?;
        Ok(())
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let paths: Vec<String> = self
            .missing
            .iter()
            .map(|point| self.quoted(point))
            .collect();
        let make = |(point, path): (&MountPoint, &String)| match point.kind {
            Kind::Directory => format!("mkdir {path}"),
            Kind::File => format!("touch {path}"),
        };
        let remove = |(point, path): (&MountPoint, &String)| match point.kind {
            Kind::Directory => format!("rmdir {path}"),
            Kind::File => format!("rm {path}"),
        };
        Explanation {
            what: format!("make mount points for {}: {}", self.name, paths.join(" ")),
            why: "A mount needs an empty file or directory to cover; these are removed again at the end if they are still empty.".into(),
            up: self.missing.iter().zip(&paths).map(make).collect(),
            down: self.missing.iter().zip(&paths).rev().map(remove).collect(),
        }
    }
}
