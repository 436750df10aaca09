//! `minet publish --take`: a container takes a port over from the one that has it.
//!
//! One element of a map changes where it leads to, in one transaction: the next connection
//! goes to the new container, and those that were made before go on to the old one. What
//! has to happen besides, and what becomes of it if something fails, is in
//! [`crate::handover`].

use crate::{
    Error, Runtime,
    handover::Handover,
    process,
    publish::{running, way_in},
    steps::PublishPorts,
};
use minet_model::{ContainerId, HostPorts, PublishSpec, PublishedPort};
use minet_state::{ContainerRow, Transaction};
use nix::unistd::Pid;
use std::collections::BTreeSet;

impl Runtime {
    /// Publishes ports of a running container that another one publishes now, and is to
    /// publish no longer.
    pub fn take_over(
        &mut self,
        container: &str,
        mapping: &PublishSpec,
    ) -> Result<Vec<PublishedPort>, Error> {
        let container_port = mapping.entries()[0].1;
        let (holder, me) = self
            .store
            .read(|tx| Ok::<_, Error>((holder_of(tx, mapping)?, running(tx, container)?.0.id)))?;
        match holder {
            None => return self.publish(container, std::slice::from_ref(mapping)),
            // It is as it shall be.
            Some((holder, had))
                if holder == me && had.iter().all(|p| p.container_port == container_port) =>
            {
                return Ok(had);
            }
            Some(_) => {}
        }
        let maker = process::identify(Pid::this())?;
        let boot = self.boot.clone();
        // The last look and the wish are one transaction: nobody else takes the port, and
        // neither of the two ends, in between.
        let handover = self
            .store
            .add(|tx| plan(tx, container, mapping)?.begin(tx, (&boot, maker)))?;
        self.carry_through(&handover)?;
        Ok(handover.taker.ports)
    }
}

fn plan(tx: &Transaction<'_>, container: &str, mapping: &PublishSpec) -> Result<Handover, Error> {
    let (row, settings) = running(tx, container)?;
    let address = way_in(&row, &settings)?;
    let (holder, had) = holder_of(tx, mapping)?.ok_or(Error::TakeOne)?;
    if holder == row.id {
        let port = had[0].host().to_string();
        return Err(Error::HasItAlready(row.name.to_string(), port));
    }
    let (old_row, old_settings) = running(tx, holder.as_str())?;
    let container_port = mapping.entries()[0].1;
    let taken = had.iter().map(|port| PublishedPort {
        container_port,
        ..*port
    });
    let part = |row: &ContainerRow, (address, address6), ports| PublishPorts {
        id: row.id.clone(),
        name: row.name.clone(),
        address,
        address6,
        ports,
    };
    Ok(Handover {
        number: 0,
        taker: part(&row, address, taken.collect()),
        giver: part(&old_row, way_in(&old_row, &old_settings)?, had),
        mapping: mapping.clone(),
    })
}

/// Who publishes the host port of a mapping, and all of it.
fn holder_of(
    tx: &Transaction<'_>,
    mapping: &PublishSpec,
) -> Result<Option<(ContainerId, Vec<PublishedPort>)>, Error> {
    let entries = mapping.entries();
    let [(HostPorts::FirstFreeOf(range), _)] = entries[..] else {
        return Err(Error::TakeOne);
    };
    if range.count() != 1 {
        return Err(Error::TakeOne);
    }
    let means = |port: &PublishedPort| {
        port.protocol == mapping.protocol
            && range.contains(port.host_port)
            && mapping.host_ip.is_none_or(|ip| ip == port.host_ip)
    };
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
}
