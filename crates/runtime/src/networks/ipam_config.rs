//! What `network inspect` says of a network's addresses, in Docker's words.

use super::{pool, pool6};
use crate::Error;
use minet_model::BridgeNetwork;
use minet_state::Lease;
use serde_json::{Map, Value, json};

/// `IPAM.Config`: one entry for each family that the network has.
pub(super) fn config(network: &BridgeNetwork) -> Value {
    let asked = &network.asked;
    let range = asked.ip_range.map(|range| range.to_string());
    let mut configs = vec![entry(
        (&network.subnet, &network.gateway),
        range,
        (!asked.reserved.is_empty()).then(|| json!(asked.reserved)),
    )];
    if let Some(ipv6) = &network.ipv6 {
        let asked = asked.ipv6.clone().unwrap_or_default();
        configs.push(entry(
            (&ipv6.subnet, &ipv6.gateway),
            asked.ip_range.map(|range| range.to_string()),
            (!asked.reserved.is_empty()).then(|| json!(asked.reserved)),
        ));
    }
    Value::Array(configs)
}

fn entry(
    (subnet, gateway): (&impl serde::Serialize, &impl serde::Serialize),
    range: Option<String>,
    reserved: Option<Value>,
) -> Value {
    let mut entry = json!({ "Subnet": subnet, "Gateway": gateway });
    if let Some(range) = range {
        entry["IPRange"] = json!(range);
    }
    if let Some(reserved) = reserved {
        entry["AuxiliaryAddresses"] = reserved;
    }
    entry
}

/// `Status.IPAM.Subnets`: how full they are. The gateway is in use, too.
pub(super) fn usage(network: &BridgeNetwork, held: &[Lease]) -> Result<Value, Error> {
    let mut subnets = Map::new();
    let in_use = held.len() as u64;
    let capacity = pool(network)?.capacity();
    subnets.insert(
        network.subnet.to_string(),
        json!({ "IPsInUse": in_use + 1, "DynamicIPsAvailable": capacity.saturating_sub(in_use) }),
    );
    if let Some(ipv6) = &network.ipv6 {
        let in_use = held.iter().filter(|lease| lease.address6.is_some()).count() as u64;
        let capacity = u64::try_from(pool6(network, ipv6)?.capacity()).unwrap_or(u64::MAX);
        subnets.insert(
            ipv6.subnet.to_string(),
            json!({ "IPsInUse": in_use + 1, "DynamicIPsAvailable": capacity.saturating_sub(in_use) }),
        );
    }
    Ok(Value::Object(subnets))
}
