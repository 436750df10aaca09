//! The table that leads port 53 to a resolver, and packets through it.

use crate::lab::{in_new_netns, sh, try_sh};
use minet_nat::{Firewall, ResolverPort};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
};

const PORT: ResolverPort = ResolverPort {
    asked: std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(127, 0, 0, 11), 53),
    listens: 1011,
};

#[test]
fn what_is_sent_is_what_is_told() {
    let list = "nft list table netdev minet-dns";
    let made = in_new_netns(|| {
        Firewall::open().unwrap().lead_to_resolver(&PORT).unwrap();
        sh(list)
    });
    let told = in_new_netns(|| {
        sh(&format!("nft -f - <<'END'\n{}\nEND", PORT.to_nft()));
        sh(list)
    });
    assert_eq!(made, told);
}

#[test]
fn it_is_taken_away_twice() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        assert!(!firewall.leads_to_resolver().unwrap());
        firewall.lead_to_resolver(&PORT).unwrap();
        assert!(firewall.leads_to_resolver().unwrap());
        firewall.forget_resolver().unwrap();
        firewall.forget_resolver().unwrap();
        assert!(!firewall.leads_to_resolver().unwrap());
        assert_eq!(sh("nft list ruleset"), "");
    });
}

#[test]
fn a_second_one_is_refused() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        firewall.lead_to_resolver(&PORT).unwrap();
        let error = firewall.lead_to_resolver(&PORT).unwrap_err();
        assert!(error.to_string().contains("resolver"), "{error}");
    });
}

/// Both ends see port 53, though somebody else has bound it everywhere; and nothing is
/// remembered about it.
#[test]
fn packets_find_their_way_past_a_program_on_port_53() {
    in_new_netns(|| {
        let _other_udp = UdpSocket::bind("0.0.0.0:53").unwrap();
        let _other_tcp = TcpListener::bind("0.0.0.0:53").unwrap();
        let udp = UdpSocket::bind("127.0.0.11:1011").unwrap();
        let tcp = TcpListener::bind("127.0.0.11:1011").unwrap();
        Firewall::open().unwrap().lead_to_resolver(&PORT).unwrap();
        let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
        asker.connect("127.0.0.11:53").unwrap();
        let patience = Some(std::time::Duration::from_secs(5));
        for socket in [&asker, &udp] {
            socket.set_read_timeout(patience).unwrap();
        }
        for length in [0, 1, 512, 9000, 60_000] {
            asker.send(&vec![7; length]).unwrap();
            let mut bytes = vec![0; 65_536];
            let (received, from) = udp.recv_from(&mut bytes).unwrap();
            udp.send_to(&bytes[..received], from).unwrap();
            assert_eq!(asker.recv(&mut bytes).unwrap(), length);
        }
        let mut client = TcpStream::connect("127.0.0.11:53").unwrap();
        client.write_all(&[9; 100_000]).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut bytes = Vec::new();
        tcp.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [9; 100_000]);
        let tracked = try_sh("cat /proc/sys/net/netfilter/nf_conntrack_count");
        let tracked = String::from_utf8_lossy(&tracked.stdout).trim().to_owned();
        assert!(tracked.is_empty() || tracked == "0", "{tracked}");
    });
}
