//! The promises of the store that other crates rely on.

use minet_model::{
    BridgeNetwork, ContainerId, ContainerName, MacAddr, NetworkId, NetworkName, NetworkSpec,
    Protocol, PublishedPort,
};
use minet_state::{Error, LeaseHolder, NewContainer, ProcessIdentity, Status, Store, Transaction};
use std::net::{IpAddr, Ipv4Addr};

const SUPERVISOR: ProcessIdentity = ProcessIdentity {
    pid: 42,
    start: 4711,
};

fn id(byte: u8) -> ContainerId {
    ContainerId::from_bytes([byte; 32])
}

fn admit(tx: &Transaction<'_>, byte: u8, name: &str) -> Result<(), Error> {
    let name: ContainerName = name.parse().unwrap();
    tx.admit(&NewContainer {
        id: &id(byte),
        name: &name,
        spec: "{}",
        settings: "{}",
        plan: "[]",
        namespace_of: None,
        created: 1,
        boot: "boot-1",
        supervisor: SUPERVISOR,
    })
}

fn network() -> BridgeNetwork {
    BridgeNetwork {
        name: NetworkName::default_bridge(),
        id: NetworkId::of_predefined("bridge"),
        instance: None,
        asked: NetworkSpec::named(NetworkName::default_bridge()),
        bridge: "minet0".parse().unwrap(),
        subnet: "172.17.0.0/16".parse().unwrap(),
        gateway: Ipv4Addr::new(172, 17, 0, 1),
        ipv6: None,
        mtu: 1500,
    }
}

/// The counts follow every way in which a lease comes and goes.
#[test]
fn the_cables_of_a_bridge_are_counted_as_they_come_and_go() {
    let mut store = Store::in_memory().unwrap();
    let bridge = NetworkName::default_bridge();
    let mac = MacAddr::for_ipv4(address(2));
    let counted = |store: &mut Store| store.read(|tx| tx.cables_on(&bridge)).unwrap();
    let lease = |tx: &Transaction<'_>, byte: u8, name: &str| {
        admit(tx, byte, name)?;
        tx.take_lease(&bridge, address(byte), name, mac, &id(byte))
    };
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            lease(tx, 2, "a")?;
            lease(tx, 3, "b")?;
            lease(tx, 4, "c")
        })
        .unwrap();
    assert_eq!(counted(&mut store), [(0, 3)]);
    store
        .write(|tx| {
            tx.plug_cable(&bridge, &id(4), 1)?;
            tx.plug_cable(&bridge, &id(4), 1)
        })
        .unwrap();
    assert_eq!(counted(&mut store), [(0, 2), (1, 1)]);
    store.write(|tx| tx.release_leases(&id(2), 5)).unwrap();
    assert_eq!(counted(&mut store), [(0, 1), (1, 1)]);
    // Given to the same name again: on the network's own bridge, until it is plugged.
    store
        .write(|tx| {
            tx.forget_leases(&id(4), 5)?;
            tx.take_lease(&bridge, address(2), "a", mac, &id(2))
        })
        .unwrap();
    assert_eq!(counted(&mut store), [(0, 2), (1, 0)]);
    store.write(|tx| tx.delete_network(&bridge)).unwrap();
    assert_eq!(counted(&mut store), []);
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 17, 0, last)
}

/// Leases an address to a container, which is recorded first if it is new.
fn take(tx: &Transaction<'_>, last: u8, name: &str, byte: u8) -> Result<(), Error> {
    if tx.container(&id(byte))?.is_none() {
        admit(tx, byte, &format!("c{byte}"))?;
    }
    let mac = MacAddr::for_ipv4(address(last));
    tx.take_lease(&network().name, address(last), name, mac, &id(byte))
}

#[test]
fn a_name_has_one_holder_and_the_error_tells_who() {
    let mut store = Store::in_memory().unwrap();
    let error = store
        .write(|tx| {
            admit(tx, 1, "web")?;
            admit(tx, 2, "web")
        })
        .unwrap_err();
    assert!(
        matches!(&error, Error::NameTaken { holder, .. } if *holder == id(1).to_string()),
        "{error}"
    );
    let rows = store.read(|tx| tx.containers()).unwrap();
    assert!(
        rows.is_empty(),
        "a failed transaction leaves nothing: {rows:?}"
    );
}

#[test]
fn a_container_goes_from_wish_to_settled() {
    let mut store = Store::in_memory().unwrap();
    store.write(|tx| admit(tx, 1, "web")).unwrap();
    let row = store
        .read(|tx| tx.container_by_name("web"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.status, row.plan.as_deref()),
        (Status::Starting, Some("[]"))
    );
    assert_eq!(row.live.unwrap().supervisor, SUPERVISOR);

    let init = ProcessIdentity {
        pid: 43,
        start: 4712,
    };
    store
        .write(|tx| {
            tx.mark_running(&id(1), init, 99, 2)?;
            tx.mark_exited(&id(1), 7, 3)?;
            tx.mark_exited(&id(1), 137, 4)?;
            tx.settle(&id(1))
        })
        .unwrap();
    let row = store.read(|tx| tx.container(&id(1))).unwrap().unwrap();
    assert_eq!(
        (row.status, row.exit_code, row.finished),
        (Status::Exited, Some(7), Some(3))
    );
    assert_eq!((row.live, row.plan), (None, None));
    assert!(store.read(|tx| tx.supervisors()).unwrap().is_empty());
}

#[test]
fn prefixes_find_one_or_say_that_there_are_more() {
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            admit(tx, 0xab, "a")?;
            admit(tx, 0xac, "b")
        })
        .unwrap();
    let found = |prefix: &str, store: &mut Store| {
        store
            .read(|tx| tx.containers_by_prefix(prefix))
            .unwrap()
            .len()
    };
    assert_eq!(found("ab", &mut store), 1);
    assert_eq!(found("AB", &mut store), 1);
    assert_eq!(found("a", &mut store), 2);
    assert_eq!(found("b", &mut store), 0);
    assert_eq!(found("%", &mut store), 0);
    assert_eq!(found("", &mut store), 0);
}

#[test]
fn an_address_stays_with_its_name_until_somebody_needs_it() {
    let mut store = Store::in_memory().unwrap();
    let bridge = network().name;
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            take(tx, 2, "web", 1)?;
            take(tx, 3, "db", 2)
        })
        .unwrap();
    assert!(
        store.write(|tx| take(tx, 2, "other", 3)).is_err(),
        "an address in use is never given twice"
    );

    store.write(|tx| tx.release_leases(&id(1), 50)).unwrap();
    let lease = store
        .read(|tx| tx.lease_of_name(&bridge, "web"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (lease.address, lease.holder),
        (address(2), LeaseHolder::NobodySince(50))
    );
    store.write(|tx| tx.release_leases(&id(2), 60)).unwrap();
    let oldest = store
        .read(|tx| tx.longest_released(&bridge, address(0)..=address(255)))
        .unwrap()
        .unwrap();
    assert_eq!(oldest.name.as_deref(), Some("web"));

    store.write(|tx| take(tx, 2, "other", 3)).unwrap();
    assert_eq!(
        store.read(|tx| tx.lease_of_name(&bridge, "web")).unwrap(),
        None
    );
    assert_eq!(store.read(|tx| tx.leases_in_use(&bridge)).unwrap(), 1);
}

#[test]
fn what_no_name_will_ask_for_is_given_again_first() {
    let mut store = Store::in_memory().unwrap();
    let bridge = network().name;
    let everything = || address(0)..=address(255);
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            take(tx, 2, "web", 1)?;
            take(tx, 3, "brave_hopper", 2)?;
            tx.release_leases(&id(1), 50)?;
            tx.forget_leases(&id(2), 60)
        })
        .unwrap();
    let next = store.read(|tx| tx.longest_released(&bridge, everything()));
    let next = next.unwrap().unwrap();
    assert_eq!((next.address, next.name), (address(3), None));
    // A name that moves leaves an address behind that is nobody's.
    store.write(|tx| take(tx, 9, "web", 1)).unwrap();
    let old = store.read(|tx| tx.lease_of_address(&bridge, address(2)));
    assert_eq!(old.unwrap().unwrap().name, None);
    let narrow = store.read(|tx| tx.longest_released(&bridge, address(3)..=address(9)));
    assert_eq!(narrow.unwrap().unwrap().address, address(3));
}

#[test]
fn a_host_port_has_one_holder() {
    let mut store = Store::in_memory().unwrap();
    let port = |host_ip: &str| PublishedPort {
        protocol: Protocol::Tcp,
        container_port: 80,
        host_ip: host_ip.parse::<IpAddr>().unwrap(),
        host_port: 8080,
    };
    store
        .write(|tx| {
            admit(tx, 1, "web")?;
            admit(tx, 2, "other")?;
            tx.put_port(&port("0.0.0.0"), &id(1))?;
            tx.put_port(&port("::"), &id(1))
        })
        .unwrap();
    let error = store
        .write(|tx| tx.put_port(&port("0.0.0.0"), &id(2)))
        .unwrap_err();
    assert!(
        error.to_string().contains("port is already allocated"),
        "{error}"
    );
    assert!(error.to_string().contains("\"web\""), "{error}");
    store.write(|tx| tx.delete_container(&id(1))).unwrap();
    store
        .write(|tx| tx.put_port(&port("0.0.0.0"), &id(2)))
        .unwrap();
    assert_eq!(
        store.read(|tx| tx.ports_of(&id(2))).unwrap(),
        [port("0.0.0.0")]
    );
}

#[test]
fn a_network_remembers_how_it_was_brought_up() {
    let mut store = Store::in_memory().unwrap();
    let name = network().name;
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            tx.set_cursor(&name, 7)?;
            tx.plan_network(&name, "[1]")?;
            tx.network_is_up(&name, "boot-1")?;
            tx.put_network(&network(), 2)
        })
        .unwrap();
    let row = store.read(|tx| tx.network(&name)).unwrap().unwrap();
    assert_eq!(
        (row.network.clone(), row.cursor, row.created),
        (network(), 7, 1)
    );
    assert_eq!(
        (row.up_in_boot.as_deref(), row.plan.as_deref()),
        (Some("boot-1"), Some("[1]"))
    );

    let moved = BridgeNetwork {
        subnet: "172.18.0.0/16".parse().unwrap(),
        ..network()
    };
    store.write(|tx| tx.put_network(&moved, 3)).unwrap();
    assert_eq!(
        store.read(|tx| tx.network(&name)).unwrap().unwrap().cursor,
        0
    );
    store.write(|tx| tx.network_is_down(&name)).unwrap();
    let row = store.read(|tx| tx.network(&name)).unwrap().unwrap();
    assert_eq!((row.up_in_boot, row.plan), (None, None));
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let mut store = Store::in_memory().unwrap();
    store.rehearse(|tx| admit(tx, 1, "web")).unwrap();
    assert!(store.read(|tx| tx.containers()).unwrap().is_empty());
}

fn on_port(host_port: u16, container_port: u16) -> PublishedPort {
    PublishedPort {
        protocol: Protocol::Tcp,
        container_port,
        host_ip: "0.0.0.0".parse().unwrap(),
        host_port,
    }
}

#[test]
fn a_name_keeps_the_ports_that_were_chosen_for_it() {
    let mut store = Store::in_memory().unwrap();
    let (web, other) = ("web".parse().unwrap(), "other".parse().unwrap());
    store
        .write(|tx| {
            tx.keep_ports(&web, &[on_port(40_000, 80), on_port(40_001, 81)], 1)?;
            tx.keep_ports(&other, &[on_port(40_002, 80)], 2)?;
            // Taken by somebody else meanwhile: another one is chosen, and kept instead.
            tx.keep_ports(&web, &[on_port(40_003, 80)], 3)
        })
        .unwrap();
    let kept = |store: &mut Store, name| store.read(|tx| tx.ports_kept_by(name)).unwrap();
    assert_eq!(
        kept(&mut store, "web"),
        [on_port(40_003, 80), on_port(40_001, 81)]
    );
    let another = |store: &mut Store, port, name| {
        store
            .read(|tx| tx.is_kept_by_another(Protocol::Tcp, port, name))
            .unwrap()
    };
    assert!(!another(&mut store, 40_003, Some("web")));
    assert!(another(&mut store, 40_003, Some("other")) && another(&mut store, 40_003, None));
    assert!(!another(&mut store, 40_000, None), "given up");
    // The one that nobody has used for the longest time goes first, and to one name only.
    let longest = store.read(|tx| tx.longest_kept(Protocol::Tcp)).unwrap();
    assert_eq!(longest, [40_001, 40_002, 40_003]);
    store
        .write(|tx| {
            tx.let_ports_rest("web", 5)?;
            tx.keep_ports(&other, &[on_port(40_001, 80)], 6)
        })
        .unwrap();
    assert_eq!(kept(&mut store, "web"), [on_port(40_003, 80)]);
    assert_eq!(kept(&mut store, "other"), [on_port(40_001, 80)]);
    store.write(|tx| tx.forget_kept_ports("web")).unwrap();
    assert_eq!(store.read(|tx| tx.kept_ports()).unwrap().len(), 1);
}

#[test]
fn an_ipv6_address_is_one_leases_and_stays_with_the_name() {
    let mut store = Store::in_memory().unwrap();
    let name = network().name;
    let six: std::net::Ipv6Addr = "fd00::2".parse().unwrap();
    store
        .write(|tx| {
            tx.put_network(&network(), 1)?;
            take(tx, 2, "web", 1)?;
            tx.put_address6(&name, &id(1), six)
        })
        .unwrap();
    let of_web = |store: &mut Store| {
        let lease = store.read(|tx| tx.lease_of_name(&name, "web")).unwrap();
        lease.unwrap().address6
    };
    assert_eq!(of_web(&mut store), Some(six));
    // In use, it is nobody else's.
    let taken = store.write(|tx| {
        take(tx, 3, "other", 2)?;
        tx.put_address6(&name, &id(2), six)
    });
    assert!(taken.is_err());
    store.write(|tx| tx.release_leases(&id(1), 5)).unwrap();
    assert_eq!(of_web(&mut store), Some(six));
    let longest = store.read(|tx| tx.longest_released6(&name)).unwrap();
    assert_eq!(longest.unwrap().address6, Some(six));
    // Out of use, it can be pinned by somebody else.
    store
        .write(|tx| {
            take(tx, 3, "other", 2)?;
            tx.put_address6(&name, &id(2), six)
        })
        .unwrap();
    assert_eq!(of_web(&mut store), None);
    let lease = store.read(|tx| tx.lease_of_address6(&name, six)).unwrap();
    assert_eq!(lease.unwrap().name.as_deref(), Some("other"));
    store.write(|tx| tx.forget_addresses6(&name)).unwrap();
    assert_eq!(
        store.read(|tx| tx.lease_of_address6(&name, six)).unwrap(),
        None
    );
}
