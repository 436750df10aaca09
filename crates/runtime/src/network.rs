//! The switch that containers are plugged into: when it is made, and when it goes.
//!
//! The rule: **a switch stays on when the last cable is pulled.** The first container of
//! a network brings the bridge, the table and the network's elements up; they stay, as
//! `docker0` does, because making them costs many times what a container costs. They go
//! with `minet gc --all` or a reboot. If the very container that brought them up fails to
//! start, they are taken down with it: a failed command changes nothing.

use crate::{
    Error, Runtime,
    lock::Lock,
    network_down,
    plan::{Carrier, Plan},
    step::Step,
    steps::{AdmitNetwork, InstallTable, MakeBridge, TuneBridge, TurnOnForwarding},
    time::now,
};
use ipnetwork::Ipv4Network;
use minet_bridge::{Rtnl, link, survey};
use minet_model::{BridgeNetwork, IfName, NetworkName};
use minet_state::{NetworkRow, Transaction};
use serde::{Deserialize, Serialize};

/// Ethernet's payload, where there is no uplink to take it from.
const DEFAULT_MTU: u32 = 1500;

/// What a container on a bridge will stand on.
pub(crate) enum Ground {
    /// The container has no cable of ours.
    NotNeeded,
    /// Bridge and rules stand.
    Up,
    /// They are to be made first, by whoever holds this.
    Down(Box<Groundwork>),
}

/// A network that is to be brought up, and the lock that keeps others from it.
pub(crate) struct Groundwork {
    network: BridgeNetwork,
    subnet_moves: bool,
    pub(crate) plan: Plan,
    _lock: Option<Lock>,
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

/// Finds out what `name` stands on, and plans what is missing. Changes nothing.
pub(crate) fn survey_ground(
    runtime: &mut Runtime,
    name: &NetworkName,
    intent: &Intent,
) -> Result<Ground, Error> {
    if is_up(runtime, name)? {
        return Ok(Ground::Up);
    }
    let lock = match intent {
        Intent::Build => Some(Lock::take(&lock_path(runtime))?),
        Intent::Look => None,
    };
    // Somebody else may have brought it up while we waited for the lock.
    if is_up(runtime, name)? {
        return Ok(Ground::Up);
    }
    let row = runtime.store.read(|tx| tx.network(name))?;
    let default = *name == NetworkName::default_bridge();
    if row.is_none() && !default {
        return Err(Error::NoSuchNetwork(name.to_string()));
    }
    let (network, subnet_moves) = choose(runtime, name, row.as_ref())?;
    let plan = plan(&network, forwarding_is_ours(runtime)?);
    Ok(Ground::Down(Box::new(Groundwork {
        network,
        subnet_moves,
        plan,
        _lock: lock,
    })))
}

impl Groundwork {
    /// Records the wish: the network, and the steps that are about to be taken.
    pub(crate) fn record(&self, tx: &Transaction<'_>, boot: &str) -> Result<(), Error> {
        tx.put_network(&self.network, now())?;
        if self.subnet_moves {
            tx.forget_network_leases(&self.network.name)?;
        }
        let stored = StoredPlan {
            boot: boot.to_owned(),
            plan: self.plan.clone(),
        };
        tx.plan_network(&self.network.name, &to_json(&stored))?;
        Ok(())
    }

    /// Takes the steps. If one fails, those before it are undone.
    pub(crate) fn build(&self, carrier: &mut Carrier<'_>) -> Result<(), Error> {
        carrier.carry_out(&self.plan)?;
        if self
            .plan
            .steps
            .iter()
            .any(|step| matches!(step, Step::TurnOnForwarding(_)))
        {
            carrier.narrator().note("turned on IPv4 forwarding (net.ipv4.ip_forward); traffic that is not minet's is still not passed on");
        }
        Ok(())
    }

    /// The network's name.
    pub(crate) fn name(&self) -> &NetworkName {
        &self.network.name
    }

    /// Takes everything back, unless somebody else uses it by now; returns what resisted.
    pub(crate) fn tear_down(&self, runtime: &mut Runtime) -> Result<Vec<String>, Error> {
        network_down::take_one_down(runtime, &self.network.name, &self.plan)
            .map(Option::unwrap_or_default)
    }
}

/// Whether the bridge and the rules stand, as the store says and as the kernel says.
fn is_up(runtime: &mut Runtime, name: &NetworkName) -> Result<bool, Error> {
    let Some(row) = runtime.store.read(|tx| tx.network(name))? else {
        return Ok(false);
    };
    let bridge = &row.network.bridge;
    Ok(row.up_in_boot.as_deref() == Some(runtime.boot.as_str())
        && link::find(runtime.machine.rtnl()?, bridge)?.is_some_and(|link| link.up)
        && runtime.machine.firewall()?.network_is_installed(bridge)?)
}

/// The network as it will be: what was chosen before if it still fits this host, else
/// the first pool that overlaps nothing.
fn choose(
    runtime: &mut Runtime,
    name: &NetworkName,
    row: Option<&NetworkRow>,
) -> Result<(BridgeNetwork, bool), Error> {
    let rtnl = runtime.machine.rtnl()?;
    let uplink = survey::uplink(rtnl)?;
    let mtu = uplink.map_or(DEFAULT_MTU, |uplink| uplink.mtu);
    let bridge: IfName = match row {
        Some(row) => row.network.bridge.clone(),
        None => "minet0".parse().expect("a valid interface name"),
    };
    let occupied = occupied_by_others(rtnl, &bridge)?;
    let kept = row.map(|row| row.network.subnet).filter(|subnet| {
        !occupied
            .iter()
            .any(|other| minet_ipam::overlaps(*subnet, *other))
    });
    let subnet = match kept {
        Some(subnet) => subnet,
        None => minet_ipam::choose_subnet(minet_ipam::default_pools(), &occupied)?,
    };
    let network = BridgeNetwork {
        name: name.clone(),
        bridge,
        subnet,
        gateway: minet_ipam::gateway_of(subnet),
        mtu,
    };
    Ok((network, row.is_some() && kept.is_none()))
}

/// Every address and route of the host that is not the bridge's own.
fn occupied_by_others(rtnl: &mut Rtnl, bridge: &IfName) -> Result<Vec<Ipv4Network>, Error> {
    let own = link::find(rtnl, bridge)?.map(|link| link.index);
    Ok(survey::survey(rtnl)?.occupied_except(own))
}

/// The deny rules stand before anything that they are to close is opened.
fn plan(network: &BridgeNetwork, forwarding_is_ours: bool) -> Plan {
    let host_is_router = TurnOnForwarding::is_on() && !forwarding_is_ours;
    let mut steps = vec![
        Step::InstallTable(InstallTable {
            host_was_router: host_is_router,
        }),
        Step::MakeBridge(MakeBridge {
            network: network.clone(),
        }),
        Step::AdmitNetwork(AdmitNetwork {
            network: network.clone(),
        }),
        Step::TuneBridge(TuneBridge {
            bridge: network.bridge.clone(),
        }),
    ];
    if !host_is_router {
        steps.push(Step::TurnOnForwarding(TurnOnForwarding {
            bridge: network.bridge.clone(),
        }));
    }
    Plan { steps }
}

/// Whether minet turned forwarding on earlier in this boot, for whichever network.
fn forwarding_is_ours(runtime: &mut Runtime) -> Result<bool, Error> {
    let turned_on = |row: &NetworkRow| {
        stored_plan(row).is_some_and(|stored| {
            let is_it = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
            stored.boot == runtime.boot && stored.plan.steps.iter().any(is_it)
        })
    };
    let rows = runtime.store.read(|tx| tx.networks())?;
    Ok(rows.iter().any(turned_on))
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

pub(crate) fn stored_plan(row: &NetworkRow) -> Option<StoredPlan> {
    serde_json::from_str(row.plan.as_deref()?).ok()
}

fn to_json(stored: &StoredPlan) -> String {
    serde_json::to_string(stored).expect("a plan is made of strings and numbers")
}

pub(crate) fn lock_path(runtime: &Runtime) -> std::path::PathBuf {
    runtime.machine.paths().run_dir().join("network.lock")
}
