//! `minet network set`: an existing network gets other settings.
//!
//! What the kernel can change under containers that run is changed there, and their cables
//! follow. What it cannot (subnet, gateway, bridge and the like) waits until nobody is on
//! the network; then it is taken down, and the next container brings it up as it is now.
//!
//! The wish, that is the network and the containers as they are to be, is recorded before
//! anything is changed. If a step fails, all is as it was; after a crash `minet check`
//! compares with the wish, and `minet repair` makes it so.

use super::{NetworkError, choose, require_outbound, shards, to_json, verify};
use crate::{
    Error, Narrator, Plan, Runtime, find,
    machine::Inside,
    network::{self, StoredPlan, forget_leases_outside, stored_plan},
    network_down,
    networks::endpoint::{answer_step, route_steps, routes_for},
    plan::Carrier,
    settings::{Attachment, Settings},
    step::Step,
    steps::{CableSettings, ChangeCable, ChangeNetwork},
};
use minet_bridge::Rtnl;
use minet_model::{
    BridgeNetwork, ContainerId, IfName, InvalidNetworkOption, NetworkId, NetworkName, NetworkSpec,
};
use minet_state::{ContainerRow, LeaseHolder, NetworkRow, Status, Transaction};
use std::net::{IpAddr, Ipv6Addr};

/// What is to be different about what was asked of a network.
pub type SpecChange<'a> = dyn Fn(&mut NetworkSpec) -> Result<(), InvalidNetworkOption> + 'a;

/// A container as it is and as it is to be.
struct Follower {
    row: ContainerRow,
    settings: Settings,
    plan: Plan,
    step: Step,
}

impl Runtime {
    /// Changes the settings of a network; returns its identity.
    pub fn set_network(
        &mut self,
        text: &str,
        change: &SpecChange<'_>,
        narrator: &mut dyn Narrator,
    ) -> Result<NetworkId, Error> {
        if text
            .parse::<NetworkName>()
            .is_ok_and(|name| name.is_predefined())
        {
            return Err(NetworkError::Configured(text.to_owned()).into());
        }
        let _lock = network::lock(self)?;
        let row = self.store.read(|tx| find::network(tx, text))?;
        let before = &row.network;
        if before.name.is_predefined() {
            return Err(NetworkError::Configured(before.name.to_string()).into());
        }
        let mut asked = before.asked.clone();
        change(&mut asked).map_err(NetworkError::from)?;
        require_outbound(self, &asked)?;
        match cannot_change_under_containers(before, &asked) {
            Some(what) => self.set_idle(&row, &asked, what)?,
            None => self.set_live(&row, asked.clone(), narrator)?,
        }
        self.warn_of_spanning_tree(&asked, narrator)?;
        Ok(row.network.id)
    }

    /// Nobody is on it: it goes, and comes again as it is to be.
    fn set_idle(
        &mut self,
        row: &NetworkRow,
        asked: &NetworkSpec,
        what: &'static str,
    ) -> Result<(), Error> {
        let name = &row.network.name;
        let chosen = choose(self, asked, Some(row), &[])?;
        let plan = self.plan_of(row).unwrap_or_default();
        match network_down::take_one_down(self, name, &plan)? {
            None => Err(self.store.read(|tx| in_the_way(tx, name, what))?),
            Some(left_behind) if !left_behind.is_empty() => Err(Error::LeftBehind {
                container: name.to_string(),
                left_behind,
            }),
            Some(_) => self.store.write(|tx| {
                tx.put_network(&chosen.network, row.created)?;
                if chosen.subnet6_moves {
                    tx.forget_addresses6(name)?;
                }
                forget_leases_outside(tx, &chosen.network)
            }),
        }
    }

    /// The steps that brought it up, if it stands.
    fn plan_of(&self, row: &NetworkRow) -> Option<Plan> {
        let stored = stored_plan(row).filter(|stored| stored.boot == self.boot)?;
        Some(stored.plan)
    }

    /// The kernel changes it while it is used.
    fn set_live(
        &mut self,
        row: &NetworkRow,
        asked: NetworkSpec,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let before = &row.network;
        let after = BridgeNetwork {
            mtu: asked.mtu.unwrap_or(before.mtu),
            asked,
            ..before.clone()
        };
        verify(&after)?;
        let up = row.up_in_boot.as_deref() == Some(self.boot.as_str());
        let Some(old_plan) = self.plan_of(row).filter(|_| up) else {
            return Ok(self.store.add(|tx| tx.put_network(&after, row.created))?);
        };
        let stored = |plan: &Plan| {
            to_json(&StoredPlan {
                boot: self.boot.clone(),
                plan: plan.clone(),
            })
        };
        let (old, new) = (stored(&old_plan), stored(&of_network(&old_plan, &after)));
        let boot = self.boot.clone();
        let followers = self.store.add(|tx| {
            let followers = followers(tx, &after)?;
            record(tx, (&after, row.created, &new, &boot))?;
            for follower in &followers {
                let id = &follower.row.id;
                tx.set_wish(id, &follower.row.spec, &to_json(&follower.settings))?;
                tx.set_plan(id, &follower.plan.to_json())?;
            }
            Ok::<_, Error>(followers)
        })?;
        let change = Step::ChangeNetwork(ChangeNetwork {
            before: Box::new(before.clone()),
            after: Box::new(after.clone()),
            shards: shards::numbers(&old_plan).collect(),
        });
        let Err(error) = self.change(&change, &followers, narrator) else {
            return self.follow_with_links(&old_plan, &after, &followers, narrator);
        };
        self.store.write(|tx| {
            record(tx, (before, row.created, &old, &boot))?;
            for Follower { row, .. } in &followers {
                let plan = row.plan.as_deref().unwrap_or("[]");
                if tx.container(&row.id)?.is_some_and(|row| row.live.is_some()) {
                    tx.set_wish(&row.id, &row.spec, &row.settings)?;
                    tx.set_plan(&row.id, plan)?;
                }
            }
            Ok::<_, Error>(())
        })?;
        Err(error)
    }

    /// Whether neighbours talk decides what links open, and who answers for a neighbour.
    fn follow_with_links(
        &mut self,
        old_plan: &Plan,
        after: &BridgeNetwork,
        followers: &[Follower],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let tunes = |step: &&Step| matches!(step, Step::TuneBridge(_));
        let new_plan = of_network(old_plan, after);
        for (old, new) in old_plan.steps.iter().zip(&new_plan.steps) {
            if tunes(&new) && old != new {
                old.act().undo(&mut self.machine)?;
                new.act().apply(&mut self.machine)?;
                self.let_neighbours_forget(followers);
            }
        }
        let noted: Vec<String> = followers
            .iter()
            .map(|follower| follower.row.id.to_string())
            .collect();
        self.store.write(|tx| {
            noted
                .iter()
                .try_for_each(|receiver| Ok::<_, Error>(tx.note_relink(receiver)?))
        })?;
        self.relink(&noted, narrator).map(drop)
    }

    /// Whoever knows at which cable a neighbour is would go on sending there, or to the host,
    /// for half a minute; so all ask anew.
    fn let_neighbours_forget(&mut self, followers: &[Follower]) {
        for follower in followers {
            if self.enter(&follower.row).is_ok() {
                self.announce(&follower.plan.steps);
            }
        }
    }

    /// Takes all steps; if one fails, takes all back.
    fn change(
        &mut self,
        change: &Step,
        followers: &[Follower],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let one = |step: &Step| Plan {
            steps: vec![step.clone()],
        };
        Carrier::new(&mut self.machine, narrator, None).carry_out(&one(change))?;
        for (index, follower) in followers.iter().enumerate() {
            let followed = self.enter(&follower.row).and_then(|()| {
                Carrier::new(&mut self.machine, narrator, None).carry_out(&one(&follower.step))
            });
            let Err(error) = followed else { continue };
            if !self.store.read(|tx| is_running(tx, &follower.row.id))? {
                // It has ended meanwhile, and its cable with it.
                continue;
            }
            for follower in followers[..index].iter().rev() {
                if self.enter(&follower.row).is_ok() {
                    Carrier::new(&mut self.machine, narrator, None)
                        .undo(std::slice::from_ref(&follower.step));
                }
            }
            Carrier::new(&mut self.machine, narrator, None).undo(std::slice::from_ref(change));
            return Err(error);
        }
        Ok(())
    }

    fn enter(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let netns = self.netns_of(row)?;
        let rtnl = netns.run(Rtnl::open)??;
        self.machine.set_inside(Inside::Held { netns, rtnl });
        Ok(())
    }
}

/// What of the difference the kernel cannot change under a container that runs.
fn cannot_change_under_containers(
    before: &BridgeNetwork,
    asked: &NetworkSpec,
) -> Option<&'static str> {
    let old = &before.asked;
    let moved = [
        (
            asked.subnet.is_some_and(|subnet| subnet != before.subnet),
            "the subnet",
        ),
        (
            asked
                .gateway
                .is_some_and(|gateway| gateway != before.gateway),
            "the gateway",
        ),
        (asked.bridge != old.bridge, "the bridge"),
        (asked.ipv6 != old.ipv6, "the IPv6 half"),
        (asked.reach != old.reach, "--internal"),
        (asked.spoofing != old.spoofing, "--anti-spoof"),
    ];
    moved
        .into_iter()
        .find_map(|(moved, what)| moved.then_some(what))
}

fn in_the_way(
    tx: &Transaction<'_>,
    name: &NetworkName,
    what: &'static str,
) -> Result<Error, Error> {
    let held = tx.leases_held_on(name)?;
    let holders: Vec<&str> = held
        .iter()
        .filter_map(|lease| lease.name.as_deref())
        .collect();
    Ok(NetworkError::InTheWay {
        what,
        network: name.to_string(),
        holders: holders.join(", "),
    }
    .into())
}

fn record(
    tx: &Transaction<'_>,
    (network, created, plan, boot): (&BridgeNetwork, i64, &str, &str),
) -> Result<(), Error> {
    tx.put_network(network, created)?;
    tx.plan_network(&network.name, plan)?;
    Ok(tx.network_is_up(&network.name, boot)?)
}

fn is_running(tx: &Transaction<'_>, id: &ContainerId) -> Result<bool, Error> {
    let row = tx.container(id)?;
    Ok(row.is_some_and(|row| row.status == Status::Running))
}

/// The plan of a network that always was like this.
fn of_network(plan: &Plan, network: &BridgeNetwork) -> Plan {
    let mut plan = plan.clone();
    for step in &mut plan.steps {
        match step {
            Step::MakeBridge(step) => step.network = network.clone(),
            Step::MakeShard(step) => step.network = network.clone(),
            Step::UseBridge(step) => step.network = network.clone(),
            Step::AdmitNetwork(step) => step.network = network.clone(),
            Step::TuneBridge(step) => step.neighbours = network.asked.neighbours,
            _ => {}
        }
    }
    plan
}

/// The containers on a network that have something to change.
fn followers(tx: &Transaction<'_>, network: &BridgeNetwork) -> Result<Vec<Follower>, Error> {
    let mut followers = Vec::new();
    for lease in tx.leases_held_on(&network.name)? {
        let LeaseHolder::Container(id) = &lease.holder else {
            continue;
        };
        let Some(row) = tx.container(id)? else {
            continue;
        };
        match row.status {
            Status::Running => followers.extend(follower(row, network)?),
            // Its steps are being taken, or its namespace is nobody's at the moment.
            Status::Starting | Status::Restarting => {
                return Err(Error::BeingMade(row.name.to_string()));
            }
            Status::Exited => {}
        }
    }
    Ok(followers)
}

fn follower(row: ContainerRow, network: &BridgeNetwork) -> Result<Option<Follower>, Error> {
    let mut settings = find::settings(&row)?;
    let attachments = settings.attachments.iter_mut();
    let Some(attachment) = attachments
        .into_iter()
        .find(|attachment| attachment.network == network.name)
    else {
        return Ok(None);
    };
    let before = settings_of(attachment);
    let mut own: Vec<IpAddr> = vec![attachment.address.ip().into()];
    own.extend(
        attachment
            .ipv6
            .as_ref()
            .map(|half| IpAddr::from(half.address.ip())),
    );
    attachment.mtu = network.mtu;
    attachment.neighbours = network.asked.neighbours;
    attachment.routes = routes_for(&network.asked, &own);
    let after = settings_of(attachment);
    if before == after {
        return Ok(None);
    }
    let attachment = attachment.clone();
    let plan = of_container(find::plan(&row)?, &row, &attachment);
    let step = Step::ChangeCable(ChangeCable {
        name: row.name.clone(),
        answer: answer_of(&attachment),
        host_end: attachment.host_end,
        interface: attachment.interface,
        before,
        after,
    });
    Ok(Some(Follower {
        row,
        settings,
        plan,
        step,
    }))
}

fn answer_of(attachment: &Attachment) -> Option<(IfName, Ipv6Addr)> {
    let host = attachment.host_place.as_ref()?;
    Some((host.bridge.clone(), attachment.ipv6?.address.ip()))
}

fn settings_of(attachment: &Attachment) -> CableSettings {
    CableSettings {
        mtu: attachment.mtu,
        neighbours: attachment.neighbours,
        routes: attachment.routes.clone(),
    }
}

/// The plan of a container whose cable always was like this.
fn of_container(mut plan: Plan, row: &ContainerRow, attachment: &Attachment) -> Plan {
    let interface = &attachment.interface;
    let answer = answer_of(attachment);
    plan.steps.retain(|step| match step {
        Step::AddRoute(step) => step.interface != *interface,
        Step::AnswerFor(step) => answer.as_ref() != Some(&(step.bridge.clone(), step.address)),
        _ => true,
    });
    for step in &mut plan.steps {
        if let Step::LayCable(step) = step
            && step.host_end == attachment.host_end
        {
            step.mtu = attachment.mtu;
            step.neighbours = attachment.neighbours;
        }
    }
    let is_up = |step: &Step| matches!(step, Step::SetLinkUp(step) if step.interface == *interface);
    let place = plan
        .steps
        .iter()
        .position(is_up)
        .map_or(plan.steps.len(), |at| at + 1);
    let steps = answer_step(&row.name, attachment)
        .into_iter()
        .chain(route_steps(&row.name, attachment));
    plan.steps.splice(place..place, steps);
    plan
}
