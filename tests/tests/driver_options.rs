//! `network create -o`: the options of Docker's bridge driver, and flags that say what is so
//! anyway.

use minet_tests::TestHost;

#[test]
fn ports_without_an_address_go_where_the_network_says() {
    let host = TestHost::new();
    host.minet("network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 local")
        .succeed();
    host.minet("network create other").succeed();
    host.leave(
        "--name web --network local -p 8080:80 -p 192.168.120.2:8081:80",
        "exec sleep 1000",
    );
    assert_eq!(
        host.minet("port web").succeed(),
        "80/tcp -> 127.0.0.1:8080\n80/tcp -> 192.168.120.2:8081"
    );
    assert_eq!(
        host.minet("publish web 8082:80").succeed(),
        "127.0.0.1:8082->80/tcp"
    );
    // What counts is the network by which it leaves.
    host.leave(
        "--name api --network local --network name=other,gw-priority=1 -p 8083:80",
        "exec sleep 1000",
    );
    assert_eq!(
        host.minet("port api").succeed(),
        "80/tcp -> 0.0.0.0:8083\n80/tcp -> [::]:8083"
    );
    host.minet("restart -t 0 web").succeed();
    assert!(host.minet("port web").succeed().contains("127.0.0.1:8080"));
}

#[test]
fn interfaces_are_called_as_the_network_says() {
    let host = TestHost::new();
    host.minet("network create -o com.docker.network.container_iface_prefix=lan front")
        .succeed();
    host.minet("network create back").succeed();
    let option = "driver-opt=com.docker.network.endpoint.ifname=storage";
    let networks = format!("--network front --network back --network name=bridge,{option}");
    let interfaces = host.run_sh(networks, "ls /sys/class/net").succeed();
    assert_eq!(interfaces, "eth0\nlan0\nlo\nstorage");
    host.leave("--name web --network back", "exec sleep 1000");
    host.minet("network connect front web").succeed();
    let interfaces = host.minet("exec web -- ls /sys/class/net").succeed();
    assert_eq!(interfaces, "eth0\nlan0\nlo");
}

#[test]
fn what_is_so_anyway_may_be_said_and_nothing_else() {
    let host = TestHost::new();
    let same = "--attachable --ipv4 --scope local --ipam-driver default -d bridge \
                -o com.docker.network.enable_ipv4=true \
                -o com.docker.network.bridge.gateway_mode_ipv4=nat";
    host.minet(format!("network create {same} plain")).succeed();
    for (options, code, words) in [
        ("--ipv4=false", 2, &["true"][..]),
        ("--attachable=false", 2, &["true"]),
        ("--scope swarm", 2, &["local"]),
        ("-d macvlan", 2, &["bridge"]),
        (
            "-o com.docker.network.bridge.gateway_mode_ipv4=routed",
            1,
            &["routed", "nat"],
        ),
        (
            "-o com.docker.network.bridge.inhibit_ipv4=true",
            1,
            &["unknown network option"],
        ),
        ("--subnet 224.0.0.0/24", 1, &["multicast"]),
        ("--subnet 127.9.0.0/24", 1, &["loopback"]),
        (
            "--subnet 10.9.0.0",
            1,
            &["10.9.0.0/32", "such as 10.9.0.0/24"],
        ),
    ] {
        host.minet(format!("network create {options} odd"))
            .refused_with(code, words);
    }
    for name in ["bridge", "host", "none"] {
        host.minet(["network", "create", name])
            .refused_with(1, &["operation is not permitted on predefined", name]);
    }
    let gone = host.minet("network rm -f nobody plain");
    assert!(gone.stderr().contains("network nobody not found"), "{gone}");
    assert_eq!(gone.succeed(), "plain");
    host.minet("network rm nobody")
        .refused_with(1, &["network nobody not found"]);
    host.leave("--name in-host --mode host", "exec sleep 1000");
    host.minet("network disconnect host in-host")
        .refused_with(1, &["cannot be disconnected from host network"]);
}
