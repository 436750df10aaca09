//! `minet rename`: another name, in the store, for its address, and for `ip netns`.

use crate::{Error, Narrator, Runtime, find, links, network, plan::Plan, step::Step};
use minet_model::{ContainerName, NetworkMode};
use minet_state::{Status, Transaction};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::path::{Path, PathBuf};

impl Runtime {
    /// Gives a container another name. Its address, and everything inside, stays.
    pub fn rename(
        &mut self,
        container: &str,
        name: &ContainerName,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        // A repair that has read the old plan would make the old name of the namespace again.
        let lock = network::lock(self)?;
        let netns_dir = self.machine.paths().netns_dir().to_owned();
        let noted = self.store.add(|tx| {
            let row = find::container(tx, container)?;
            if row.status == Status::Starting {
                return Err(Error::BeingMade(row.name.to_string()));
            }
            if row.name == *name {
                return Err(Error::SameName(name.to_string()));
            }
            tx.rename_container(&row, name)?;
            let (mut spec, mut settings) = (find::spec(&row)?, find::settings(&row)?);
            spec.name = Some(name.clone());
            settings.name_is_made_up = false;
            let link = settings.netns_link.take();
            settings.netns_link = link.as_ref().map(|_| netns_dir.join(name.as_str()));
            let ends = link.zip(settings.netns_link.clone());
            tx.set_wish(&row.id, &to_json(&spec), &to_json(&settings))?;
            if row.plan.is_some() {
                let plan = renamed(find::plan(&row)?, name, ends.as_ref());
                tx.set_plan(&row.id, &to_json(&plan))?;
            }
            follow_the_name(tx, &row.name, name)?;
            // Inside the transaction: if the link's new name is taken, nothing has changed.
            if let Some((from, to)) = ends.as_ref().filter(|_| row.live.is_some()) {
                move_link(from, to, name)?;
            }
            match tx.container(&row.id)? {
                Some(row) => links::note_all(tx, &row, &settings),
                None => Ok(Vec::new()),
            }
        })?;
        drop(lock);
        self.relink(&noted, narrator).map(drop)
    }
}

/// Whoever shares its network by its name is to find it again when it starts the next time.
fn follow_the_name(
    tx: &Transaction<'_>,
    from: &ContainerName,
    to: &ContainerName,
) -> Result<(), Error> {
    let named = NetworkMode::Container(from.to_string());
    for row in tx.containers()? {
        let mut spec = find::spec(&row)?;
        if spec.mode == named {
            spec.mode = NetworkMode::Container(to.to_string());
            tx.set_wish(&row.id, &to_json(&spec), &row.settings)?;
        }
    }
    Ok(())
}

/// The undo must find the link under its new name.
fn renamed(mut plan: Plan, name: &ContainerName, links: Option<&(PathBuf, PathBuf)>) -> Plan {
    for step in &mut plan.steps {
        if let (Step::MakeNamespace(step), Some((_, to))) = (step, links) {
            step.link.clone_from(to);
            step.name.clone_from(name);
        }
    }
    plan
}

fn move_link(from: &Path, to: &Path, name: &ContainerName) -> Result<(), Error> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(Error::NamespaceNameTaken {
            name: name.clone(),
            link: to.to_owned(),
        }),
        Err(errno) => Err(Error::file("rename", from)(errno.into())),
    }
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("made of strings, numbers and lists")
}
