//! What minet has made, and nobody's plan knows any more: after a store was lost, say, or a
//! crash of a kind that nobody has thought of.
//!
//! ```text
//!   interfaces that say they are a container's cable or a network's bridge     interfaces.rs
//!   names of namespaces, generated files, logs                                  files.rs
//!   accepting rules in others' chains, for bridges that are gone                rules.rs
//! ```
//!
//! What must stay true: first it is looked what there is, and then what is planned; for what is
//! made is planned before. Another instance's things are never among them: an interface says
//! whose it is ([`minet_model::InstanceTag`]), a file is in its instance's directories, and a
//! rule without a bridge is nobody's. And what somebody still uses, whom the store does not know,
//! is told and stays.

mod files;
mod interfaces;
mod rules;

use crate::{Error, Runtime, etc_dir, find, network::stored_plan, step::Step};
use minet_model::{ContainerId, IfName};
use minet_nat::Leftover;
use minet_state::Transaction;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long the kernel may take to tear down in the background what has just ended.
const BACKGROUND: Duration = Duration::from_secs(2);

/// Something that is there for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Orphan {
    pub(crate) thing: Thing,
    /// What it is, for people.
    pub(crate) what: String,
    pub(crate) use_: Use,
}

/// How it is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    Interface(IfName),
    /// Of a namespace.
    Name(PathBuf),
    /// Of a container, generated in `/run`.
    Files(PathBuf),
    /// What a container has printed.
    Log(PathBuf),
    Rules(Leftover),
}

/// Whether somebody lives with it whom the store does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Unused,
    InUse,
}

/// What the store knows of.
#[derive(Debug, Default)]
struct Known {
    interfaces: HashSet<String>,
    names: HashSet<PathBuf>,
    /// Those with something in `/run`.
    live: HashSet<ContainerId>,
    containers: HashSet<ContainerId>,
}

impl Orphan {
    /// As a user reads it, with what to do about it.
    pub(crate) fn describe(&self) -> String {
        let Orphan { what, use_, .. } = self;
        match use_ {
            Use::Unused => format!("{what} is nobody's (minet gc removes it)"),
            Use::InUse => format!(
                "{what} is in use, by somebody whom this store does not know: end that, and minet gc removes it"
            ),
        }
    }
}

/// What there is for nobody.
pub(crate) fn find(runtime: &mut Runtime) -> Result<Vec<Orphan>, Error> {
    let began = Instant::now();
    loop {
        let mut found = interfaces::list(runtime)?;
        found.extend(files::list(runtime)?);
        let known = runtime.store.read(known)?;
        found.retain(|orphan| !known.includes(orphan));
        found.extend(rules::list(runtime)?);
        // What has ended a moment ago is still on its way out.
        let may_go = |orphan: &Orphan| orphan.use_ == Use::Unused;
        if !found.iter().any(may_go) || began.elapsed() > BACKGROUND {
            return Ok(found);
        }
        thread::sleep(BACKGROUND / 20);
    }
}

/// Removes what nobody uses; says what was removed, and what was not.
pub(crate) fn remove(runtime: &mut Runtime) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    for orphan in find(runtime)? {
        if orphan.use_ == Use::InUse {
            removed.kept.push(orphan.describe());
            continue;
        }
        let Orphan { thing, what, .. } = orphan;
        let gone = match &thing {
            Thing::Interface(name) => interfaces::remove(runtime, name),
            Thing::Name(path) | Thing::Files(path) | Thing::Log(path) => etc_dir::hide(path),
            Thing::Rules(leftover) => rules::remove(runtime, leftover),
        };
        match gone {
            Ok(()) => removed.gone.push(what),
            Err(error) => removed.resisting.push(format!("{what}: {}", error.chain())),
        }
    }
    Ok(removed)
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) gone: Vec<String>,
    pub(crate) kept: Vec<String>,
    pub(crate) resisting: Vec<String>,
}

fn known(tx: &Transaction<'_>) -> Result<Known, Error> {
    let mut known = Known::default();
    for row in tx.networks()? {
        known.interfaces.insert(row.network.bridge.to_string());
        for step in stored_plan(&row).map_or(Vec::new(), |stored| stored.plan.steps) {
            if let Step::MakeShard(step) = step {
                let ends = step.network.trunk(step.number);
                let names = ends.into_iter().chain([step.network.shard(step.number)]);
                known.interfaces.extend(names.map(|name| name.to_string()));
            }
        }
    }
    for row in tx.live_containers()? {
        let settings = find::settings(&row)?;
        let cables = settings.attachments.iter();
        known
            .interfaces
            .extend(cables.map(|cable| cable.host_end.to_string()));
        for step in find::plan(&row)?.steps {
            if let Step::LayCable(step) = step {
                known.interfaces.insert(step.host_end.to_string());
            }
        }
        known.names.extend(settings.netns_link);
        known.live.insert(row.id);
    }
    known.containers = tx.containers()?.into_iter().map(|row| row.id).collect();
    Ok(known)
}

impl Known {
    /// Generated files go with a container's end, its log with the container.
    fn includes(&self, orphan: &Orphan) -> bool {
        let is_of = |ids: &HashSet<ContainerId>, path: &Path| {
            let id = path
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            id.is_some_and(|id| ids.contains(&id))
        };
        match &orphan.thing {
            Thing::Interface(name) => self.interfaces.contains(name.as_str()),
            Thing::Name(path) => self.names.contains(path),
            Thing::Files(path) => is_of(&self.live, path),
            Thing::Log(path) => is_of(&self.containers, path),
            Thing::Rules(_) => false,
        }
    }
}
