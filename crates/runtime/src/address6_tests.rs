use crate::Error;
use crate::address::{self, Request};
use minet_model::{
    BridgeNetwork, ContainerId, ContainerName, Ipv6Subnet, NetworkId, NetworkName, NetworkSpec,
};
use minet_state::{Store, Transaction};
use std::net::Ipv6Addr;

fn network(subnet6: &str, gateway6: &str) -> BridgeNetwork {
    BridgeNetwork {
        name: NetworkName::default_bridge(),
        id: NetworkId::of_predefined("bridge"),
        bridge: "minet0".parse().unwrap(),
        subnet: "10.1.0.0/29".parse().unwrap(),
        gateway: "10.1.0.1".parse().unwrap(),
        ipv6: Some(Ipv6Subnet {
            subnet: subnet6.parse().unwrap(),
            gateway: gateway6.parse().unwrap(),
        }),
        mtu: 1500,
        instance: None,
        asked: NetworkSpec::named(NetworkName::default_bridge()),
    }
}

fn store(network: &BridgeNetwork) -> Store {
    let mut store = Store::in_memory().unwrap();
    store.write(|tx| tx.put_network(network, 1)).unwrap();
    store
}

fn id(number: u8) -> ContainerId {
    ContainerId::from_bytes([number; 32])
}

/// Container cN takes its place, and leaves it to its name.
fn come_and_go(
    tx: &Transaction<'_>,
    number: u8,
    pinned: Option<&str>,
) -> Result<Option<Ipv6Addr>, Error> {
    let name: ContainerName = format!("c{number}").parse().unwrap();
    let row = tx.network(&NetworkName::default_bridge())?.unwrap();
    let place = address::lease(
        tx,
        &row,
        &Request {
            id: &id(number),
            name: &name,
            address: None,
            address6: pinned.map(|text| text.parse().unwrap()),
            mac: None,
        },
    )?;
    tx.release_leases(&id(number), number.into())?;
    Ok(place.address6)
}

fn go(store: &mut Store, number: u8, pinned: Option<&str>) -> Result<String, Error> {
    let address = store.write(|tx| come_and_go(tx, number, pinned))?;
    Ok(address
        .map(|address| address.to_string())
        .unwrap_or_default())
}

#[test]
fn the_two_addresses_of_a_lease_go_together_and_stay_with_the_name() {
    let mut store = store(&network("fd00::/64", "fd00::1"));
    assert_eq!(go(&mut store, 2, None).unwrap(), "fd00::2");
    assert_eq!(go(&mut store, 3, None).unwrap(), "fd00::3");
    assert_eq!(go(&mut store, 2, None).unwrap(), "fd00::2");
    assert_eq!(go(&mut store, 2, Some("fd00::99")).unwrap(), "fd00::99");
    assert_eq!(go(&mut store, 2, None).unwrap(), "fd00::99");
    assert!(go(&mut store, 2, Some("fd00::1")).is_err());
    assert!(go(&mut store, 2, Some("fd01::1")).is_err());
}

#[test]
fn what_cannot_be_derived_is_the_next_that_nobody_has() {
    // The gateway stands where the first container's address would.
    let mut store = store(&network("fd00::/64", "fd00::2"));
    assert_eq!(go(&mut store, 9, None).unwrap(), "fd00::1");
    assert_eq!(go(&mut store, 3, None).unwrap(), "fd00::3");
    // Somebody pinned what would be the next one's.
    assert_eq!(go(&mut store, 9, Some("fd00::4")).unwrap(), "fd00::4");
    assert_eq!(go(&mut store, 4, None).unwrap(), "fd00::5");
}

#[test]
fn a_small_pool_runs_through_and_takes_what_is_out_of_use() {
    let mut store = store(&network("fd00::/126", "fd00::1"));
    assert_eq!(go(&mut store, 2, None).unwrap(), "fd00::2");
    assert_eq!(go(&mut store, 3, None).unwrap(), "fd00::3");
    assert_eq!(go(&mut store, 4, None).unwrap(), "fd00::2");
    // Whose it was gets another one, for the address is another's now.
    assert_eq!(go(&mut store, 2, None).unwrap(), "fd00::3");
}

#[test]
fn no_address_of_a_network_without_ipv6_can_be_pinned() {
    let mut without = network("fd00::/64", "fd00::1");
    without.ipv6 = None;
    let mut store = store(&without);
    assert_eq!(go(&mut store, 2, None).unwrap(), "");
    let error = go(&mut store, 3, Some("fd00::5")).unwrap_err();
    assert!(error.to_string().contains("has no IPv6"), "{error}");
}
