//! The containers on a network that gets other settings, and how they follow: their
//! cables, their default routes, their published ports.

use super::{reroute::Reroute, to_json};
use crate::{
    Error, Narrator, Plan, Runtime, find,
    machine::Inside,
    networks::endpoint::{answer_step, route_steps, routes_for},
    plan::Carrier,
    settings::{Attachment, Settings},
    step::Step,
    steps::{CableSettings, ChangeCable},
};
use minet_bridge::Rtnl;
use minet_model::{BridgeNetwork, ContainerId, IfName};
use minet_state::{ContainerRow, LeaseHolder, Status, Transaction};
use std::net::{IpAddr, Ipv6Addr};

/// A container as it is and as it is to be.
pub(super) struct Follower {
    row: ContainerRow,
    settings: Settings,
    plan: Plan,
    cable: Option<Step>,
    way_out: Reroute,
}

impl Follower {
    /// Who it is.
    pub(super) fn id(&self) -> &ContainerId {
        &self.row.id
    }

    /// Records what it is to be.
    pub(super) fn record(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        tx.set_wish(&self.row.id, &self.row.spec, &to_json(&self.settings))?;
        Ok(tx.set_plan(&self.row.id, &self.plan.to_json())?)
    }

    /// Records that nothing is left of its old way out.
    pub(super) fn settle(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        let Some(row) = tx.container(&self.row.id)?.filter(|row| row.live.is_some()) else {
            return Ok(());
        };
        let mut plan = find::plan(&row)?;
        self.way_out.take_out_of(&mut plan);
        Ok(tx.set_plan(&row.id, &plan.to_json())?)
    }

    /// Records that it stays as it was.
    pub(super) fn take_back(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        let row = &self.row;
        if tx.container(&row.id)?.is_some_and(|row| row.live.is_some()) {
            tx.set_wish(&row.id, &row.spec, &row.settings)?;
            tx.set_plan(&row.id, row.plan.as_deref().unwrap_or("[]"))?;
        }
        Ok(())
    }
}

impl Runtime {
    /// All of them follow; if one cannot, those that have come back.
    pub(super) fn let_follow(
        &mut self,
        followers: &[Follower],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        for (index, follower) in followers.iter().enumerate() {
            let Err(error) = self.follow_one(follower, narrator) else {
                continue;
            };
            if !self.store.read(|tx| is_running(tx, follower.id()))? {
                // It has ended meanwhile, and its cable with it.
                continue;
            }
            for follower in followers[..index].iter().rev() {
                self.come_back(follower, narrator);
            }
            return Err(error);
        }
        Ok(())
    }

    /// If it cannot, it stays as it was.
    fn follow_one(
        &mut self,
        follower: &Follower,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        self.enter(&follower.row)?;
        Carrier::new(&mut self.machine, narrator, None).carry_out(follower.cable.as_slice())?;
        let rerouted = self.reroute(&follower.way_out, narrator);
        rerouted.inspect_err(|_| self.come_back(follower, narrator))
    }

    /// Whoever knows at which cable a neighbour is would go on sending there, or to the host,
    /// for half a minute; so all ask anew.
    pub(super) fn let_neighbours_forget(&mut self, followers: &[Follower]) {
        for follower in followers {
            if self.enter(&follower.row).is_ok() {
                self.announce(&follower.plan.steps);
            }
        }
    }

    /// As far as it can; what it cannot is told by `minet check`.
    fn come_back(&mut self, follower: &Follower, narrator: &mut dyn Narrator) {
        if self.enter(&follower.row).is_ok() {
            let _ = self.reroute(&follower.way_out.back(), narrator);
            Carrier::new(&mut self.machine, narrator, None).undo(follower.cable.as_slice());
        }
    }

    fn enter(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let netns = self.netns_of(row)?;
        let rtnl = netns.run(Rtnl::open)??;
        self.machine.set_inside(Inside::Held { netns, rtnl });
        Ok(())
    }
}

fn is_running(tx: &Transaction<'_>, id: &ContainerId) -> Result<bool, Error> {
    let row = tx.container(id)?;
    Ok(row.is_some_and(|row| row.status == Status::Running))
}

/// The containers on a network that have something to change.
pub(super) fn followers(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
) -> Result<Vec<Follower>, Error> {
    let mut followers = Vec::new();
    for lease in tx.leases_held_on(&network.name)? {
        let LeaseHolder::Container(id) = &lease.holder else {
            continue;
        };
        let Some(row) = tx.container(id)? else {
            continue;
        };
        match row.status {
            Status::Running => followers.extend(follower(tx, row, network)?),
            // Its steps are being taken, or its namespace is nobody's at the moment.
            Status::Starting | Status::Restarting => {
                return Err(Error::BeingMade(row.name.to_string()));
            }
            Status::Exited => {}
        }
    }
    Ok(followers)
}

fn follower(
    tx: &Transaction<'_>,
    row: ContainerRow,
    network: &BridgeNetwork,
) -> Result<Option<Follower>, Error> {
    let before = find::settings(&row)?;
    let mut settings = before.clone();
    let attachments = settings.attachments.iter_mut();
    let Some(attachment) = attachments
        .into_iter()
        .find(|attachment| attachment.network == network.name)
    else {
        return Ok(None);
    };
    let cable_before = settings_of(attachment);
    let mut own: Vec<IpAddr> = vec![attachment.address.ip().into()];
    own.extend(
        attachment
            .ipv6
            .as_ref()
            .map(|half| IpAddr::from(half.address.ip())),
    );
    attachment.mtu = network.mtu;
    attachment.neighbours = network.asked.neighbours;
    attachment.reach = network.asked.reach;
    attachment.routes = routes_for(&network.asked, &own);
    let cable_after = settings_of(attachment);
    if cable_before == cable_after {
        return Ok(None);
    }
    let attachment = attachment.clone();
    settings.settle_ways_out();
    let way_out = Reroute::plan(tx, &row, (&before, &settings))?;
    let mut plan = of_container(find::plan(&row)?, &row, &attachment);
    way_out.put_into(&mut plan);
    let cable = Step::ChangeCable(ChangeCable {
        name: row.name.clone(),
        answer: answer_of(&attachment),
        host_end: attachment.host_end,
        interface: attachment.interface,
        mac: attachment.mac,
        before: cable_before,
        after: cable_after,
        addresses: own,
    });
    // What only the rules and the routes do is no matter of the cable.
    let has_to_change = !cable.act().explain().up.is_empty();
    Ok(Some(Follower {
        row,
        settings,
        plan,
        cable: has_to_change.then_some(cable),
        way_out,
    }))
}

/// Where the host answers for which address of it, once its neighbours are kept apart.
fn answer_of(attachment: &Attachment) -> Option<(IfName, Ipv6Addr)> {
    let host = attachment.host_place.as_ref()?;
    Some((host.bridge.clone(), attachment.ipv6?.address.ip()))
}

fn settings_of(attachment: &Attachment) -> CableSettings {
    CableSettings {
        mtu: attachment.mtu,
        neighbours: attachment.neighbours,
        routes: attachment.routes.clone(),
        reach: attachment.reach,
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
