//! Ports that are published no longer: `minet unpublish`, and a `publish` that came to nothing.
//!
//! ```text
//!   note      one transaction: these ports are about to go
//!   map       the elements go; no new connection comes this way
//!   sockets   the supervisor lets go of them
//!   end       one transaction: nobody has the ports, and a next start publishes them not
//! ```
//!
//! `publish` writes the same note together with its wish, and strikes it out when all is done.
//! So if whoever does either dies in the middle, the next command finds the note and takes the
//! ports back. Each part may be done twice.

use crate::{
    Error, Runtime, network, networks::to_json, process, publish::forget, step::Act,
    steps::PublishPorts,
};
use minet_model::{ContainerId, PublishedPort};
use minet_state::{ProcessIdentity, Transaction};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Withdrawal {
    /// Whose they are.
    container: ContainerId,
    /// All ports; those of a container without a way out lead nowhere now.
    ports: Vec<PublishedPort>,
    /// The parts of its plan that lead there.
    withdrawn: Vec<PublishPorts>,
}

/// Who has begun, in words that outlive it.
pub(crate) struct Maker {
    boot: String,
    process: ProcessIdentity,
}

impl Runtime {
    /// This process.
    pub(crate) fn as_maker(&self) -> Result<Maker, Error> {
        Ok(Maker {
            boot: self.boot.clone(),
            process: process::identify(Pid::this())?,
        })
    }

    /// All parts but the note.
    pub(crate) fn withdraw(&mut self, withdrawal: &Withdrawal, note: i64) -> Result<(), Error> {
        // Until the plan speaks of them no longer, a repair would publish them again.
        let _lock = network::lock(self)?;
        let Withdrawal {
            container,
            ports,
            withdrawn,
        } = withdrawal;
        for step in withdrawn {
            step.undo(&mut self.machine)?;
        }
        if let Some((line, _)) = self.line_to(container)? {
            ports.iter().try_for_each(|port| line.release(*port))?;
        }
        self.store.write(|tx| {
            forget(tx, container, ports)?;
            Ok(tx.end_handover(note)?)
        })
    }
}

impl Withdrawal {
    /// These ports of a container, and the parts of its plan that lead there.
    pub(crate) fn of(
        container: ContainerId,
        ports: Vec<PublishedPort>,
        withdrawn: Vec<PublishPorts>,
    ) -> Self {
        Withdrawal {
            container,
            ports,
            withdrawn,
        }
    }

    /// Writes the note; returns its number.
    pub(crate) fn note(&self, tx: &Transaction<'_>, maker: &Maker) -> Result<i64, Error> {
        let by = (maker.boot.as_str(), maker.process);
        let whose = (&self.container, &self.container);
        Ok(tx.begin_handover(whose, &to_json(self), by)?)
    }
}
