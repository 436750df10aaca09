//! `minet publish --take`: a container takes a port over from the one that has it.
//!
//! One element of a map changes where it leads to, in one transaction: the next connection
//! goes to the new container, and those that were made before go on to the old one.

use crate::{
    Error, Runtime,
    control::Line,
    ports::{self, BindDefaults, HeldPort, PortError},
    publish::{forget, record, running, way_in},
    steps::PublishPorts,
};
use minet_model::{ContainerId, PublishSpec, PublishedPort};
use std::{collections::BTreeSet, time::Duration};

impl Runtime {
    /// Publishes ports of a running container that another one publishes now, and is to
    /// publish no longer.
    pub fn take_over(
        &mut self,
        container: &str,
        mapping: &PublishSpec,
    ) -> Result<Vec<PublishedPort>, Error> {
        let (row, settings) = self.store.read(|tx| running(tx, container))?;
        let address = way_in(&row, &settings)?;
        let Some((holder, had)) = self.holder_of(mapping)? else {
            return self.publish(container, std::slice::from_ref(mapping));
        };
        if holder == row.id {
            let port = had[0].host().to_string();
            return Err(Error::HasItAlready(row.name.to_string(), port));
        }
        let (old_row, old_settings) = self.store.read(|tx| running(tx, holder.as_str()))?;
        let old = PublishPorts {
            name: old_row.name.clone(),
            id: old_row.id.clone(),
            address: way_in(&old_row, &old_settings)?,
            ports: had.clone(),
        };
        let container_port = mapping.entries()[0].1;
        let taken = had.iter().map(|port| PublishedPort {
            container_port,
            ..*port
        });
        let new = PublishPorts {
            name: row.name.clone(),
            id: row.id.clone(),
            address,
            ports: taken.collect(),
        };
        let mappings = std::slice::from_ref(mapping);
        self.store.write(|tx| {
            // The old plan stays until the deed is done; its undo looks whose port it is.
            for port in &had {
                tx.drop_port(port, &old.id)?;
            }
            record(tx, row.id.as_str(), mappings, &new)
        })?;
        old.hand_over(&new, &mut self.machine)?;
        // While somebody is on the line, a supervisor does nothing else.
        let from = Line::call(&old_settings.etc_dir, old_row.name.as_str())?;
        had.iter().try_for_each(|port| from.release(*port))?;
        drop(from);
        self.store
            .write(|tx| forget(tx, old.id.as_str(), mappings, &had))?;
        let held = hold_soon(mappings)?;
        let to = Line::call(&settings.etc_dir, row.name.as_str())?;
        held.iter().try_for_each(|held| to.hold(held, address))?;
        Ok(new.ports)
    }

    /// Who publishes the host port of a mapping, and all of it.
    fn holder_of(
        &mut self,
        mapping: &PublishSpec,
    ) -> Result<Option<(ContainerId, Vec<PublishedPort>)>, Error> {
        let entries = mapping.entries();
        let [(minet_model::HostPorts::FirstFreeOf(range), _)] = entries[..] else {
            return Err(Error::TakeOne);
        };
        if range.count() != 1 {
            return Err(Error::TakeOne);
        }
        let means = |port: &PublishedPort| {
            port.protocol == mapping.protocol
                && range.iter().any(|host| host == port.host_port)
                && mapping.host_ip.is_none_or(|ip| ip == port.host_ip)
        };
        self.store.read(|tx| {
            let mut found: Vec<(ContainerId, Vec<PublishedPort>)> = Vec::new();
            for row in tx.live_containers()? {
                let ports: Vec<_> = tx.ports_of(&row.id)?.into_iter().filter(means).collect();
                if !ports.is_empty() {
                    found.push((row.id, ports));
                }
            }
            let holders: BTreeSet<_> = found.iter().map(|(id, _)| id.clone()).collect();
            match holders.len() {
                0 | 1 => Ok(found.pop()),
                _ => Err(Error::TakeOne),
            }
        })
    }
}

/// The old supervisor ends its relays a moment after it has said so.
fn hold_soon(mappings: &[PublishSpec]) -> Result<Vec<HeldPort>, PortError> {
    const ATTEMPTS: usize = 100;
    // Published all the while, so everybody may see the new holder at once.
    let hold = || {
        ports::hold(mappings, BindDefaults::AllAddresses, &|_, _, _| None, &[])
            .inspect(|held| ports::show(held))
    };
    for _ in 1..ATTEMPTS {
        match hold() {
            Err(PortError::InUse { .. }) => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
    hold()
}
