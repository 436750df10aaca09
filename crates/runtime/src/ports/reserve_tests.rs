//! Real sockets on loopback; each test has an IPv4 address of its own in 127/8.

use super::*;
use crate::ports::{Hold, culprit::tests::own_pid};
use std::net::{TcpListener, UdpSocket};

const ALL: BindDefaults = BindDefaults::AllAddresses;

fn specs(texts: &[&str]) -> Vec<PublishSpec> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn nobody(_: Protocol, _: IpAddr, _: u16) -> Option<String> {
    None
}

fn try_hold(texts: &[&str]) -> Result<Vec<HeldPort>, PortError> {
    hold(&specs(texts), ALL, &nobody, &Preference::default())
}

/// What is held, as `docker ps` prints it.
fn held(texts: &[&str]) -> Vec<String> {
    let ports = try_hold(texts).unwrap_or_else(|error| panic!("{texts:?}: {error}"));
    ports.iter().map(|held| held.port.to_string()).collect()
}

#[track_caller]
fn refused(texts: &[&str]) -> String {
    try_hold(texts).unwrap_err().to_string()
}

#[test]
fn exact_ports_and_ranges() {
    assert_eq!(
        held(&[
            "127.0.9.1:8080:80",
            "127.0.9.1:8080:80/udp",
            "127.0.9.1:9000-9002:90-92"
        ]),
        [
            "127.0.9.1:8080->80/tcp",
            "127.0.9.1:8080->80/udp",
            "127.0.9.1:9000->90/tcp",
            "127.0.9.1:9001->91/tcp",
            "127.0.9.1:9002->92/tcp",
        ]
    );
}

#[test]
fn a_range_for_one_port_takes_the_first_free_one() {
    let _others = [8000, 8001].map(|port| TcpListener::bind(("127.0.9.2", port)).unwrap());
    let range = "127.0.9.2:8000-8003:80";
    assert_eq!(held(&[range]), ["127.0.9.2:8002->80/tcp"]);
    assert_eq!(
        held(&[range, range]),
        ["127.0.9.2:8002->80/tcp", "127.0.9.2:8003->80/tcp"]
    );
    let error = refused(&[range, range, range]);
    assert!(
        error.contains("127.0.9.2 8000-8003/tcp: all ports are allocated"),
        "{error}"
    );
    assert!(error.contains(&format!("PID {}", own_pid())), "{error}");
}

#[test]
fn without_an_address_both_families_get_the_same_number() {
    for protocol in ["tcp", "udp"] {
        let spec = format!("80-82/{protocol}");
        let ports = try_hold(&[&spec]).unwrap();
        assert_eq!(ports.len(), 6, "this test needs IPv6: {ports:?}");
        for (pair, container_port) in ports.chunks(2).zip(80..) {
            let [v4, v6] = pair else { unreachable!() };
            assert_eq!(v4.port.host_port, v6.port.host_port);
            assert_eq!(v4.port.container_port, container_port);
            assert!(v4.port.host_ip.is_unspecified() && v4.port.host_ip.is_ipv4());
            assert!(v6.port.host_ip.is_unspecified() && v6.port.host_ip.is_ipv6());
            assert!(matches!(v4.hold, Hold::Nat(_)), "{v4:?}");
            assert!(
                matches!(v6.hold, Hold::RelayTcp(_) | Hold::RelayUdp(_)),
                "{v6:?}"
            );
        }
    }
}

#[test]
fn other_defaults_bind_less() {
    let one = BindDefaults::Address("127.0.9.3".parse().unwrap());
    let ports = hold(&specs(&["8080:80"]), one, &nobody, &Preference::default()).unwrap();
    assert_eq!(ports.len(), 1);
    assert_eq!(ports[0].port.to_string(), "127.0.9.3:8080->80/tcp");
    let ports = hold(
        &specs(&["80"]),
        BindDefaults::AllIpv4,
        &nobody,
        &Preference::default(),
    )
    .unwrap();
    assert_eq!(ports.len(), 1);
}

#[test]
fn a_taken_port_names_its_process_and_a_free_one() {
    let tcp = TcpListener::bind("127.0.9.4:8080").unwrap();
    let udp = UdpSocket::bind("127.0.9.4:8080").unwrap();
    for protocol in ["tcp", "udp"] {
        let error = refused(&[
            "127.0.9.4:7000:70",
            &format!("127.0.9.4:8080:80/{protocol}"),
        ]);
        let pid = format!("(PID {}, user ", own_pid());
        assert!(error.contains(&pid), "{error}");
        assert!(error.contains("(free nearby: 8081)"), "{error}");
        let words =
            format!("failed to bind host port 127.0.9.4:8080/{protocol}: address already in use");
        assert!(error.ends_with(&words), "{error}");
    }
    // What was held before the conflict is free again.
    TcpListener::bind("127.0.9.4:7000").unwrap();
    drop((tcp, udp));
    held(&["127.0.9.4:8080:80", "127.0.9.4:8080:80/udp"]);
}

#[test]
fn a_port_of_a_container_is_taken_even_if_no_socket_holds_it() {
    let web = |_: Protocol, _: IpAddr, port: u16| (port <= 8081).then(|| "web".to_owned());
    let error = hold(
        &specs(&["127.0.9.5:8080:80"]),
        ALL,
        &web,
        &Preference::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot publish 127.0.9.5:8080/tcp: the port is used by container \"web\" \
         (free nearby: 8082); Bind for 127.0.9.5:8080 failed: port is already allocated"
    );
}

#[test]
fn a_request_may_repeat_but_not_contradict_itself() {
    let spec = "127.0.9.6:8080:80";
    assert_eq!(held(&[spec, spec]), ["127.0.9.6:8080->80/tcp"]);
    let error = refused(&[spec, "127.0.9.6:8080:81"]);
    assert!(
        error.contains("another -p of the same container"),
        "{error}"
    );
    assert!(error.contains("port is already allocated"), "{error}");
}

#[test]
fn where_any_port_will_do_it_is_the_one_of_before_and_nobody_elses() {
    let had = ["127.0.9.8:40001", "127.0.9.8:40002"].map(|host| {
        let host: SocketAddr = host.parse().unwrap();
        PublishedPort {
            protocol: Protocol::Tcp,
            container_port: 80,
            host_ip: host.ip(),
            host_port: host.port(),
        }
    });
    let others = |_: Protocol, port: u16| port != 40_009;
    let longest = |_: Protocol| vec![40_001, 40_007];
    let preference = Preference {
        had: &had,
        is_kept: &others,
        last_resort: &longest,
    };
    let one = specs(&["127.0.9.8::80"; 6]);
    let numbers = |requests: &[PublishSpec]| {
        let held = hold(requests, ALL, &nobody, &preference);
        held.map(|held| {
            held.iter()
                .map(|held| held.port.host_port)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(numbers(&one[..2]).unwrap(), [40_001, 40_002]);
    assert_eq!(
        numbers(&one[..4]).unwrap(),
        [40_001, 40_002, 40_009, 40_007]
    );
    let error = numbers(&one).unwrap_err().to_string();
    assert!(error.contains("127.0.9.8"), "{error}");
    // Somebody took it meanwhile.
    let _other = TcpListener::bind("127.0.9.8:40001").unwrap();
    assert_eq!(numbers(&one[..1]).unwrap(), [40_002]);
}

#[test]
fn an_address_that_is_not_here() {
    let error = refused(&["192.0.2.200:8080:80"]);
    assert!(error.contains("cannot assign requested address"), "{error}");
    assert!(error.contains("this host has 127.0.0.1"), "{error}");
}

#[test]
fn sctp_is_for_ipv4() {
    let error = refused(&["[::1]:8080:80/sctp"]);
    assert_eq!(
        error,
        "cannot publish [::1]:8080/sctp: SCTP is published on IPv4 addresses only"
    );
    let ports = try_hold(&["8888:80/sctp"]).unwrap();
    assert_eq!(ports.len(), 1);
    assert!(matches!(ports[0].hold, Hold::Nat(_) | Hold::Nobody));
}

#[test]
fn a_thousand_ports_fit_and_millions_do_not() {
    assert_eq!(held(&["127.0.9.7:10000-11199:10000-11199"]).len(), 1200);
    let wide = "127.0.9.7:1-65535:1-65535";
    let many = vec![wide; 40];
    let error = refused(&many);
    assert!(error.contains("ulimit -n"), "{error}");
}
