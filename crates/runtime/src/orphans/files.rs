//! Names of namespaces, generated files, logs.

use super::{Orphan, Thing, Use};
use crate::{
    Error, Runtime, etc_dir,
    steps::{is_our_name, leads_to_a_namespace},
};
use minet_model::ContainerId;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// All that there are, known or not.
pub(super) fn list(runtime: &Runtime) -> Result<Vec<Orphan>, Error> {
    let paths = runtime.machine.paths();
    let mut found = Vec::new();
    for path in entries(paths.netns_dir())? {
        if is_our_name(&path) {
            let use_ = in_use(leads_to_a_namespace(&path));
            let what = format!("the name of a namespace, {}", path.display());
            let thing = Thing::Name(path);
            found.push(Orphan { thing, what, use_ });
        }
    }
    for path in of_containers(&paths.run_dir().join("containers"))? {
        let use_ = in_use(path.is_symlink() && etc_dir::open(&path).is_ok());
        let what = format!("generated files of a container, {}", path.display());
        let thing = Thing::Files(path);
        found.push(Orphan { thing, what, use_ });
    }
    for path in of_containers(&paths.state_dir().join("containers"))? {
        let what = format!("the log of a container, {}", path.display());
        let thing = Thing::Log(path);
        let use_ = Use::Unused;
        found.push(Orphan { thing, what, use_ });
    }
    Ok(found)
}

fn in_use(so: bool) -> Use {
    match so {
        true => Use::InUse,
        false => Use::Unused,
    }
}

/// What is called as a container is.
fn of_containers(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_id = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.parse::<ContainerId>().is_ok())
    };
    let mut found = entries(dir)?;
    found.retain(is_id);
    Ok(found)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(Error::file("list", dir)),
    }
}
