//! What a resolver remembers for as long as the store stays as it is.

use super::directory::{Asker, StoreDirectory};
use crate::Error;
use minet_model::ContainerId;
use minet_names::resolver::{Bearer, Directory, Meaning, SharedNetwork, meaning};
use minet_state::Transaction;
use std::{collections::HashMap, net::IpAddr};

/// So many bearers of names. A name has one or none mostly, and hundreds at times.
const MOST: usize = 512;

/// What was looked up on behalf of one container, and in which edition of the store.
pub(super) struct Memory {
    edition: i64,
    pub(super) asker: Asker,
    meanings: Meanings,
}

/// What names mean; when there are too many, it begins anew.
#[derive(Default)]
struct Meanings {
    known: HashMap<String, Meaning>,
    bearers: usize,
}

impl Meanings {
    fn remember(&mut self, name: &str, meaning: &Meaning) {
        let bearers = match meaning {
            Meaning::Known(reasons) => reasons.len(),
            Meaning::Pointer(names) => names.len(),
            Meaning::Asleep | Meaning::Unknown => 1,
        };
        if bearers > MOST {
            return;
        }
        if self.bearers + bearers > MOST {
            *self = Meanings::default();
        }
        self.bearers += bearers;
        self.known.insert(name.to_owned(), meaning.clone());
    }
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
                meanings: Meanings::default(),
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
    meanings: &'a mut Meanings,
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

    fn opens_ipv6(&mut self, network: &str, source: &str) -> Result<bool, Error> {
        self.directory.opens_ipv6(network, source)
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Error> {
        self.directory.at(network, address)
    }

    fn meaning(&mut self, name: &str) -> Result<Meaning, Error> {
        if let Some(known) = self.meanings.known.get(name) {
            return Ok(known.clone());
        }
        let found = meaning(&mut self.directory, name)?;
        self.meanings.remember(name, &found);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minet_names::resolver::{Reason, Why};

    fn borne_by(bearers: usize) -> Meaning {
        let reason = Reason {
            container: "web".to_owned(),
            network: "red".to_owned(),
            why: Why::Alias,
            addresses: Vec::new(),
        };
        Meaning::Known(vec![reason; bearers])
    }

    #[test]
    fn what_is_asked_now_is_remembered_and_the_memory_stays_small() {
        let mut meanings = Meanings::default();
        for number in 0..10 * MOST {
            let name = format!("name-{number}");
            meanings.remember(&name, &borne_by(1 + number % 3));
            assert!(meanings.known.contains_key(&name));
            assert!(meanings.bearers <= MOST && meanings.known.len() <= MOST);
        }
        meanings.remember("pool", &borne_by(MOST));
        assert!(meanings.known.contains_key("pool") && meanings.known.len() == 1);
        meanings.remember("crowd", &borne_by(MOST + 1));
        assert!(meanings.known.contains_key("pool") && meanings.known.len() == 1);
    }
}
