//! Making a receiver's hosts file and edges what the links say.

use super::{
    host,
    known::{is_there, settings_now},
    known_to, open_edges,
    screen::HostsScreen,
};
use crate::{
    Error, Runtime, etc_dir,
    etc_files::{self, EtcSource},
    find,
    narrator::{Narrator, Silent},
    plan::Plan,
    process,
    step::{Act, Step},
    steps::{OpenEdges, RewriteHosts},
};
use minet_model::{ContainerId, Receiver};
use minet_names::write::{Editor, WriteError};
use minet_state::{ContainerRow, Relink, Transaction};
use std::{io, time::Duration};

/// Only root can lock a container's directory, and holds it for moments.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is to be done for one container.
struct Todo {
    done: Relink,
    row: ContainerRow,
    hosts: Option<RewriteHosts>,
    before: OpenEdges,
    after: OpenEdges,
}

impl Runtime {
    /// Finishes what was noted of these receivers; returns what could not be done.
    pub(crate) fn relink(
        &mut self,
        receivers: &[String],
        narrator: &mut dyn Narrator,
    ) -> Result<Vec<String>, Error> {
        let mut complaints = Vec::new();
        for receiver in receivers {
            match receiver.parse::<ContainerId>() {
                Ok(id) => {
                    if let Err(error) = self.relink_container(&id, narrator) {
                        let row = self.store.read(|tx| tx.container(&id))?;
                        let whose = row.map_or(id.short().to_owned(), |row| row.name.to_string());
                        complaints.push(format!("{whose}: {}", error.chain()));
                    }
                }
                Err(_) => complaints.extend(host::relink(self).err().map(|error| error.chain())),
            }
        }
        for complaint in &complaints {
            narrator.warn(&format!(
                "WARNING: a link is not as it should be: {complaint}"
            ));
        }
        Ok(complaints)
    }

    /// What a crash, or somebody who is just at work, has left to be done.
    pub(crate) fn finish_links(&mut self) -> Result<Vec<String>, Error> {
        let noted = self.store.read(|tx| tx.relinks())?;
        let receivers: Vec<String> = noted.into_iter().map(|noted| noted.receiver).collect();
        self.relink(&receivers, &mut Silent)
    }

    fn relink_container(
        &mut self,
        id: &ContainerId,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let Some(row) = self.store.write(|tx| present(tx, id))? else {
            return Ok(());
        };
        let dir = find::settings(&row)?.etc_dir;
        let editor = match etc_dir::open(&dir) {
            Ok(open) => Some(Editor::of_open(open, &dir, PATIENCE)?),
            // It is just being made, and will be made with all its names, or it has ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::file("open", &dir)(error)),
        };
        let Some(todo) = self.store.write(|tx| plan(tx, id))? else {
            return Ok(());
        };
        let mut screen_is_left = false;
        let written = match (&editor, &todo.hosts) {
            (Some(editor), Some(step)) => {
                narrator.tell_step(1, step);
                let dir = &find::settings(&todo.row)?.etc_dir;
                let mut screen = HostsScreen::of(self, &todo.row, dir);
                let written = step.write_with(editor, &mut screen);
                screen_is_left = screen.is_there();
                written
            }
            _ => Ok(()),
        };
        if todo.before != todo.after {
            narrator.tell_step(2, &todo.after);
        }
        OpenEdges::replace(&todo.before, &todo.after, &mut self.machine)?;
        // What a busy neighbour kept from being written, and a screen that is still there, is
        // tried again by the next command; what the container itself made of its file, and of
        // the room that it has, is not.
        let passing = screen_is_left
            || match &written {
                Err(Error::Names(WriteError::Write { source, .. })) => {
                    source.kind() != io::ErrorKind::StorageFull
                }
                Err(Error::Names(WriteError::Locked(_))) => true,
                _ => false,
            };
        let ended = self.store.write(|tx| {
            if !passing {
                tx.relinked(&todo.done)?;
            }
            settle(tx, &todo)
        })?;
        if todo.before.ports != todo.after.ports {
            // A repair that read the plan before this moment may have opened them again.
            OpenEdges::replace(&todo.before, &todo.after, &mut self.machine)?;
        }
        if ended {
            // It ended meanwhile, and its end may have come before the edges were open.
            todo.after.undo(&mut self.machine)?;
        }
        drop(editor);
        written
    }
}

/// The container, if somebody is there who knows its names; else there is nothing to be done
/// for it.
fn present(tx: &Transaction<'_>, id: &ContainerId) -> Result<Option<ContainerRow>, Error> {
    let row = tx.container(id)?;
    if let Some(row) = row
        && somebody_knows_its_names(tx, &row)?
    {
        return Ok(Some(row));
    }
    if let Some(noted) = tx.relink(id.as_str())? {
        tx.relinked(&noted)?;
    }
    Ok(None)
}

/// Itself, or a container that shares its network and its files, which may outlive it.
fn somebody_knows_its_names(tx: &Transaction<'_>, row: &ContainerRow) -> Result<bool, Error> {
    if row.live.is_none() {
        return Ok(false);
    }
    if is_there(row) {
        return Ok(true);
    }
    let lives = |guest: &ContainerRow| {
        let live = guest.live.as_ref().filter(|_| is_there(guest));
        live.is_some_and(|live| process::is_alive(live.supervisor))
    };
    Ok(tx.guests_of(&row.id)?.iter().any(lives))
}

/// Computes what shall be, and records the edges that are about to be open.
fn plan(tx: &Transaction<'_>, id: &ContainerId) -> Result<Option<Todo>, Error> {
    let (Some(done), Some(row)) = (tx.relink(id.as_str())?, present(tx, id)?) else {
        return Ok(None);
    };
    let (spec, settings) = (find::spec(&row)?, settings_now(tx, &row)?);
    let known = known_to(tx, &row.name, &settings)?;
    let source = EtcSource {
        spec: &spec,
        settings: &settings,
        known: &known,
    };
    let hosts = etc_files::rewritten(&row.name, &source);
    let none = OpenEdges {
        name: row.name.clone(),
        id: id.clone(),
        ports: Vec::new(),
    };
    let mut plan = find::plan(&row)?;
    let mut before = none.clone();
    for step in &plan.steps {
        if let Step::OpenEdges(step) = step {
            before.ports.extend(step.ports.iter().cloned());
        }
    }
    let after = open_edges(&row.name, id, &known).unwrap_or(none);
    if before.ports != after.ports {
        plan.steps.push(Step::OpenEdges(after.clone()));
        tx.set_plan(id, &plan.to_json())?;
    }
    Ok(Some(Todo {
        done,
        row,
        hosts,
        before,
        after,
    }))
}

/// The edges are as they shall be. True if the container has ended meanwhile.
fn settle(tx: &Transaction<'_>, todo: &Todo) -> Result<bool, Error> {
    let id = &todo.row.id;
    let Some(row) = tx.container(id)? else {
        return Ok(true);
    };
    if !somebody_knows_its_names(tx, &row)? {
        return Ok(true);
    }
    if todo.before.ports != todo.after.ports {
        let mut plan: Plan = find::plan(&row)?;
        plan.steps
            .retain(|step| !matches!(step, Step::OpenEdges(_)));
        if !todo.after.ports.is_empty() {
            plan.steps.push(Step::OpenEdges(todo.after.clone()));
        }
        tx.set_plan(id, &plan.to_json())?;
    }
    Ok(false)
}

/// Whether something was noted of the host.
pub(super) fn noted_of_host(tx: &Transaction<'_>) -> Result<Option<Relink>, Error> {
    Ok(tx.relink(&Receiver::Host.to_string())?)
}
