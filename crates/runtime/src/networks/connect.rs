//! `minet network connect` and `disconnect`: a container's cables change while it runs.
//!
//! The wish, that is the container's spec, its settings and the plan for the end, is
//! recorded before anything is done; so whatever happens in between, the end of the
//! container takes everything along.
//!
//! The way out of a running container stays where it is unless a network of a higher
//! `gw-priority` comes, or its own network goes: nobody's connections are cut for a name
//! that comes earlier in the alphabet.

use super::{
    NetworkError, announce_steps, attach, cable_steps, default_route_step, default_route6_step,
    shards::Shard,
};
use crate::{
    Error, Narrator, Plan, Runtime, find, links,
    machine::Inside,
    network::{self, Intent},
    plan::Carrier,
    settings::{Attachment, Settings},
    step::Step,
    steps::PublishPorts,
    time::now,
};
use minet_bridge::Rtnl;
use minet_model::{
    ContainerName, ContainerSpec, EndpointSpec, LinkSpec, NetworkMode, NetworkName, Reach,
};
use minet_state::{ContainerRow, LinkRow, Status, Transaction};

/// A container as it is, and as it is to be.
struct Rewiring {
    row: ContainerRow,
    spec: ContainerSpec,
    before: Settings,
    after: Settings,
    /// Whose names change with it.
    noted: Vec<String>,
    /// Links that came with it.
    links: Vec<LinkRow>,
}

impl Runtime {
    /// Plugs a container into one more network, and records links into it.
    pub fn connect(
        &mut self,
        network: &str,
        container: &str,
        endpoint: &EndpointSpec,
        links: &[LinkSpec],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let (row, name) = self.store.read(|tx| {
            let row = find::container(tx, container)?;
            refuse_mode(&find::spec(&row)?, network)?;
            let name = network_name(tx, network)?;
            Ok::<_, Error>((row, name))
        })?;
        let endpoint = EndpointSpec {
            network: name.clone(),
            ..endpoint.clone()
        };
        if row.status == Status::Exited {
            return self
                .store
                .add(|tx| connect_later(tx, container, &endpoint, links));
        }
        let ground = network::survey_ground(self, &[name], &Intent::Build)?;
        let boot = self.boot.clone();
        let (rewiring, new, shard, warning) = self.store.add(|tx| {
            ground.record(tx, &boot)?;
            plan_connection(tx, container, &endpoint, links)
        })?;
        if let Some(warning) = warning {
            narrator.warn(&warning);
        }
        let done = self.hold_inside(&rewiring.row).and_then(|()| {
            let mut carrier = Carrier::new(&mut self.machine, narrator, None);
            ground.build(&mut carrier, &mut self.store, &self.boot)?;
            if let Some(shard) = shard {
                shard.build(&mut carrier)?;
            }
            carrier.carry_out(&new)
        });
        let done = done.and_then(|()| self.move_ports(&rewiring));
        if let Err(error) = done {
            self.take_back(&rewiring, &endpoint.network, &new)?;
            ground.tear_down(self)?;
            return Err(error);
        }
        self.tell_of_names(&rewiring, narrator)?;
        self.note_waiting(links, narrator)?;
        warn_of_relays(&rewiring, narrator)
    }

    /// Unplugs a container from a network.
    pub fn disconnect(
        &mut self,
        network: &str,
        container: &str,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        // Until the plan speaks of it no longer, a repair would lay the cable again.
        let _lock = network::lock(self)?;
        let planned = self.store.write(|tx| {
            let row = find::container(tx, container)?;
            let name = network_name(tx, network)?;
            plan_disconnection(tx, row, &name)
        })?;
        let Some((rewiring, attachment, more)) = planned else {
            return Ok(());
        };
        self.hold_inside(&rewiring.row)?;
        self.move_ports(&rewiring)?;
        warn_of_relays(&rewiring, narrator)?;
        let plan = find::plan(&rewiring.row)?;
        let (gone, _) = split(&plan, &attachment);
        let mut carrier = Carrier::new(&mut self.machine, narrator, None);
        let mut left_behind = carrier.undo(&gone.steps);
        if rewiring.after.way_out().is_none() {
            // They stay in the plan: with the next way out they come back.
            left_behind.extend(carrier.undo(&published(&plan)));
        }
        carrier.carry_out(&more)?;
        self.tell_of_names(&rewiring, narrator)?;
        let id = &rewiring.row.id;
        if !left_behind.is_empty() {
            return Err(Error::LeftBehind {
                container: rewiring.row.name.to_string(),
                left_behind,
            });
        }
        self.store.write(|tx| {
            let Some(row) = tx.container(id)? else {
                return Ok(());
            };
            let (_, stays) = split(&find::plan(&row)?, &attachment);
            tx.set_plan(id, &stays.to_json())?;
            Ok(tx.release_lease(&attachment.network, id, now())?)
        })
    }

    /// The container's own lines, and those of whoever has a link to it.
    fn tell_of_names(
        &mut self,
        rewiring: &Rewiring,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let noted = self.store.read(|tx| {
            let noted = tx.relinks()?.into_iter().map(|noted| noted.receiver);
            let own = |receiver: &String| rewiring.noted.contains(receiver);
            Ok::<_, Error>(noted.filter(own).collect::<Vec<_>>())
        })?;
        self.relink(&noted, narrator).map(drop)
    }

    /// Holds the container's namespace open, with a netlink socket inside.
    fn hold_inside(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let netns = self.netns_of(row)?;
        let rtnl = netns.run(Rtnl::open)??;
        self.machine.set_inside(Inside::Held { netns, rtnl });
        Ok(())
    }

    /// The published ports follow the way out, in one transaction.
    fn move_ports(&mut self, rewiring: &Rewiring) -> Result<(), Error> {
        for (old, new) in moved_ports(rewiring)? {
            old.hand_over(&new, &mut self.machine)?;
        }
        Ok(())
    }

    /// The connection could not be made: everything is as it was before.
    fn take_back(
        &mut self,
        rewiring: &Rewiring,
        network: &NetworkName,
        new: &Plan,
    ) -> Result<(), Error> {
        let Rewiring {
            row, before, after, ..
        } = rewiring;
        for route in new_ways(&row.name, after, before) {
            // It was replaced; if even that fails, the container has no way out.
            route.act().apply(&mut self.machine)?;
        }
        let id = &rewiring.row.id;
        self.store.write(|tx| {
            let Some(row) = tx.container(id)? else {
                return Ok(());
            };
            let mut plan = find::plan(&row)?;
            plan.steps.retain(|step| !new.steps.contains(step));
            let mut spec = find::spec(&row)?;
            spec.networks.retain(|known| known.network != *network);
            tx.drop_names(network, id)?;
            for link in &rewiring.links {
                tx.delete_link(&link.receiver, &link.alias)?;
            }
            links::note_all(tx, &row, &rewiring.before)?;
            tx.set_wish(id, &to_json(&spec), &to_json(&rewiring.before))?;
            tx.set_plan(id, &plan.to_json())?;
            Ok(tx.release_lease(network, id, now())?)
        })
    }
}

/// A container that does not run: it will be plugged in when it starts.
fn connect_later(
    tx: &Transaction<'_>,
    container: &str,
    endpoint: &EndpointSpec,
    links: &[LinkSpec],
) -> Result<(), Error> {
    let row = find::container(tx, container)?;
    let mut spec = find::spec(&row)?;
    refuse_second(&row, &spec, &endpoint.network)?;
    links::record_links_of(tx, links, &row.id, &row.name)?;
    spec.networks.push(endpoint.clone());
    Ok(tx.set_wish(&row.id, &to_json(&spec), &row.settings)?)
}

fn plan_connection(
    tx: &Transaction<'_>,
    container: &str,
    endpoint: &EndpointSpec,
    links: &[LinkSpec],
) -> Result<(Rewiring, Plan, Option<Shard>, Option<String>), Error> {
    let row = find::container(tx, container)?;
    if row.status != Status::Running {
        return Err(Error::NotRunning(row.name.to_string()));
    }
    let mut spec = find::spec(&row)?;
    refuse_second(&row, &spec, &endpoint.network)?;
    let before = find::settings(&row)?;
    let links = links::record_links_of(tx, links, &row.id, &row.name)?;
    let mut after = before.clone();
    let attached = attach(tx, (&row.id, &row.name), &before, endpoint)?;
    let attachment = attached.attachment;
    after.attachments.push(attachment.clone());
    spec.networks.push(endpoint.clone());
    let better = |old: &Attachment| attachment.gw_priority > old.gw_priority;
    if attachment.reach == Reach::Outside && before.way_out().is_none_or(better) {
        after.gateway_network = Some(attachment.network.clone());
    }
    let is_way6 = attachment.reach == Reach::Outside && attachment.ipv6.is_some();
    if is_way6 && before.way_out6().is_none_or(|(old, _)| better(old)) {
        after.gateway_network6 = Some(attachment.network.clone());
    }
    let mut new = Plan {
        steps: cable_steps(&row.name, &attachment),
    };
    new.steps.extend(new_ways(&row.name, &before, &after));
    new.steps.extend(announce_steps(&row.name, &attachment));
    let mut rewiring = Rewiring {
        row,
        spec,
        before,
        after,
        noted: Vec::new(),
        links,
    };
    record(tx, &mut rewiring, &new)?;
    Ok((rewiring, new, attached.shard, attached.warning))
}

/// Nothing if the container does not run: then it is only recorded.
fn plan_disconnection(
    tx: &Transaction<'_>,
    row: ContainerRow,
    network: &NetworkName,
) -> Result<Option<(Rewiring, Attachment, Plan)>, Error> {
    let mut spec = find::spec(&row)?;
    let before = find::settings(&row)?;
    let connected = spec.networks.len();
    spec.networks.retain(|known| known.network != *network);
    if spec.networks.len() == connected {
        return Err(NetworkError::NotConnected {
            container: row.name.to_string(),
            network: network.to_string(),
        }
        .into());
    }
    tx.drop_names(network, &row.id)?;
    let attachment = before.attachment_to(network).cloned();
    let (Some(attachment), Status::Running) = (attachment, row.status) else {
        tx.set_wish(&row.id, &to_json(&spec), &row.settings)?;
        return Ok(None);
    };
    let mut after = before.clone();
    after.attachments.retain(|known| known.network != *network);
    if before.gateway_network.as_ref() == Some(network) {
        after.gateway_network = after.best_way_out();
    }
    if before.gateway_network6.as_ref() == Some(network) {
        after.gateway_network6 = after.best_way_out6();
    }
    let mut more = Plan::default();
    more.steps.extend(new_ways(&row.name, &before, &after));
    let mut rewiring = Rewiring {
        row,
        spec,
        before,
        after,
        noted: Vec::new(),
        links: Vec::new(),
    };
    record(tx, &mut rewiring, &more)?;
    Ok(Some((rewiring, attachment, more)))
}

/// Records the wish: what the container is to be, and what its end will have to undo.
fn record(tx: &Transaction<'_>, rewiring: &mut Rewiring, new: &Plan) -> Result<(), Error> {
    for settings in [&rewiring.before, &rewiring.after] {
        rewiring
            .noted
            .extend(links::note_all(tx, &rewiring.row, settings)?);
    }
    let id = &rewiring.row.id;
    let mut plan = find::plan(&rewiring.row)?;
    plan.steps.extend(new.steps.iter().cloned());
    for (old, new) in moved_ports(rewiring)? {
        plan.steps
            .retain(|step| *step != Step::PublishPorts(old.clone()));
        plan.steps.push(Step::PublishPorts(new));
    }
    tx.set_wish(id, &to_json(&rewiring.spec), &to_json(&rewiring.after))?;
    Ok(tx.set_plan(id, &plan.to_json())?)
}

/// The default routes that are others than before.
fn new_ways(name: &ContainerName, before: &Settings, after: &Settings) -> Vec<Step> {
    let moved = before.gateway_network != after.gateway_network;
    let moved6 = before.gateway_network6 != after.gateway_network6;
    let way = default_route_step(name, after).filter(|_| moved);
    let way6 = default_route6_step(name, after).filter(|_| moved6);
    way.into_iter().chain(way6).collect()
}

/// The published ports before and after, where their way leads elsewhere.
fn moved_ports(rewiring: &Rewiring) -> Result<Vec<(PublishPorts, PublishPorts)>, Error> {
    let Some(way_out) = rewiring.after.way_out() else {
        return Ok(Vec::new());
    };
    let (address, address6) = (way_out.address.ip(), rewiring.after.address6());
    let moved = |step: Step| match step {
        Step::PublishPorts(old) if (old.address, old.address6) != (address, address6) => {
            let new = PublishPorts {
                address,
                address6,
                ..old.clone()
            };
            Some((old, new))
        }
        _ => None,
    };
    let plan = find::plan(&rewiring.row)?;
    Ok(plan.steps.into_iter().filter_map(moved).collect())
}

/// The steps that publish ports.
fn published(plan: &Plan) -> Vec<Step> {
    let publishes = |step: &&Step| matches!(step, Step::PublishPorts(_));
    plan.steps.iter().filter(publishes).cloned().collect()
}

/// The supervisor copies what comes for IPv6 addresses to the address that the container
/// had when it started.
fn warn_of_relays(rewiring: &Rewiring, narrator: &mut dyn Narrator) -> Result<(), Error> {
    let moved = moved_ports(rewiring)?;
    let mut moved = moved.into_iter();
    let relayed = moved.find(|(old, _)| old.ports.iter().any(|port| port.host_ip.is_ipv6()));
    if let Some((old, _)) = relayed {
        narrator.warn(&format!(
            "WARNING: ports that {} publishes on IPv6 addresses lead to {} until it is started anew",
            rewiring.row.name, old.address
        ));
    }
    Ok(())
}

/// The steps that belong to one cable, and the others.
fn split(plan: &Plan, attachment: &Attachment) -> (Plan, Plan) {
    let interface = &attachment.interface;
    let (gone, stays) = plan.steps.iter().cloned().partition(|step| match step {
        Step::LayCable(step) => step.host_end == attachment.host_end,
        Step::GuardCable(step) => step.host_end == attachment.host_end,
        Step::GiveAddress(step) => step.interface == *interface,
        Step::SetLinkUp(step) => step.interface == *interface,
        Step::AddDefaultRoute(step) => step.interface == *interface,
        Step::AddRoute(step) => step.interface == *interface,
        Step::TuneNamespace(step) => step.is_of(interface),
        Step::Announce(step) => step.interface == *interface,
        Step::Introduce(step) => step.interface == *interface,
        Step::AnswerFor(step) => attachment
            .ipv6
            .is_some_and(|own| own.address.ip() == step.address),
        _ => false,
    });
    (Plan { steps: gone }, Plan { steps: stays })
}

/// Only a container with a namespace of its own, and not an empty one on purpose, has
/// cables.
fn refuse_mode(spec: &ContainerSpec, network: &str) -> Result<(), Error> {
    match (&spec.mode, network) {
        (_, "host") => Err(NetworkError::HostNetwork.into()),
        (NetworkMode::Host | NetworkMode::Container(_) | NetworkMode::Namespace(_), _) => {
            Err(NetworkError::SharesNamespace.into())
        }
        (NetworkMode::None, _) | (NetworkMode::Bridge(_), "none") => {
            Err(NetworkError::NoneMode.into())
        }
        (NetworkMode::Bridge(_), _) => Ok(()),
    }
}

fn refuse_second(
    row: &ContainerRow,
    spec: &ContainerSpec,
    network: &NetworkName,
) -> Result<(), Error> {
    match spec.networks.iter().any(|known| known.network == *network) {
        true => Err(NetworkError::AlreadyConnected {
            container: row.name.to_string(),
            network: network.to_string(),
        }
        .into()),
        false => Ok(()),
    }
}

/// The default network has a name before it is first used.
fn network_name(tx: &Transaction<'_>, text: &str) -> Result<NetworkName, Error> {
    let default = NetworkName::default_bridge();
    match text == default.as_str() {
        true => Ok(default),
        false => Ok(find::network(tx, text)?.network.name),
    }
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("made of strings, numbers and lists")
}
