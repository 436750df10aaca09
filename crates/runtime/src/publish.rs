//! `minet publish` and `unpublish`: ports of a running container come and go.

use crate::{
    Error, Runtime,
    control::Line,
    find, kept_ports, links,
    narrator::Silent,
    networks::to_json,
    ports::{self, HeldPort, claims},
    run::{published, wanted_ports},
    settings::Settings,
    step::{Act, Step},
    steps::PublishPorts,
    withdraw::Withdrawal,
};
use minet_model::{ContainerId, ContainerSpec, HostPorts, NetworkMode, PublishSpec, PublishedPort};
use minet_state::{ContainerRow, Status, Transaction};
use std::net::{Ipv4Addr, Ipv6Addr};

impl Runtime {
    /// Publishes ports of a running container; returns them.
    ///
    /// The ports are bound here, recorded, handed over to the supervisor, and only then
    /// led to the container.
    pub fn publish(
        &mut self,
        container: &str,
        mappings: &[PublishSpec],
    ) -> Result<Vec<PublishedPort>, Error> {
        let (row, settings) = self.store.read(|tx| running(tx, container))?;
        let (address, address6) = way_in(&row, &settings)?;
        let defaults = self.bind_defaults(settings.gateway_network.as_ref())?;
        let held = self
            .store
            .read(|tx| kept_ports::hold(tx, Some(&row.name), mappings, defaults))?;
        let step = PublishPorts {
            name: row.name.clone(),
            id: row.id.clone(),
            address,
            address6,
            ports: published(&held),
        };
        let withdrawal = Withdrawal::of(row.id.clone(), step.ports.clone(), vec![step.clone()]);
        let maker = self.as_maker()?;
        let note = self.store.add(|tx| {
            record(tx, container, mappings, &step)?;
            withdrawal.note(tx, &maker)
        })?;
        // While somebody is on the line, a supervisor does nothing else: a short call.
        let call = || Line::call(&settings.etc_dir, row.name.as_str());
        let done = call()
            .and_then(|line| hand_over(&line, &held, address))
            .and_then(|()| step.apply(&mut self.machine))
            .map(|()| ports::show(&held));
        if let Err(error) = done {
            // What resists is tried again by the next command, because of the note.
            let _ = self.withdraw(&withdrawal, note);
            return Err(error);
        }
        self.store.write(|tx| tx.end_handover(note))?;
        self.tell_of_ports(&row)?;
        Ok(step.ports)
    }

    /// Publishes ports no longer; returns those that were. Connections that were made
    /// before go on.
    pub fn unpublish(
        &mut self,
        container: &str,
        mappings: &[PublishSpec],
    ) -> Result<Vec<PublishedPort>, Error> {
        let (row, _) = self.store.read(|tx| running(tx, container))?;
        let ports = self.store.read(|tx| tx.ports_of(&row.id))?;
        let mut gone: Vec<PublishedPort> = Vec::new();
        for mapping in mappings {
            let meant: Vec<_> = ports.iter().filter(|port| means(mapping, port)).collect();
            if meant.is_empty() {
                return Err(Error::NotPublished {
                    container: row.name.to_string(),
                    port: describe(mapping),
                });
            }
            for port in meant {
                if !gone.contains(port) {
                    gone.push(*port);
                }
            }
        }
        let withdrawal = Withdrawal::of(row.id.clone(), gone.clone(), published_by(&row, &gone)?);
        let maker = self.as_maker()?;
        let note = self.store.write(|tx| withdrawal.note(tx, &maker))?;
        self.withdraw(&withdrawal, note)?;
        self.tell_of_ports(&row)?;
        Ok(gone)
    }

    /// Where neighbours do not talk, a link opens the published ports.
    pub(crate) fn tell_of_ports(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let settings = find::settings(row)?;
        let noted = self
            .store
            .write(|tx| links::note_receivers(tx, &row.name, &settings))?;
        self.relink(&noted, &mut Silent).map(drop)
    }
}

/// The steps of a container's plan that publish these ports, and these ports alone.
fn published_by(row: &ContainerRow, ports: &[PublishedPort]) -> Result<Vec<PublishPorts>, Error> {
    let steps = find::plan(row)?.steps.into_iter();
    let publishing = steps.filter_map(|step| match step {
        Step::PublishPorts(mut step) => {
            step.ports.retain(|port| ports.contains(port));
            (!step.ports.is_empty()).then_some(step)
        }
        _ => None,
    });
    Ok(publishing.collect())
}

pub(crate) fn running(
    tx: &Transaction<'_>,
    container: &str,
) -> Result<(ContainerRow, Settings), Error> {
    let row = find::container(tx, container)?;
    if row.status != Status::Running {
        return Err(Error::NotRunning(row.name.to_string()));
    }
    let settings = find::settings(&row)?;
    Ok((row, settings))
}

/// Where the published ports of a container lead to.
pub(crate) fn way_in(
    row: &ContainerRow,
    settings: &Settings,
) -> Result<(Ipv4Addr, Option<Ipv6Addr>), Error> {
    let way_out = settings.way_out();
    way_out
        .map(|attachment| (attachment.address.ip(), settings.address6()))
        .map_or_else(|| Err(no_way_in(row)?), Ok)
}

/// Why a container's ports cannot be published.
fn no_way_in(row: &ContainerRow) -> Result<Error, Error> {
    let container = row.name.to_string();
    Ok(match find::spec(row)?.mode {
        NetworkMode::Container(owner) => Error::PublishOfOwner { container, owner },
        NetworkMode::Host => Error::PublishOfHost(container),
        NetworkMode::Bridge(_) | NetworkMode::None | NetworkMode::Namespace(_) => {
            Error::NowhereToPublish(container)
        }
    })
}

fn hand_over(line: &Line, held: &[HeldPort], to: Ipv4Addr) -> Result<(), Error> {
    held.iter().try_for_each(|held| line.hold(held, Some(to)))
}

/// The wish: who has the ports, what the end will have to undo, and what a next start is
/// to publish again.
pub(crate) fn record(
    tx: &Transaction<'_>,
    container: &str,
    mappings: &[PublishSpec],
    step: &PublishPorts,
) -> Result<(), Error> {
    let (row, _) = running(tx, container)?;
    for port in &step.ports {
        tx.put_port(port, &row.id)?;
    }
    let mut plan = find::plan(&row)?;
    plan.steps.push(Step::PublishPorts(step.clone()));
    tx.set_plan(&row.id, &plan.to_json())?;
    kept_ports::keep(tx, &row.name, mappings, &step.ports)?;
    let mut spec: ContainerSpec = find::spec(&row)?;
    spec.publish.extend(mappings.iter().cloned());
    Ok(tx.set_wish(&row.id, &to_json(&spec), &row.settings)?)
}

/// The container publishes these ports no longer, and will not when it starts again.
pub(crate) fn forget(
    tx: &Transaction<'_>,
    id: &ContainerId,
    gone: &[PublishedPort],
) -> Result<(), Error> {
    let Some(row) = tx.container(id)? else {
        return Ok(());
    };
    let mut ports = tx.ports_of(id)?;
    for port in gone {
        tx.drop_port(port, id)?;
        if !ports.contains(port) {
            ports.push(*port);
        }
    }
    let mut plan = find::plan(&row)?;
    for step in &mut plan.steps {
        if let Step::PublishPorts(step) = step {
            step.ports.retain(|port| !gone.contains(port));
        }
    }
    let empty = |step: &Step| matches!(step, Step::PublishPorts(step) if step.ports.is_empty());
    plan.steps.retain(|step| !empty(step));
    tx.set_plan(id, &plan.to_json())?;
    let mut spec: ContainerSpec = find::spec(&row)?;
    // What -P stands for is spelled out where only some of it stays.
    let wanted = wanted_ports(&spec);
    let left = claims::without(&wanted, &ports, gone);
    if left != wanted {
        spec.publish = left;
        spec.publish_all = false;
    }
    Ok(tx.set_wish(id, &to_json(&spec), &row.settings)?)
}

/// Whether a mapping, as it is typed, means this port.
fn means(mapping: &PublishSpec, port: &PublishedPort) -> bool {
    let here = |(host, container_port): (HostPorts, u16)| {
        container_port == port.container_port
            && match host {
                HostPorts::Ephemeral => true,
                HostPorts::FirstFreeOf(range) => range.contains(port.host_port),
            }
    };
    mapping.protocol == port.protocol
        && mapping.host_ip.is_none_or(|ip| ip == port.host_ip)
        && mapping.entries().into_iter().any(here)
}

fn describe(mapping: &PublishSpec) -> String {
    let ports: Vec<String> = mapping
        .entries()
        .iter()
        .map(|(_, port)| port.to_string())
        .collect();
    format!("{}/{}", ports.join(","), mapping.protocol)
}
