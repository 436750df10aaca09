use super::*;
use minet_model::{NetworkId, NetworkName, NetworkSpec};
use minet_state::Store;
use std::time::{Duration, Instant};

fn network(subnet: &str) -> BridgeNetwork {
    let subnet: ipnetwork::Ipv4Network = subnet.parse().unwrap();
    BridgeNetwork {
        name: NetworkName::default_bridge(),
        id: NetworkId::of_predefined("bridge"),
        bridge: "minet0".parse().unwrap(),
        subnet,
        gateway: minet_ipam::gateway_of(subnet),
        ipv6: None,
        mtu: 1500,
        instance: None,
        asked: NetworkSpec::named(NetworkName::default_bridge()),
    }
}

fn store(subnet: &str) -> Store {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| tx.put_network(&network(subnet), 1))
        .unwrap();
    store
}

fn holder(number: u32) -> ContainerId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ContainerId::from_bytes(bytes)
}

/// A container comes and goes; its address stays with its name, if it has one.
fn come_and_go(tx: &Transaction<'_>, number: u32, named: bool) -> Result<Ipv4Addr, Error> {
    let name: ContainerName = format!("c{number}").parse().unwrap();
    let id = holder(number);
    let row = tx.network(&NetworkName::default_bridge())?.unwrap();
    let request = Request {
        id: &id,
        name: &name,
        address: None,
        address6: None,
        mac: None,
    };
    let address = lease(tx, &row, &request)?.address;
    let time = i64::from(number);
    match named {
        true => tx.release_leases(&id, time)?,
        false => tx.forget_leases(&id, time)?,
    }
    Ok(address)
}

fn addresses(store: &mut Store, numbers: std::ops::Range<u32>) -> Vec<Ipv4Addr> {
    store
        .write(|tx| {
            numbers
                .map(|number| come_and_go(tx, number, true))
                .collect::<Result<_, Error>>()
        })
        .unwrap()
}

#[test]
fn every_address_is_given_once_before_any_is_given_again() {
    let mut store = store("10.0.0.0/28");
    let first = addresses(&mut store, 0..13);
    assert!(first.is_sorted());
    assert_eq!(first.len(), 13);
    // The names keep theirs, in whatever order they come back.
    assert_eq!(addresses(&mut store, 5..6), first[5..6]);
    // Then a new name takes what has been out of use for the longest time.
    assert_eq!(addresses(&mut store, 100..102), first[..2]);
    // The name that lost its address gets another one, the next in line.
    assert_eq!(addresses(&mut store, 0..1), first[2..3]);
}

#[test]
fn what_belongs_to_no_name_goes_first() {
    let mut store = store("10.0.0.0/29");
    let given: Vec<Ipv4Addr> = store
        .write(|tx| {
            (0..5)
                .map(|number| come_and_go(tx, number, number != 3))
                .collect::<Result<_, Error>>()
        })
        .unwrap();
    assert_eq!(addresses(&mut store, 10..11), given[3..4]);
    assert_eq!(addresses(&mut store, 11..12), given[..1]);
}

/// Each of these addresses, the last two bytes of 10.1.0.0, has had its container.
fn fill(store: &mut Store, addresses: std::ops::Range<u32>) {
    let network = NetworkName::default_bridge();
    let last = Ipv4Addr::from_bits(0x0a01_0000 + addresses.end - 1);
    let write = |tx: &Transaction<'_>| {
        for number in addresses {
            let address = Ipv4Addr::from_bits(0x0a01_0000 + number);
            let mac = MacAddr::for_ipv4(address);
            tx.take_lease(
                &network,
                address,
                &format!("f{number}"),
                mac,
                &holder(number),
            )?;
            tx.release_leases(&holder(number), i64::from(number))?;
        }
        tx.set_cursor(&network, last.to_bits())
    };
    store.write::<_, minet_state::Error>(write).unwrap();
}

/// The quickest of several rounds of allocations, each forgotten again.
fn time_of_one(store: &mut Store) -> Duration {
    const EACH: u32 = 50;
    let round = |round: u32| {
        let first = 1_000_000 + round * EACH;
        let start = Instant::now();
        store
            .rehearse(|tx| {
                (first..first + EACH).try_for_each(|number| come_and_go(tx, number, true).map(drop))
            })
            .unwrap();
        start.elapsed()
    };
    (0..10).map(round).min().unwrap() / EACH
}

#[test]
fn an_allocation_costs_the_same_however_full_the_pool_is() {
    let mut store = store("10.1.0.0/16");
    addresses(&mut store, 0..100);
    let almost_empty = time_of_one(&mut store);
    fill(&mut store, 102..60_002);
    let with_60_000 = time_of_one(&mut store);
    fill(&mut store, 60_002..65_535);
    let full = time_of_one(&mut store);
    for time in [with_60_000, full] {
        assert!(time < almost_empty * 5, "{almost_empty:?} -> {time:?}");
    }
}
