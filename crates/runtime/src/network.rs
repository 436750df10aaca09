//! The switch that containers are plugged into: when it is made, and when it goes.
//!
//! The rule: **a switch stays on when the last cable is pulled.** The first container of
//! a network brings the bridge, the table and the network's elements up; they stay, as
//! `docker0` does, because making them costs many times what a container costs. They go
//! with `minet gc --all` or a reboot. If the very container that brought them up fails to
//! start, they are taken down with it: a failed command changes nothing.

use crate::{
    Error, Runtime, exits, foreign, forwarding,
    lock::Lock,
    memory::Memory,
    network_down,
    networks::{self, NetworkError, choose, overlap},
    plan::{Carrier, Plan},
    step::{Finding, Step},
    steps::{
        AdmitNetwork, GiveGateway6, InstallTable, MakeBridge, TuneBridge, TurnOnForwarding,
        TurnOnForwarding6, UseBridge, Whose,
    },
    time::now,
};
use minet_model::{BridgeNetwork, NetworkName, NetworkSpec};
use minet_state::{NetworkRow, Transaction};
use serde::{Deserialize, Serialize};

/// What a container's cables will be plugged into: the networks that do not stand yet, and
/// the lock that keeps others from making them too.
///
/// There is nothing in it where all networks stand, or where no cable is needed.
#[derive(Default)]
pub(crate) struct Ground {
    down: Vec<Groundwork>,
    _lock: Option<Lock>,
}

/// A network that is to be brought up.
struct Groundwork {
    network: BridgeNetwork,
    subnet_moves: bool,
    subnet6_moves: bool,
    plan: Plan,
}

/// How a network was brought up, and in which boot: what is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPlan {
    pub(crate) boot: String,
    pub(crate) plan: Plan,
}

/// Whether others are to be kept out while the plan is made.
pub(crate) enum Intent {
    /// It will be carried out.
    Build,
    /// It will only be shown.
    Look,
}

/// Finds out which of these networks do not stand, and plans what is missing. Changes
/// nothing.
pub(crate) fn survey_ground(
    runtime: &mut Runtime,
    names: &[NetworkName],
    intent: &Intent,
) -> Result<Ground, Error> {
    if those_down(runtime, names)?.is_empty() {
        return Ok(Ground::default());
    }
    let lock = match intent {
        Intent::Build => Some(lock(runtime)?),
        Intent::Look => None,
    };
    let mut down: Vec<Groundwork> = Vec::new();
    // Asked again: somebody else may have brought them up while we waited for the lock.
    for name in those_down(runtime, names)? {
        let row = runtime.store.read(|tx| tx.network(&name))?;
        let asked = networks::asked_of(runtime, &name, row.as_ref())?;
        if let Some(row) = &row {
            networks::make_way(runtime, row, &asked, intent)?;
        }
        let planned: Vec<&BridgeNetwork> = down.iter().map(|work| &work.network).collect();
        let work = plan_one(runtime, &asked, row.as_ref(), &planned)?;
        down.push(work);
    }
    Ok(Ground { down, _lock: lock })
}

/// Plans a network that is not there yet.
pub(crate) fn plan_new(runtime: &mut Runtime, asked: &NetworkSpec) -> Result<Ground, Error> {
    let lock = lock(runtime)?;
    if asked.name.is_predefined() {
        return Err(NetworkError::PredefinedName(asked.name.to_string()).into());
    }
    if runtime.store.read(|tx| tx.network(&asked.name))?.is_some() {
        return Err(NetworkError::Exists(asked.name.to_string()).into());
    }
    Ok(Ground {
        down: vec![plan_one(runtime, asked, None, &[])?],
        _lock: Some(lock),
    })
}

fn plan_one(
    runtime: &mut Runtime,
    asked: &NetworkSpec,
    row: Option<&NetworkRow>,
    planned: &[&BridgeNetwork],
) -> Result<Groundwork, Error> {
    let chosen = choose(runtime, asked, row, planned)?;
    let bridge = &chosen.network.bridge;
    let restraint = exits::plan_restraint(&mut runtime.machine, &chosen.network)?;
    let passage = foreign::plan_passage(&mut runtime.machine, &chosen.network, bridge)?;
    let beside_others = restraint
        .map(Step::Restrain)
        .into_iter()
        .chain(passage.map(Step::PassForeignDrop));
    let mut table = InstallTable {
        host_was_router: forwarding::host_is_router(runtime)?,
        older: Vec::new(),
        bridge: None,
    };
    if !table.host_was_router {
        table.older = forwarding::older(runtime)?;
        table.bridge = Some(chosen.network.bridge.clone());
    }
    let mut plan = plan(&chosen.network, beside_others, table);
    plan.steps.extend(plan6(runtime, &chosen.network)?);
    let before = row.and_then(stored_plan);
    if let Some(before) = before.filter(|before| before.boot == runtime.boot) {
        networks::shards::carry_over(&before.plan, &chosen.network, &mut plan);
    }
    Ok(Groundwork {
        network: chosen.network,
        subnet_moves: chosen.subnet_moves,
        subnet6_moves: chosen.subnet6_moves,
        plan,
    })
}

impl Ground {
    /// Records the wish: the networks, and the steps that are about to be taken.
    pub(crate) fn record(&self, tx: &Transaction<'_>, boot: &str) -> Result<(), Error> {
        for work in &self.down {
            tx.put_network(&work.network, now())?;
            if work.subnet_moves {
                forget_leases_outside(tx, &work.network)?;
            }
            if work.subnet6_moves {
                tx.forget_addresses6(&work.network.name)?;
            }
            let stored = StoredPlan {
                boot: boot.to_owned(),
                plan: work.plan.clone(),
            };
            tx.plan_network(&work.network.name, &to_json(&stored))?;
        }
        Ok(())
    }

    /// Takes the steps. If one fails, those before it are undone; networks that stand by
    /// then are up to [`Ground::tear_down`].
    pub(crate) fn build(
        &self,
        carrier: &mut Carrier<'_>,
        store: &mut Memory,
        boot: &str,
    ) -> Result<(), Error> {
        for work in &self.down {
            let turned_on = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
            let turned_on6 = |step: &Step| matches!(step, Step::TurnOnForwarding6(_));
            let turns_on6 = work.plan.steps.iter().any(turned_on6) && !TurnOnForwarding6::is_on();
            let turns_on = work.plan.steps.iter().any(turned_on) && !TurnOnForwarding::is_on();
            carrier.carry_out(&work.plan.steps)?;
            store.write(|tx| tx.network_is_up(&work.network.name, boot))?;
            if work.subnet_moves {
                let BridgeNetwork { name, subnet, .. } = &work.network;
                let note = format!("network {name} has moved to the subnet {subnet}");
                carrier.narrator().note(&note);
            }
            if turns_on {
                carrier.narrator().note("turned on IPv4 forwarding (net.ipv4.ip_forward); traffic that is not minet's is still not passed on");
            }
            if turns_on6 {
                carrier.narrator().note("turned on IPv6 forwarding (net.ipv6.conf.all.forwarding); traffic that is not minet's is still not passed on, and interfaces go on listening to router advertisements");
            }
            let asked = &work.network.asked;
            if let Some(warning) =
                networks::spanning_tree_warning(carrier.machine().rtnl()?, asked)?
            {
                carrier.narrator().warn(&warning);
            }
            for both in overlap::of_network(carrier.machine().rtnl()?, &work.network)? {
                carrier.narrator().note(&format!(
                    "the same addresses belong to {both}: each is reached in one place only; take the other away, or make the network anew with another --subnet"
                ));
            }
            for note in foreign::notes(carrier.machine(), &work.plan)? {
                carrier.narrator().note(&note);
            }
        }
        Ok(())
    }

    /// Whether this network is to be brought up.
    pub(crate) fn includes(&self, name: &NetworkName) -> bool {
        self.down.iter().any(|work| work.network.name == *name)
    }

    /// All steps, in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.down.iter().flat_map(|work| &work.plan.steps)
    }

    /// Takes everything back, except what somebody else uses by now.
    pub(crate) fn tear_down(&self, runtime: &mut Runtime) -> Result<Vec<String>, Error> {
        let mut left_behind = Vec::new();
        for work in self.down.iter().rev() {
            let resisted = network_down::take_one_down(runtime, &work.network.name, &work.plan)?;
            left_behind.extend(resisted.unwrap_or_default());
        }
        Ok(left_behind)
    }
}

fn those_down(runtime: &mut Runtime, names: &[NetworkName]) -> Result<Vec<NetworkName>, Error> {
    let mut down = Vec::new();
    for name in names {
        if !is_up(runtime, name)? {
            down.push(name.clone());
        }
    }
    Ok(down)
}

/// Whether the bridge and the rules stand, as the store says and as the kernel says.
fn is_up(runtime: &mut Runtime, name: &NetworkName) -> Result<bool, Error> {
    let Some(row) = runtime.store.read(|tx| tx.network(name))? else {
        return Ok(false);
    };
    let forwards = TurnOnForwarding::is_on() || runtime.forwarding_stays_off()?;
    let forwards6 = row.network.ipv6.is_none()
        || TurnOnForwarding6::is_on()
        || runtime.leaves_forwarding_alone()?;
    if row.up_in_boot.as_deref() != Some(runtime.boot.as_str()) || !(forwards && forwards6) {
        return Ok(false);
    }
    if networks::is_outdated(runtime, &row)? {
        return Ok(false);
    }
    let is_bridge = |step: &&Step| matches!(step, Step::MakeBridge(_) | Step::UseBridge(_));
    let plan = stored_plan(&row)
        .map(|stored| stored.plan)
        .unwrap_or_default();
    for step in plan.steps.iter().filter(is_bridge) {
        if step.act().check(&mut runtime.machine)? != Finding::AsPlanned {
            return Ok(false);
        }
    }
    Ok(runtime
        .machine
        .firewall()?
        .network_is_installed(&row.network.bridge)?)
}

/// Whether all networks that should stand do, by the same quick look.
pub(crate) fn all_are_up(runtime: &mut Runtime) -> Result<bool, Error> {
    for (name, _) in standing(runtime)? {
        if !is_up(runtime, &name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The deny rules stand before anything that they are to close is opened.
fn plan(
    network: &BridgeNetwork,
    beside_others: impl IntoIterator<Item = Step>,
    table: InstallTable,
) -> Plan {
    let turns_on = !table.host_was_router;
    let mut steps = vec![
        Step::InstallTable(table),
        match network.has_own_bridge() {
            true => Step::MakeBridge(MakeBridge {
                network: network.clone(),
            }),
            false => Step::UseBridge(UseBridge {
                network: network.clone(),
            }),
        },
        Step::AdmitNetwork(AdmitNetwork {
            network: network.clone(),
        }),
    ];
    steps.extend(beside_others);
    steps.push(Step::TuneBridge(TuneBridge {
        bridge: network.bridge.clone(),
        whose: match network.has_own_bridge() {
            true => Whose::Ours,
            false => Whose::SomebodyElses,
        },
        ipv6: network.ipv6.is_some(),
        neighbours: network.asked.neighbours,
    }));
    if turns_on {
        steps.push(Step::TurnOnForwarding(TurnOnForwarding {
            bridge: network.bridge.clone(),
        }));
    }
    Plan { steps }
}

/// What a network with IPv6 needs beside that, in the same order.
fn plan6(runtime: &Runtime, network: &BridgeNetwork) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let Some(ipv6) = network.ipv6 else {
        return Ok(steps);
    };
    let bridge = network.bridge.clone();
    if network.has_own_bridge() {
        steps.push(Step::GiveGateway6(GiveGateway6 {
            bridge: bridge.clone(),
            ipv6,
        }));
    }
    let ours = runtime.machine.paths().forwarding6_mark().exists();
    let is_router = TurnOnForwarding6::is_on() && !ours;
    if !is_router && !runtime.leaves_forwarding_alone()? {
        steps.push(Step::TurnOnForwarding6(TurnOnForwarding6 {
            listeners: TurnOnForwarding6::listeners(),
            bridge,
        }));
    }
    Ok(steps)
}

/// A name keeps the address that still is one of the network's; the others are forgotten.
pub(crate) fn forget_leases_outside(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
) -> Result<(), Error> {
    let pool = networks::pool(network)?;
    for lease in tx.leases_on(&network.name)? {
        if pool.check_static(lease.address).is_err() {
            tx.forget_lease_of_address(&network.name, lease.address)?;
        }
    }
    Ok(())
}

/// The networks that are up, with the steps that brought them up.
pub(crate) fn standing(runtime: &mut Runtime) -> Result<Vec<(NetworkName, Plan)>, Error> {
    let rows = runtime.store.read(|tx| tx.networks())?;
    let up = rows
        .iter()
        .filter(|row| row.up_in_boot.as_deref() == Some(runtime.boot.as_str()));
    let with_plan = up.filter_map(|row| Some((row.network.name.clone(), stored_plan(row)?.plan)));
    Ok(with_plan.collect())
}

/// Records that a network that stands is about to get, or has got, these steps.
pub(crate) fn amend(runtime: &mut Runtime, name: &NetworkName, plan: &Plan) -> Result<(), Error> {
    let boot = runtime.boot.clone();
    let stored = StoredPlan {
        boot: boot.clone(),
        plan: plan.clone(),
    };
    runtime.store.write(|tx| {
        tx.plan_network(name, &to_json(&stored))?;
        Ok(tx.network_is_up(name, &boot)?)
    })
}

pub(crate) fn stored_plan(row: &NetworkRow) -> Option<StoredPlan> {
    serde_json::from_str(row.plan.as_deref()?).ok()
}

fn to_json(stored: &StoredPlan) -> String {
    serde_json::to_string(stored).expect("a plan is made of strings and numbers")
}

/// Keeps others from making and removing networks.
pub(crate) fn lock(runtime: &Runtime) -> Result<Lock, Error> {
    Lock::take(&lock_path(runtime))
}

pub(crate) fn lock_path(runtime: &Runtime) -> std::path::PathBuf {
    runtime.machine.paths().run_dir().join("network.lock")
}
