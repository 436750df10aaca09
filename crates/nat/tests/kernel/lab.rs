//! Namespaces, commands and values for the tests.

use minet_model::{ContainerId, MacAddr, Protocol, PublishedPort};
use minet_nat::{Masquerade, Neighbours, NetworkRules, Publication, Reach};
use nix::sched::{CloneFlags, unshare};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

/// Runs the closure in a new network namespace, on a thread that then dies.
pub(crate) fn in_new_netns<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let enter = || {
        unshare(CloneFlags::CLONE_NEWNET)
            .expect("these tests need root (or unshare --user --map-root-user) for a namespace");
        sh("ip link set lo up");
        run()
    };
    let result = thread::scope(|scope| scope.spawn(enter).join());
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a shell script in the thread's namespace, and panics with all that is known if it fails.
#[track_caller]
pub(crate) fn sh(script: &str) -> String {
    let output = try_sh(script);
    assert!(
        output.status.success(),
        "{script}\n{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output in UTF-8")
}

/// The same, but failing is allowed.
pub(crate) fn try_sh(script: &str) -> Output {
    let output = Command::new("sh").args(["-ec", script]).output();
    output.expect("run sh")
}

/// Gives the text to `nft -f -`.
#[track_caller]
pub(crate) fn nft(text: &str) {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run nft");
    let mut stdin = nft.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("write to nft");
    drop(stdin);
    let output = nft.wait_with_output().expect("wait for nft");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
}

/// The table as `nft` lists it, without the values of counters.
pub(crate) fn listing() -> String {
    sh("nft -s list table inet minet")
}

/// The table as JSON, without handles and the values of counters.
pub(crate) fn json() -> String {
    let strip = r#"s/"handle": [0-9]*, *//g; s/, "handle": [0-9]*//g;
        s/"packets": [0-9]*, "bytes": [0-9]*//g"#;
    sh(&format!("nft -j list table inet minet | sed '{strip}'"))
}

/// The network of this bridge, with an address of the host as gateway.
pub(crate) fn network(bridge: &str, subnet: &str) -> NetworkRules {
    let subnet: ipnetwork::Ipv4Network = subnet.parse().expect("a subnet");
    NetworkRules {
        bridge: bridge.parse().expect("an interface name"),
        subnet,
        subnet6: None,
        gateway: subnet.nth(1).expect("a first address"),
        router: Some(MacAddr::for_ipv4(subnet.nth(1).expect("a first address"))),
        owner: format!("net-{bridge}").parse().expect("a network name"),
        masquerade: Masquerade::On,
        outbound: None,
        outbound6: None,
        behind: Vec::new(),
        reach: Reach::Outside,
        neighbours: Neighbours::Talk,
        connections: minet_model::Connections::Limited,
    }
}

/// `-p host_ip:host_port:container_port/protocol` for a container named `owner`.
pub(crate) fn publication(owner: &str, host: &str, to: &str, protocol: Protocol) -> Publication {
    let host: std::net::SocketAddr = host.parse().expect("address:port");
    let to: std::net::SocketAddr = to.parse().expect("address:port");
    // An identity that follows from the name, so that two owners differ.
    let mut id = [0; 32];
    id[..owner.len()].copy_from_slice(owner.as_bytes());
    Publication {
        port: PublishedPort {
            protocol,
            container_port: to.port(),
            host_ip: host.ip(),
            host_port: host.port(),
        },
        container: to.ip(),
        owner: owner.parse().expect("a container name"),
        owner_id: ContainerId::from_bytes(id),
    }
}
