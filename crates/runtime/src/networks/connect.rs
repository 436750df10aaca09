//! `minet network connect` and `disconnect`: a container's cables change while it runs.
//!
//! The wish, that is the container's spec, its settings and the plan for the end, is
//! recorded before anything is done; so whatever happens in between, the end of the
//! container takes everything along.
//!
//! What becomes of its way out is in [`super::reroute`].

use super::{NetworkError, announce_steps, attach, cable_steps, reroute::Reroute, shards::Shard};
use crate::{
    Error, Narrator, Plan, Runtime, find, links,
    machine::Inside,
    network::{self, Intent},
    plan::Carrier,
    settings::{Attachment, Settings},
    step::Step,
    time::now,
};
use minet_bridge::Rtnl;
use minet_model::{ContainerSpec, EndpointSpec, LinkSpec, NetworkMode, NetworkName, Receiver};
use minet_state::{ContainerRow, LinkRow, Status, Transaction};

/// A container as it is, and as it is to be.
struct Rewiring {
    row: ContainerRow,
    spec: ContainerSpec,
    before: Settings,
    after: Settings,
    way_out: Reroute,
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
            carrier.carry_out(&new.steps)
        });
        let done = done.and_then(|()| {
            let rerouted = self.reroute(&rewiring.way_out, narrator);
            rerouted.inspect_err(|_| {
                // What resists is told by the next check.
                let _ = self.reroute(&rewiring.way_out.back(), narrator);
                Carrier::new(&mut self.machine, narrator, None).undo(&new.steps);
            })
        });
        if let Err(error) = done {
            self.take_back(&rewiring, &endpoint.network, &new)?;
            ground.tear_down(self)?;
            return Err(error);
        }
        self.tell_of_names(&rewiring, narrator)?;
        let receiver = Receiver::Container(rewiring.row.name.clone());
        self.note_waiting(links, &[receiver], narrator)
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
            if matches!(network, "host" | "none") {
                return Err(NetworkError::NoCables(network.to_owned()).into());
            }
            let name = network_name(tx, network)?;
            plan_disconnection(tx, row, &name)
        })?;
        let Some((rewiring, attachment)) = planned else {
            return Ok(());
        };
        self.hold_inside(&rewiring.row)?;
        self.reroute(&rewiring.way_out, narrator)?;
        let (gone, _) = split(&find::plan(&rewiring.row)?, &attachment);
        let mut left_behind = Carrier::new(&mut self.machine, narrator, None).undo(&gone.steps);
        if !left_behind.is_empty() {
            // What the kernel refused once, for want of memory or because it was busy.
            left_behind = Carrier::new(&mut self.machine, narrator, None).undo(&gone.steps);
        }
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
            let (_, mut stays) = split(&find::plan(&row)?, &attachment);
            rewiring.way_out.take_out_of(&mut stays);
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

    /// The connection could not be made: everything is as it was before.
    fn take_back(
        &mut self,
        rewiring: &Rewiring,
        network: &NetworkName,
        new: &Plan,
    ) -> Result<(), Error> {
        let id = &rewiring.row.id;
        self.store.write(|tx| {
            let Some(row) = tx.container(id)? else {
                return Ok(());
            };
            let mut plan = find::plan(&row)?;
            plan.steps.retain(|step| !new.steps.contains(step));
            let back = rewiring.way_out.back();
            back.put_into(&mut plan);
            back.take_out_of(&mut plan);
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
    after.settle_ways_out();
    let mut new = Plan {
        steps: cable_steps(&row.name, &attachment),
    };
    new.steps.extend(announce_steps(&row.name, &attachment));
    let mut rewiring = Rewiring {
        way_out: Reroute::plan(tx, &row, (&before, &after))?,
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
) -> Result<Option<(Rewiring, Attachment)>, Error> {
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
    after.settle_ways_out();
    let mut rewiring = Rewiring {
        way_out: Reroute::plan(tx, &row, (&before, &after))?,
        row,
        spec,
        before,
        after,
        noted: Vec::new(),
        links: Vec::new(),
    };
    record(tx, &mut rewiring, &Plan::default())?;
    Ok(Some((rewiring, attachment)))
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
    rewiring.way_out.put_into(&mut plan);
    tx.set_wish(id, &to_json(&rewiring.spec), &to_json(&rewiring.after))?;
    Ok(tx.set_plan(id, &plan.to_json())?)
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
