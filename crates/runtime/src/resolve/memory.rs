//! What a resolver remembers for as long as the store stays as it is.

use super::directory::{Asker, StoreDirectory};
use crate::Error;
use minet_model::ContainerId;
use minet_names::resolver::{Bearer, Directory, Meaning, SharedNetwork, meaning};
use minet_state::Transaction;
use std::{collections::HashMap, net::IpAddr};

/// So many names; those that come after them are looked up each time they are asked for.
const MOST: usize = 128;

/// What was looked up on behalf of one container, and in which edition of the store.
pub(super) struct Memory {
    edition: i64,
    pub(super) asker: Asker,
    meanings: HashMap<String, Meaning>,
}

impl Memory {
    /// What `old` remembers if the store is still the same; else a memory without names.
    pub(super) fn current(
        old: Option<Memory>,
        tx: &Transaction<'_>,
        id: &ContainerId,
    ) -> Result<Self, Error> {
        let edition = tx.edition()?;
        match old {
            Some(memory) if memory.edition == edition => Ok(memory),
            Some(_) | None => Ok(Memory {
                edition,
                asker: Asker::of(tx, id)?,
                meanings: HashMap::new(),
            }),
        }
    }

    /// The directory that looks here first. The transaction must be the one in which this
    /// was found to be [current](Memory::current).
    pub(super) fn directory<'a, 'store>(
        &'a mut self,
        tx: &'a Transaction<'store>,
    ) -> Remembering<'a, 'store> {
        Remembering {
            directory: StoreDirectory::of(tx, &self.asker),
            meanings: &mut self.meanings,
        }
    }
}

/// A directory that looks up each name once.
pub(super) struct Remembering<'a, 'store> {
    directory: StoreDirectory<'a, 'store>,
    meanings: &'a mut HashMap<String, Meaning>,
}

impl Directory for Remembering<'_, '_> {
    type Error = Error;

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Error> {
        self.directory.networks()
    }

    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Error> {
        self.directory.bearers(network, name)
    }

    fn linked(&mut self, alias: &str) -> Result<Option<String>, Error> {
        self.directory.linked(alias)
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Error> {
        self.directory.at(network, address)
    }

    fn meaning(&mut self, name: &str) -> Result<Meaning, Error> {
        if let Some(known) = self.meanings.get(name) {
            return Ok(known.clone());
        }
        let found = meaning(&mut self.directory, name)?;
        if self.meanings.len() < MOST {
            self.meanings.insert(name.to_owned(), found.clone());
        }
        Ok(found)
    }
}
