//! The default network: what the configuration asks of it, and how it follows a change.
//!
//! Its settings are those of the file, not those of a row that was written once. When the
//! file asks for something else, the network is taken down and made anew as soon as nobody
//! uses it; as long as somebody does, the next command that needs it says who.

use super::NetworkError;
use crate::{
    Error, Runtime,
    configuration::is_of_address_pools,
    network::{Intent, stored_plan},
    network_down,
    plan::Plan,
};
use minet_model::{BridgeChoice, Ipv6Spec, Masquerade, Neighbours, NetworkName, NetworkSpec};
use minet_state::{NetworkRow, Transaction};

/// What is asked of a network now: of the default one by the configuration, of any other
/// when it was made.
pub(crate) fn asked_of(
    runtime: &Runtime,
    name: &NetworkName,
    row: Option<&NetworkRow>,
) -> Result<NetworkSpec, Error> {
    if *name == NetworkName::default_bridge() {
        return asked_of_default(runtime);
    }
    match row {
        Some(row) => Ok(row.network.asked.clone()),
        None => Err(Error::NoSuchNetwork(name.to_string())),
    }
}

fn asked_of_default(runtime: &Runtime) -> Result<NetworkSpec, Error> {
    let paths = runtime.machine.paths();
    match &paths.config()?.default_network {
        Some(asked) => Ok(asked.clone()),
        None => Err(NetworkError::NoDefaultNetwork(paths.config_file().to_owned()).into()),
    }
}

/// Whether the default network is to be made anew before it is used again.
pub(crate) fn is_outdated(runtime: &mut Runtime, row: &NetworkRow) -> Result<bool, Error> {
    if row.network.name != NetworkName::default_bridge() {
        return Ok(false);
    }
    let asked = asked_of_default(runtime)?;
    if asked != row.network.asked {
        return Ok(true);
    }
    // Where subnets come from is no promise to those that have one already.
    Ok(!may_keep_subnet(runtime, &asked, row)?
        && runtime
            .store
            .read(|tx| tx.leases_in_use(&row.network.name))?
            == 0)
}

/// Whether a network that minet chooses the subnet for has one that it could get now.
pub(crate) fn may_keep_subnet(
    runtime: &Runtime,
    asked: &NetworkSpec,
    row: &NetworkRow,
) -> Result<bool, Error> {
    let chosen_freely =
        asked.subnet.is_none() && !matches!(asked.bridge, BridgeChoice::Existing(_));
    if asked.name != NetworkName::default_bridge() || !chosen_freely {
        return Ok(true);
    }
    let config = runtime.machine.paths().config()?;
    Ok(is_of_address_pools(config, row.network.subnet))
}

/// Takes an outdated network down, or says who is in the way. The caller holds the lock.
pub(crate) fn make_way(
    runtime: &mut Runtime,
    row: &NetworkRow,
    asked: &NetworkSpec,
    intent: &Intent,
) -> Result<(), Error> {
    if !is_outdated(runtime, row)? {
        return Ok(());
    }
    let name = &row.network.name;
    if runtime.store.read(|tx| tx.leases_in_use(name))? > 0 {
        return Err(in_the_way(runtime, row, asked)?);
    }
    if matches!(intent, Intent::Look) {
        return Ok(());
    }
    // What another boot made is gone; only the row speaks of it.
    let plan = stored_plan(row).filter(|stored| stored.boot == runtime.boot);
    let plan = plan.map_or_else(Plan::default, |stored| stored.plan);
    match network_down::take_one_down(runtime, name, &plan)? {
        Some(left_behind) if left_behind.is_empty() => Ok(()),
        Some(left_behind) => Err(Error::LeftBehind {
            container: format!("network {name}"),
            left_behind,
        }),
        // Somebody moved in at the last moment.
        None => Err(in_the_way(runtime, row, asked)?),
    }
}

/// Why the default network is not yet as the configuration wants it.
pub(crate) fn pending(
    runtime: &mut Runtime,
    row: Option<&NetworkRow>,
) -> Result<Option<String>, Error> {
    let Some(row) = row else {
        return Ok(None);
    };
    let config = runtime.machine.paths().config()?;
    let Some(asked) = config.default_network.clone() else {
        return Ok(None);
    };
    if !is_outdated(runtime, row)? {
        return Ok(None);
    }
    let holders = runtime.store.read(|tx| holders(tx, &row.network.name))?;
    let changes = changes(row, &asked).join(", ");
    Ok(Some(match holders.is_empty() {
        true => format!("the next container makes the default network anew: {changes}"),
        false => format!(
            "the default network changes when no container runs on it: {changes}; now {} do",
            holders.join(", ")
        ),
    }))
}

fn in_the_way(
    runtime: &mut Runtime,
    row: &NetworkRow,
    asked: &NetworkSpec,
) -> Result<Error, Error> {
    let holders = runtime.store.read(|tx| holders(tx, &row.network.name))?;
    Ok(NetworkError::Outdated {
        network: row.network.name.to_string(),
        changes: changes(row, asked).join(", "),
        file: runtime.machine.paths().config_file().to_owned(),
        holders: holders.join(" "),
    }
    .into())
}

/// The names of the containers that are on a network.
fn holders(tx: &Transaction<'_>, name: &NetworkName) -> Result<Vec<String>, Error> {
    let leases = tx.leases_held_on(name)?;
    Ok(leases.into_iter().filter_map(|lease| lease.name).collect())
}

/// What is there, and what the configuration wants instead, in its own words.
fn changes(row: &NetworkRow, asked: &NetworkSpec) -> Vec<String> {
    let (network, had) = (&row.network, &row.network.asked);
    let subnet = || text(asked.subnet, "one of the pools");
    let gateway = || text(asked.gateway, "the first address of the subnet");
    let mtu = || text(asked.mtu, "that of the uplink");
    let changes = [
        change(
            "bridge",
            had,
            asked,
            |spec| &spec.bridge,
            |spec| name(&spec.bridge),
        ),
        one("subnet", had.subnet != asked.subnet || had == asked, || {
            (network.subnet.to_string(), subnet())
        }),
        one("the host's address", had.gateway != asked.gateway, || {
            (network.gateway.to_string(), gateway())
        }),
        change(
            "fixed-cidr",
            had,
            asked,
            |spec| &spec.ip_range,
            |spec| text(spec.ip_range, "none"),
        ),
        change(
            "default-gateway",
            had,
            asked,
            |spec| &spec.default_gateway,
            |spec| text(spec.default_gateway, "none"),
        ),
        change(
            "ipv6",
            had,
            asked,
            |spec| &spec.ipv6,
            |spec| ipv6(&spec.ipv6),
        ),
        one("mtu", had.mtu != asked.mtu, || {
            (network.mtu.to_string(), mtu())
        }),
        change(
            "icc",
            had,
            asked,
            |spec| &spec.neighbours,
            |spec| (spec.neighbours == Neighbours::Talk).to_string(),
        ),
        change(
            "ip-masq",
            had,
            asked,
            |spec| &spec.masquerade,
            |spec| (spec.masquerade == Masquerade::On).to_string(),
        ),
    ];
    changes.into_iter().flatten().collect()
}

fn change<T: PartialEq>(
    what: &str,
    had: &NetworkSpec,
    asked: &NetworkSpec,
    part: impl Fn(&NetworkSpec) -> &T,
    shown: impl Fn(&NetworkSpec) -> String,
) -> Option<String> {
    one(what, part(had) != part(asked), || {
        (shown(had), shown(asked))
    })
}

fn one(what: &str, differs: bool, shown: impl Fn() -> (String, String)) -> Option<String> {
    differs.then(|| {
        let (is, should) = shown();
        format!("{what} from {is} to {should}")
    })
}

fn ipv6(asked: &Option<Ipv6Spec>) -> String {
    match asked {
        Some(asked) => text(asked.subnet, "a subnet of minet's choice"),
        None => "none".to_owned(),
    }
}

fn text(value: Option<impl ToString>, without: &str) -> String {
    value.map_or_else(|| without.to_owned(), |value| value.to_string())
}

fn name(bridge: &BridgeChoice) -> String {
    match bridge {
        BridgeChoice::Own => "minet's own".to_owned(),
        BridgeChoice::Named(name) | BridgeChoice::Existing(name) => name.to_string(),
    }
}
