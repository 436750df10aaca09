//! `minet network set`: an existing network gets other settings.
//!
//! What the kernel can change under containers that run is changed there, and their cables
//! follow. What it cannot (subnet, gateway, bridge and the like) waits until nobody is on
//! the network; then it is taken down, and the next container brings it up as it is now.
//!
//! The wish, that is the network and the containers as they are to be, is recorded before
//! anything is changed. If a step fails, all is as it was; after a crash `minet check`
//! compares with the wish, and `minet repair` makes it so.

use super::{
    NetworkError, choose,
    follow::{Follower, followers},
    require_outbound, shards, spanning_tree_warning, to_json, verify,
};
use crate::{
    Error, Narrator, Plan, Runtime, exits, find, foreign,
    network::{self, StoredPlan, forget_leases_outside, stored_plan},
    network_down,
    plan::Carrier,
    step::Step,
    steps::ChangeNetwork,
};
use minet_model::{
    BridgeNetwork, InvalidNetworkOption, NetworkId, NetworkName, NetworkSpec, Reach,
};
use minet_state::{NetworkRow, Transaction};

/// What is to be different about what was asked of a network.
pub type SpecChange<'a> = dyn Fn(&mut NetworkSpec) -> Result<(), InvalidNetworkOption> + 'a;

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
        if let Some(warning) = spanning_tree_warning(self.machine.rtnl()?, &asked)? {
            narrator.warn(&warning);
        }
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
        let mut changes = vec![Step::ChangeNetwork(ChangeNetwork {
            before: Box::new(before.clone()),
            after: Box::new(after.clone()),
            shards: shards::numbers(&old_plan).collect(),
        })];
        let mut new_plan = of_network(&old_plan, &after);
        if before.asked.reach == Reach::InternalOnly {
            // What keeps it out of others' bridges stands before it is opened.
            let restraint = exits::catch_up(&mut self.machine, &after, &mut new_plan)?;
            changes.splice(..0, restraint.map(Step::Restrain));
        }
        let (old, new) = (stored(&old_plan), stored(&new_plan));
        let boot = self.boot.clone();
        let followers = self.store.add(|tx| {
            let followers = followers(tx, &after)?;
            record(tx, (&after, row.created, &new, &boot))?;
            followers
                .iter()
                .try_for_each(|follower| follower.record(tx))?;
            Ok::<_, Error>(followers)
        })?;
        let Err(error) = self.change(&changes, &followers, narrator) else {
            self.store.write(|tx| {
                followers
                    .iter()
                    .try_for_each(|follower| follower.settle(tx))
            })?;
            self.pass_others(before, &after, narrator)?;
            return self.follow_with_links(&old_plan, &after, &followers, narrator);
        };
        self.store.write(|tx| {
            record(tx, (before, row.created, &old, &boot))?;
            followers
                .iter()
                .try_for_each(|follower| follower.take_back(tx))
        })?;
        Err(error)
    }

    /// Other firewalls have to let pass what leads out, and nothing else.
    fn pass_others(
        &mut self,
        before: &BridgeNetwork,
        after: &BridgeNetwork,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        match (before.asked.reach, after.asked.reach) {
            (Reach::InternalOnly, Reach::Outside) => {
                for note in foreign::catch_up(self)? {
                    narrator.note(&note);
                }
                self.warn_of_no_forwarding(narrator)
            }
            (Reach::Outside, Reach::InternalOnly) => foreign::close(self, &after.name),
            (Reach::Outside, Reach::Outside) | (Reach::InternalOnly, Reach::InternalOnly) => Ok(()),
        }
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
            .map(|follower| follower.id().to_string())
            .collect();
        self.store.write(|tx| {
            noted
                .iter()
                .try_for_each(|receiver| Ok::<_, Error>(tx.note_relink(receiver)?))
        })?;
        self.relink(&noted, narrator).map(drop)
    }

    /// Takes all steps; if one fails, takes all back.
    fn change(
        &mut self,
        changes: &[Step],
        followers: &[Follower],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        Carrier::new(&mut self.machine, narrator, None).carry_out(changes)?;
        self.let_follow(followers, narrator).inspect_err(|_| {
            Carrier::new(&mut self.machine, narrator, None).undo(changes);
        })
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
