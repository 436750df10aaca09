//! What `minet ps` shows.

use crate::{Error, Runtime, Settings, find, links};
use minet_model::{ContainerId, ContainerName, ContainerSpec, PublishedPort};
use minet_state::{ContainerRow, Status, Transaction};

/// One container, with everything that is known of it.
#[derive(Debug)]
pub struct Listed {
    /// Its identity.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// What was asked for.
    pub spec: ContainerSpec,
    /// What was chosen.
    pub settings: Settings,
    /// Docker's word: created, running or exited.
    pub status: &'static str,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub started: Option<i64>,
    /// Milliseconds since 1970.
    pub finished: Option<i64>,
    /// The command's exit code, once it has ended.
    pub exit_code: Option<i32>,
    /// How often its restart policy has started it again.
    pub restarts: u32,
    /// Why it could not be started.
    pub error: Option<String>,
    /// The first process, seen from the host, while it runs.
    pub pid: Option<i32>,
    /// Its links, in Docker's words.
    pub links: Vec<String>,
    /// Its published ports, sorted by container port.
    pub ports: Vec<PublishedPort>,
}

impl Listed {
    /// Whether its command runs, or will be started again in a moment.
    pub fn is_up(&self) -> bool {
        self.is_running() || self.status == Status::Restarting.as_str()
    }

    /// Whether its command runs.
    pub fn is_running(&self) -> bool {
        self.status == Status::Running.as_str()
    }

    /// The ports that its command is said to serve, such as `80/tcp`.
    pub fn exposed(&self) -> impl Iterator<Item = String> {
        self.spec.expose.iter().flat_map(|exposed| {
            let protocol = exposed.protocol;
            exposed
                .ports
                .iter()
                .map(move |port| format!("{port}/{protocol}"))
        })
    }

    pub(crate) fn read(tx: &Transaction<'_>, row: &ContainerRow) -> Result<Self, Error> {
        let running = row.status == Status::Running;
        Ok(Listed {
            spec: find::spec(row)?,
            settings: find::settings(row)?,
            status: row.status.as_str(),
            created: row.created,
            started: row.started,
            finished: row.finished,
            exit_code: row.exit_code,
            restarts: row.restarts,
            error: row.error.clone(),
            pid: row
                .live
                .as_ref()
                .and_then(|live| live.init)
                .filter(|_| running)
                .map(|init| init.pid),
            links: links::in_dockers_words(tx, &row.name)?,
            ports: tx.ports_of(&row.id)?,
            id: row.id.clone(),
            name: row.name.clone(),
        })
    }
}

impl Runtime {
    /// One container, by name or ID.
    pub fn find(&mut self, container: &str) -> Result<Listed, Error> {
        self.store
            .read(|tx| Listed::read(tx, &find::container(tx, container)?))
    }

    /// All containers, the newest first, and why some of them cannot be shown.
    pub fn list(&mut self) -> Result<(Vec<Listed>, Vec<Error>), Error> {
        self.store.read(|tx| {
            let (mut listed, mut unreadable) = (Vec::new(), Vec::new());
            for row in &tx.containers()? {
                match Listed::read(tx, row) {
                    Ok(container) => listed.push(container),
                    Err(error) => unreadable.push(error),
                }
            }
            Ok((listed, unreadable))
        })
    }
}
