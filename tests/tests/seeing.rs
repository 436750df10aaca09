//! Who has which address, which cable leads where, and a look from inside.

use minet_tests::TestHost;

#[test]
fn an_address_stays_with_its_name() {
    let host = TestHost::new();
    host.minet("network create net").succeed();
    let mac_and_address = |name: &str| {
        let inspect = host.inspect(name);
        let endpoint = &inspect["NetworkSettings"]["Networks"]["net"];
        format!("{} {}", endpoint["IPAddress"], endpoint["MacAddress"])
    };
    let web = host.idle("web", "--network net");
    let first = mac_and_address("web");
    host.minet("rm -f web").succeed();
    drop(web);
    let other = host.idle("other", "--network net");
    assert_ne!(mac_and_address("other"), first);
    let web = host.idle("web", "--network net");
    assert_eq!(mac_and_address("web"), first);
    drop((web, other));
    // Even when the bridge is gone in between, as after a reboot.
    host.minet("rm -f web other").code();
    host.minet("gc --all").succeed();
    let web = host.idle("web", "--network net");
    assert_eq!(mac_and_address("web"), first);
    drop(web);
}

#[test]
fn leases_show_who_has_and_who_had() {
    let host = TestHost::new();
    host.minet("network create net").succeed();
    let web = host.idle("web", "--network net --network bridge");
    host.minet("run --rm --name gone --network net -- true")
        .succeed();
    host.minet("run --rm --network net -- true").succeed();
    let leases = host.minet("leases").succeed();
    let line = |word: &str| {
        let line = leases.lines().find(|line| line.contains(word));
        line.unwrap_or_else(|| panic!("{word} in {leases}"))
            .to_owned()
    };
    let id = host.inspect("web")["Id"].as_str().unwrap()[..12].to_owned();
    assert!(line("172.17.0.2").contains(&id));
    assert!(line("172.18.0.2").contains(&id));
    assert!(line("gone").contains("nobody since 2"));
    assert!(line("172.18.0.4").contains(" - "));
    assert_eq!(host.minet("leases bridge").succeed().lines().count(), 2);
    let json = host.minet("leases --format json bridge").json();
    assert_eq!(json["Name"], "web");
    host.minet("leases nope")
        .refused_with(1, &["network nope not found"]);
    drop(web);
}

#[test]
fn whose_cable_is_it() {
    let host = TestHost::new();
    host.minet("network create net").succeed();
    let web = host.idle("web", "--network net --network bridge");
    let db = host.idle("db", "");
    assert_eq!(host.minet("veth").succeed().lines().count(), 4);
    let of_web = host.minet("veth web").succeed();
    assert_eq!(of_web.lines().count(), 3, "{of_web}");
    for word in ["eth0", "eth1", "minet0", "172.17.0.2/16", "net", "up"] {
        assert!(of_web.contains(word), "{of_web}");
    }
    let interface = of_web.lines().nth(1).unwrap().split(' ').next().unwrap();
    let one = host.minet(format!("veth --json {interface}@if2")).json();
    assert_eq!(one["Container"], "web");
    let index = host.exec(["cat", &format!("/sys/class/net/{interface}/ifindex")]);
    assert_eq!(one["Index"].to_string(), index.succeed());
    host.minet("veth lan0")
        .refused_with(1, &["lan0 is no cable", "veth"]);
    host.minet("veth nothing")
        .refused_with(1, &["No such container: nothing"]);
    drop((web, db));
}

#[test]
fn nsenter_is_in_the_network_and_in_nothing_else() {
    let host = TestHost::new();
    let web = host.idle("web", "");
    let addresses = host.minet("nsenter web -- ip -brief address").succeed();
    assert!(addresses.contains("172.17.0.2/16"), "{addresses}");
    let hostname = host.minet("nsenter web hostname").succeed();
    assert_eq!(hostname, host.exec("hostname").succeed());
    host.minet("nsenter web -- no-such-program")
        .refused_with(127, &["no-such-program"]);
    host.minet("nsenter nobody -- true")
        .refused(&["No such container: nobody"]);
    let processes = host.minet(["nsenter", "web", "--", "sh", "-c", "exit 7"]);
    assert_eq!(processes.code(), 7);
    drop(web);
}
