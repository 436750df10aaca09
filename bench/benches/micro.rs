//! The pure parts of a start, by themselves: `cargo bench -p minet-bench`.

use criterion::{Criterion, criterion_group, criterion_main};
use minet_ipam::Pool;
use minet_model::{
    BridgeNetwork, ContainerId, HostName, MacAddr, NetworkId, NetworkName, NetworkSpec, Protocol,
    PublishSpec, PublishedPort,
};
use minet_names::{
    Ipv6,
    hosts::{Entry, HostsFile, update},
    resolver::{self, Bearer, Others, SharedNetwork, Transport, Why, World},
};
use minet_nat::{Change, Publication};
use minet_state::{Store, Transaction};
use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
};

criterion_group!(all, addresses, port_map, hosts, names);
criterion_main!(all);

/// A /16 of which 95 % are taken.
const TAKEN: u32 = 62_000;

fn a_network() -> BridgeNetwork {
    BridgeNetwork {
        name: NetworkName::default_bridge(),
        id: NetworkId::of_predefined("bridge"),
        instance: None,
        asked: NetworkSpec::named(NetworkName::default_bridge()),
        bridge: "minet0".parse().expect("a name"),
        subnet: "172.17.0.0/16".parse().expect("a subnet"),
        gateway: Ipv4Addr::new(172, 17, 0, 1),
        mtu: 1500,
        ipv6: None,
    }
}

fn nth(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(172, 17, 0, 1).to_bits() + number)
}

/// Choosing an address, as a start does it: a look at the pool and one at the store.
fn addresses(criterion: &mut Criterion) {
    let network = a_network();
    let pool = Pool::of(network.subnet, network.gateway);
    let mut store = Store::in_memory().expect("a store");
    // Nothing of it is kept, so nobody asks whether the holders exist.
    let measured = store.rehearse(|tx| {
        tx.put_network(&network, 0)?;
        for number in 1..=TAKEN {
            take(tx, &network, number)?;
        }
        criterion.bench_function("ipam: a fresh address, /16 at 95 %", |bencher| {
            bencher.iter(|| {
                let mut fresh = pool.fresh_from(Some(nth(TAKEN)));
                fresh.find(|address| {
                    let lease = tx.lease_of_address(&network.name, *address);
                    lease.expect("the store answers").is_none()
                })
            });
        });
        for number in 1..=TAKEN {
            tx.forget_leases(&holder(number), i64::from(number))?;
        }
        criterion.bench_function("ipam: the one that nobody has used longest", |bencher| {
            bencher.iter(|| tx.longest_released(&network.name, pool.bounds()));
        });
        Ok::<_, minet_state::Error>(())
    });
    measured.expect("the store works");
}

fn holder(number: u32) -> ContainerId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ContainerId::from_bytes(bytes)
}

fn take(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
    number: u32,
) -> Result<(), minet_state::Error> {
    let address = nth(number);
    let (name, mac) = (format!("c{number}"), MacAddr::for_ipv4(address));
    tx.take_lease(&network.name, address, &name, mac, &holder(number))
}

/// From `-p` to elements of the map.
fn port_map(criterion: &mut Criterion) {
    criterion.bench_function("ports: read -p 20000-29999:20000-29999", |bencher| {
        bencher.iter(|| {
            let spec: PublishSpec = black_box("20000-29999:20000-29999").parse().expect("-p");
            spec.entries().len()
        });
    });
    let publications: Vec<Change> = (20_000..30_000).map(publication).collect();
    criterion.bench_function("ports: 10,000 elements in words", |bencher| {
        bencher.iter(|| publications.iter().flat_map(Change::to_nft).count());
    });
}

fn publication(port: u16) -> Change {
    Change::Publish(Publication {
        port: PublishedPort {
            protocol: Protocol::Tcp,
            container_port: port,
            host_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            host_port: port,
        },
        container: nth(1).into(),
        owner: "web".parse().expect("a name"),
        owner_id: holder(1),
    })
}

/// A hosts file with a thousand names, new and rewritten.
fn hosts(criterion: &mut Criterion) {
    let name = |number: u32| -> HostName { format!("c{number}").parse().expect("a name") };
    let entries = (1..=1000)
        .map(|number| Entry::new(IpAddr::V4(nth(number)), name(number)))
        .collect();
    let file = HostsFile {
        entries,
        ipv6: Ipv6::Without,
    };
    criterion.bench_function("hosts: write 1,000 names", |bencher| {
        bencher.iter(|| file.render());
    });
    let text = file.render();
    let block = file.block();
    criterion.bench_function("hosts: replace 1,000 names", |bencher| {
        bencher.iter(|| update(text.as_bytes(), &block));
    });
}

/// From the bytes of a question to those of its answer, without the look-up in the store.
fn names(criterion: &mut Criterion) {
    let bearer = |number: u32| Bearer {
        container: format!("c{number}"),
        network: "bridge".to_owned(),
        why: Why::Alias,
        running: true,
        addresses: vec![nth(number).into()],
    };
    let one = ("one".to_owned(), bearer(1));
    let many = (1..=20).map(|number| ("many".to_owned(), bearer(number)));
    let mut world = World {
        networks: vec![SharedNetwork {
            name: "bridge".to_owned(),
            gateways: vec![nth(0).into()],
        }],
        names: [one].into_iter().chain(many).collect(),
        links: Vec::new(),
        ipv4_alone: Vec::new(),
    };
    for (title, name) in [
        ("names: answer with one address", "one"),
        ("names: answer with twenty addresses", "many"),
        ("names: a question for others", "www.example.org"),
    ] {
        let (_, question) = resolver::query(name, None).expect("a question");
        criterion.bench_function(title, |bencher| {
            bencher.iter(|| {
                let bytes = black_box(&question);
                resolver::answer(bytes, &mut world, Others::Asked, Transport::Udp, 1)
            });
        });
    }
}
