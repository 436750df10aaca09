//! Names in the store: who is called how, where, and for how long.

use minet_model::{BridgeNetwork, ContainerId, ContainerName, NetworkId, NetworkName, NetworkSpec};
use minet_state::{Error, NameKind, NewContainer, ProcessIdentity, Store, Transaction};
use std::net::Ipv4Addr;

const NOBODY: ProcessIdentity = ProcessIdentity { pid: 1, start: 1 };

fn id(digit: u8) -> ContainerId {
    ContainerId::from_bytes([digit; 32])
}

fn bridge() -> NetworkName {
    NetworkName::default_bridge()
}

fn network() -> BridgeNetwork {
    BridgeNetwork {
        name: bridge(),
        id: NetworkId::of_predefined("bridge"),
        instance: None,
        asked: NetworkSpec::named(bridge()),
        bridge: "minet0".parse().unwrap(),
        subnet: "172.17.0.0/16".parse().unwrap(),
        gateway: Ipv4Addr::new(172, 17, 0, 1),
        ipv6: None,
        mtu: 1500,
    }
}

/// A container at 172.17.0.`digit` with an alias.
fn plug_in(tx: &Transaction<'_>, digit: u8, name: &str) -> Result<(), Error> {
    let container: ContainerName = name.parse().unwrap();
    let address = Ipv4Addr::new(172, 17, 0, digit);
    let mac = "02:42:ac:11:00:02".parse().unwrap();
    tx.take_lease(&bridge(), address, name, mac, &id(digit))?;
    let names = [
        (name.to_owned(), NameKind::Name),
        ("Store".to_owned(), NameKind::Alias),
        (name.to_owned(), NameKind::Alias),
    ];
    tx.put_names(&bridge(), &id(digit), &names)?;
    tx.admit(&NewContainer {
        id: &id(digit),
        name: &container,
        spec: "{}",
        settings: "{}",
        plan: "[]",
        namespace_of: None,
        created: 1,
        boot: "boot",
        supervisor: NOBODY,
    })
}

fn store() -> Store {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            plug_in(tx, 2, "Web")?;
            plug_in(tx, 3, "db")
        })
        .unwrap();
    store
}

/// `container kind [running] [address]`, of everybody who is called so.
fn called(store: &mut Store, name: &str) -> Vec<String> {
    let rows = store.read(|tx| tx.bearers(&bridge(), name)).unwrap();
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| {
            let state = if row.running { "runs" } else { "sleeps" };
            let address = row.address.map(|address| address.to_string());
            let address = address.unwrap_or_else(|| "nowhere".to_owned());
            format!("{} {:?} {state} {address}", row.container, row.kind)
        })
        .collect();
    told.sort();
    told
}

#[test]
fn names_are_found_in_lower_case_and_by_their_first_kind() {
    let mut store = store();
    assert_eq!(called(&mut store, "web"), ["Web Name sleeps 172.17.0.2"]);
    store
        .write(|tx| tx.mark_running(&id(2), NOBODY, 1, 1))
        .unwrap();
    assert_eq!(
        called(&mut store, "store"),
        ["Web Alias runs 172.17.0.2", "db Alias sleeps 172.17.0.3"]
    );
    assert!(called(&mut store, "nobody").is_empty());
    let at = |store: &mut Store, last| {
        let address = Ipv4Addr::new(172, 17, 0, last);
        let name = store
            .read(|tx| tx.runner_at(&bridge(), address.into()))
            .unwrap();
        name.map(|name| name.to_string())
    };
    assert_eq!(at(&mut store, 2).as_deref(), Some("Web"));
    assert_eq!(at(&mut store, 3), None);
}

#[test]
fn an_address_that_was_changed_by_hand_counts() {
    let mut store = store();
    let moved = Ipv4Addr::new(172, 17, 9, 9);
    store
        .write(|tx| tx.set_moved_address(&id(3), &bridge(), Some(moved)))
        .unwrap();
    assert_eq!(called(&mut store, "db"), ["db Name sleeps 172.17.9.9"]);
}

#[test]
fn names_stay_with_the_container_and_go_with_it() {
    let mut store = store();
    store.write(|tx| tx.release_leases(&id(2), 5)).unwrap();
    assert_eq!(called(&mut store, "web"), ["Web Name sleeps nowhere"]);
    store
        .write(|tx| {
            let row = tx.container(&id(2))?.unwrap();
            tx.rename_container(&row, &"Store".parse().unwrap())
        })
        .unwrap();
    assert!(called(&mut store, "web").is_empty());
    assert_eq!(
        called(&mut store, "store"),
        ["Store Name sleeps nowhere", "db Alias sleeps 172.17.0.3"]
    );
    store.write(|tx| tx.delete_container(&id(2))).unwrap();
    store.write(|tx| tx.drop_names(&bridge(), &id(3))).unwrap();
    assert!(called(&mut store, "store").is_empty());
}

#[test]
fn a_reader_sees_that_somebody_else_has_changed_the_store() {
    let dir = std::env::temp_dir().join(format!("minet-edition-{}", std::process::id()));
    let mut writer = Store::open(&dir).unwrap();
    let mut reader = Store::open_to_read(&dir).unwrap();
    let mut edition = || reader.read(|tx| tx.edition()).unwrap();
    let before = edition();
    assert_eq!(edition(), before);
    writer.write(|tx| tx.put_network(&network(), 1)).unwrap();
    let after = edition();
    assert_ne!(after, before);
    assert_eq!(edition(), after);
    std::fs::remove_dir_all(&dir).unwrap();
}
