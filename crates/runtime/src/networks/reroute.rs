//! A container's way out moves to another of its networks, or there is none any more, or
//! there is one again: its default routes and its published ports follow.
//!
//! ```text
//!   way out      172.17.0.1 dev eth0   ──▶  172.18.0.1 dev eth1
//!   8080/tcp     172.17.0.2:80         ──▶  172.18.0.2:80        one transaction
//!   [::]:8080    relay to 172.17.0.2   ──▶  relay to 172.18.0.2  the same socket
//! ```
//!
//! What stands in the plan is what is so: whoever compares a container with its plan, or
//! repairs it by that, must not find yesterday's way out in it. Only what is about to be
//! taken away stays there until it is gone.

use super::{default_route_step, default_route6_step};
use crate::{
    Error, Narrator, Plan, Runtime,
    control::Line,
    find,
    plan::Carrier,
    settings::Settings,
    step::{Act, Step},
    steps::{AddDefaultRoute, PublishPorts},
};
use minet_model::ContainerName;
use minet_state::{ContainerRow, Transaction};
use std::net::Ipv4Addr;

/// One container's way out, as it is and as it is to be.
#[derive(Clone)]
pub(super) struct Reroute {
    name: ContainerName,
    before: Settings,
    after: Settings,
    /// Ports that lead there and shall lead elsewhere.
    moved: Vec<(PublishPorts, PublishPorts)>,
    /// Ports that shall lead nowhere: no network leads out any more. Their sockets stay.
    gone: Vec<PublishPorts>,
    /// Ports that led nowhere until now.
    come: Vec<PublishPorts>,
}

impl Reroute {
    /// What is to be done when `after` takes the place of `before`.
    pub(super) fn plan(
        tx: &Transaction<'_>,
        row: &ContainerRow,
        (before, after): (&Settings, &Settings),
    ) -> Result<Self, Error> {
        let mut reroute = Reroute {
            name: row.name.clone(),
            before: before.clone(),
            after: after.clone(),
            moved: Vec::new(),
            gone: Vec::new(),
            come: Vec::new(),
        };
        let published: Vec<PublishPorts> = published(&find::plan(row)?).cloned().collect();
        let Some(way_out) = after.way_out() else {
            reroute.gone = published;
            return Ok(reroute);
        };
        let lead_there = |ports| PublishPorts {
            name: row.name.clone(),
            id: row.id.clone(),
            address: way_out.address.ip(),
            address6: after.address6(),
            ports,
        };
        let in_the_books = tx.ports_of(&row.id)?;
        if published.is_empty() && !in_the_books.is_empty() {
            reroute.come = vec![lead_there(in_the_books)];
        }
        for old in published {
            let new = lead_there(old.ports.clone());
            if (old.address, old.address6) != (new.address, new.address6) {
                reroute.moved.push((old, new));
            }
        }
        Ok(reroute)
    }

    /// The other way round.
    pub(super) fn back(&self) -> Self {
        let moved = self.moved.iter().cloned().map(|(old, new)| (new, old));
        Reroute {
            name: self.name.clone(),
            before: self.after.clone(),
            after: self.before.clone(),
            moved: moved.collect(),
            gone: self.come.clone(),
            come: self.gone.clone(),
        }
    }

    /// Makes the plan that of a container whose way out always was there, but for what is
    /// still to be taken away.
    pub(super) fn put_into(&self, plan: &mut Plan) {
        if self.routes_before() != self.routes_after() {
            plan.steps
                .retain(|step| !matches!(step, Step::AddDefaultRoute(_)));
            plan.steps.extend(self.routes_after());
        }
        for step in &mut plan.steps {
            let Step::PublishPorts(ports) = step else {
                continue;
            };
            if let Some((_, new)) = self.moved.iter().find(|(old, _)| old == ports) {
                *ports = new.clone();
            }
        }
        let come = self.come.iter().cloned().map(Step::PublishPorts);
        plan.steps.extend(come);
    }

    /// It has been taken away.
    pub(super) fn take_out_of(&self, plan: &mut Plan) {
        plan.steps.retain(|step| match step {
            Step::PublishPorts(ports) => !self.gone.contains(ports),
            _ => true,
        });
    }

    fn routes_before(&self) -> Vec<Step> {
        routes(&self.name, &self.before)
    }

    fn routes_after(&self) -> Vec<Step> {
        routes(&self.name, &self.after)
    }

    /// The default routes that no other takes the place of.
    fn routes_gone(&self) -> Vec<Step> {
        let after = self.routes_after();
        let replaced = |step: &Step| after.iter().any(|new| is_ipv4(new) == is_ipv4(step));
        let mut before = self.routes_before();
        before.retain(|step| !replaced(step));
        before
    }
}

impl Runtime {
    /// Lets the kernel and the supervisor follow. The container's namespace is held open.
    pub(super) fn reroute(
        &mut self,
        reroute: &Reroute,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let before = reroute.routes_before();
        let mut new = Plan {
            steps: reroute.routes_after(),
        };
        new.steps.retain(|step| !before.contains(step));
        let come = reroute.come.iter().cloned().map(Step::PublishPorts);
        new.steps.extend(come);
        let mut carrier = Carrier::new(&mut self.machine, narrator, None);
        carrier.carry_out(&new.steps)?;
        for (old, new) in &reroute.moved {
            old.hand_over(new, &mut self.machine)?;
        }
        for step in reroute.routes_gone() {
            step.act().undo(&mut self.machine)?;
        }
        for ports in &reroute.gone {
            ports.undo(&mut self.machine)?;
        }
        let moved = reroute.moved.iter().map(|(_, new)| new);
        for ports in moved.chain(&reroute.come) {
            relay_to(reroute, ports, Some(ports.address))?;
        }
        for ports in &reroute.gone {
            relay_to(reroute, ports, None)?;
        }
        if !reroute.gone.is_empty() {
            narrator.warn(&format!(
                "WARNING: published ports of {} lead nowhere while none of its networks leads out",
                reroute.name
            ));
        }
        Ok(())
    }
}

/// What the supervisor copies itself it copies to this address from now on, or lets wait.
fn relay_to(
    reroute: &Reroute,
    ports: &PublishPorts,
    address: Option<Ipv4Addr>,
) -> Result<(), Error> {
    let relayed = || ports.ports.iter().filter(|port| port.host_ip.is_ipv6());
    if relayed().next().is_none() {
        return Ok(());
    }
    let line = Line::call(&reroute.after.etc_dir, reroute.name.as_str())?;
    for port in relayed() {
        if let Some(held) = line.borrow(*port)? {
            line.release(*port)?;
            line.hold(&held, address)?;
        }
    }
    Ok(())
}

fn routes(name: &ContainerName, settings: &Settings) -> Vec<Step> {
    let way = default_route_step(name, settings);
    way.into_iter()
        .chain(default_route6_step(name, settings))
        .collect()
}

fn is_ipv4(step: &Step) -> bool {
    matches!(step, Step::AddDefaultRoute(AddDefaultRoute { gateway, .. }) if gateway.is_ipv4())
}

fn published(plan: &Plan) -> impl Iterator<Item = &PublishPorts> {
    plan.steps.iter().filter_map(|step| match step {
        Step::PublishPorts(ports) => Some(ports),
        _ => None,
    })
}
