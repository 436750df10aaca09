//! `minet network ls` and `inspect`.

use super::ipam_config;
use crate::{Error, Runtime, find, inspect, time::rfc3339};
use ipnetwork::{Ipv4Network, Ipv6Network};
use minet_model::{
    BridgeNetwork, ContainerId, IfName, Labels, NetworkId, NetworkName, NetworkSpec, Reach, Span,
    Spoofing,
};
use minet_state::{Lease, LeaseHolder, NetworkRow, Transaction};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A network as `network ls` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedNetwork {
    /// Its identity.
    pub id: NetworkId,
    /// What users call it.
    pub name: NetworkName,
    /// Docker's word for its kind: `bridge`, `host` or `null`.
    pub driver: &'static str,
    /// Its subnet; none for `host` and `none`, and for a `bridge` that was never used.
    pub subnet: Option<Ipv4Network>,
    /// Its IPv6 subnet, if it has one.
    pub subnet6: Option<Ipv6Network>,
    /// Its bridge.
    pub bridge: Option<IfName>,
    /// How far it reaches.
    pub reach: Reach,
    /// Its labels.
    pub labels: Labels,
    /// When it was made, in milliseconds since 1970; 0 for those that always were.
    pub created: i64,
    /// Whether a container is on it, or will be when it runs again.
    pub used: bool,
}

/// The networks that have no bridge, and Docker's word for their kind.
const WITHOUT_BRIDGE: [(&str, &str); 2] = [("host", "host"), ("none", "null")];

impl Runtime {
    /// All networks, by name.
    pub fn networks(&mut self) -> Result<Vec<ListedNetwork>, Error> {
        let mut listed = self.store.read(with_bridges)?;
        let default = NetworkName::default_bridge();
        // A file that cannot be understood is no reason not to show what there is.
        let config = self.machine.paths().config();
        let wanted = config.map_or(true, |config| config.default_network.is_some());
        if wanted && !listed.iter().any(|network| network.name == default) {
            listed.push(predefined(default.as_str(), "bridge"));
        }
        listed.extend(WITHOUT_BRIDGE.map(|(name, driver)| predefined(name, driver)));
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// What is known of a network, as JSON with Docker's key names.
    pub fn inspect_network(&mut self, text: &str) -> Result<Value, Error> {
        let without_bridge = WITHOUT_BRIDGE.into_iter().find(|(name, _)| *name == text);
        if let Some((name, driver)) = without_bridge {
            return Ok(render_predefined(name, driver));
        }
        self.store.read(|tx| match find::network(tx, text) {
            Ok(row) => render(tx, &row),
            Err(Error::NoSuchNetwork(_)) if text == NetworkName::default_bridge().as_str() => {
                Ok(render_predefined("bridge", "bridge"))
            }
            Err(error) => Err(error),
        })
    }
}

/// The networks that have a bridge, and so a row.
pub(super) fn with_bridges(tx: &Transaction<'_>) -> Result<Vec<ListedNetwork>, Error> {
    let mut used = BTreeSet::new();
    for row in tx.containers()? {
        // One that cannot be understood is no reason not to show what there is.
        let spec = find::spec(&row).ok();
        let networks = spec.into_iter().flat_map(|spec| spec.networks);
        used.extend(networks.map(|endpoint| endpoint.network));
    }
    let rows = tx.networks()?.into_iter();
    Ok(rows.map(|row| of_row(row, &used)).collect())
}

fn of_row(row: NetworkRow, used: &BTreeSet<NetworkName>) -> ListedNetwork {
    let BridgeNetwork {
        id,
        name,
        bridge,
        subnet,
        ipv6,
        asked,
        ..
    } = row.network;
    ListedNetwork {
        used: used.contains(&name),
        id,
        name,
        driver: "bridge",
        subnet: Some(subnet),
        subnet6: ipv6.map(|ipv6| ipv6.subnet),
        bridge: Some(bridge),
        reach: asked.reach,
        labels: asked.labels,
        created: row.created,
    }
}

fn predefined(name: &str, driver: &'static str) -> ListedNetwork {
    ListedNetwork {
        id: NetworkId::of_predefined(name),
        name: name.parse().expect("a letters-only word is a name"),
        driver,
        subnet: None,
        subnet6: None,
        bridge: None,
        reach: Reach::Outside,
        labels: Labels::new(),
        created: 0,
        used: false,
    }
}

/// Docker's keys; the last ones are minet's own.
fn render(tx: &Transaction<'_>, row: &NetworkRow) -> Result<Value, Error> {
    let BridgeNetwork {
        name,
        id,
        bridge,
        mtu,
        asked,
        ..
    } = &row.network;
    let held = tx.leases_held_on(name)?;
    let mut containers = Map::new();
    for lease in &held {
        if let LeaseHolder::Container(holder) = &lease.holder {
            containers.insert(holder.to_string(), endpoint(&row.network, lease, holder));
        }
    }
    let prevented = asked.spoofing == Spoofing::Prevented;
    let own = json!({
        "Bridge": bridge,
        "Shards": shards(tx, &row.network)?,
        "Mtu": mtu,
        "AntiSpoof": prevented,
        "OutboundAddress": asked.outbound_address,
        "OutboundAddress6": asked.outbound_address6,
        "Routes": asked.routes,
    });
    let configs = ipam_config::config(&row.network);
    let subnets = ipam_config::usage(&row.network, &held)?;
    let mut value = outline((name.as_str(), "bridge"), id, asked, row.created);
    merge(
        &mut value,
        &json!({
            "EnableIPv6": row.network.ipv6.is_some(),
            "IPAM": { "Driver": "default", "Options": null, "Config": configs },
            "Containers": containers,
            "Options": options(&row.network),
            "Status": { "IPAM": { "Subnets": subnets } },
        }),
    );
    merge(&mut value, &own);
    Ok(value)
}

/// The bridges of a network that spans several, and how many cables each has.
fn shards(tx: &Transaction<'_>, network: &BridgeNetwork) -> Result<Value, Error> {
    if network.asked.span == Span::OneBridge {
        return Ok(Value::Null);
    }
    let bridge = |(number, cables)| json!({ "Bridge": network.shard(number), "Cables": cables });
    Ok(tx
        .cables_on(&network.name)?
        .into_iter()
        .map(bridge)
        .collect())
}

/// The options as they were given, and beside them the bridge's name, which many look for.
fn options(network: &BridgeNetwork) -> Value {
    let mut options = network.asked.options.clone();
    options
        .entry("com.docker.network.bridge.name".to_owned())
        .or_insert_with(|| network.bridge.to_string());
    json!(options)
}

fn endpoint(network: &BridgeNetwork, lease: &Lease, holder: &ContainerId) -> Value {
    let ipv6 = network.ipv6.zip(lease.address6);
    let address6 = ipv6.map(|(ipv6, address)| ipv6.with_prefix(address));
    json!({
        "Name": lease.name,
        "EndpointID": inspect::endpoint_id(&network.id, holder),
        "MacAddress": lease.mac,
        "IPv4Address": network.with_prefix(lease.address),
        "IPv6Address": address6.map(|address| address.to_string()).unwrap_or_default(),
    })
}

fn render_predefined(name: &str, driver: &'static str) -> Value {
    let listed = predefined(name, driver);
    let asked = NetworkSpec::named(listed.name);
    outline((name, driver), &listed.id, &asked, 0)
}

/// What every network has.
fn outline(
    (name, driver): (&str, &str),
    id: &NetworkId,
    asked: &NetworkSpec,
    created: i64,
) -> Value {
    json!({
        "Name": name,
        "Id": id,
        "Created": rfc3339(Some(created)),
        "Scope": "local",
        "Driver": driver,
        "EnableIPv4": true,
        "EnableIPv6": false,
        "IPAM": { "Driver": "default", "Options": null, "Config": [] },
        "Internal": asked.reach == Reach::InternalOnly,
        "Attachable": false,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": {},
        "Options": asked.options,
        "Labels": asked.labels,
    })
}

fn merge(value: &mut Value, more: &Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more.clone());
    }
}
