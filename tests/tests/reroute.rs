//! The way out of a container that runs: it moves to another network, ends, and comes back;
//! default routes and published ports follow, those too that its supervisor relays.

use minet_tests::{HOST, NEIGHBOUR, Place, TestHost};

/// By the kernel from outside and from here, and by the relay.
const PATHS: [(Place, &str); 3] = [
    (Place::Neighbour, HOST),
    (Place::Host, "127.0.0.1"),
    (Place::Host, "[::1]"),
];

#[track_caller]
fn answers_everywhere(host: &TestHost, port: u16) {
    for (place, address) in PATHS {
        host.ask(place, &format!("tcp {address}:{port}")).succeed();
    }
}

#[track_caller]
fn answers_nowhere(host: &TestHost, port: u16) {
    for (place, address) in PATHS {
        let asked = format!("timeout 1 {} ask tcp {address}:{port}", host.probe());
        assert_ne!(host.spawn(place, asked).finish().code(), 0, "{address}");
    }
}

/// What stands in the plans is so; whoever repairs by them changes nothing.
#[track_caller]
fn is_as_planned(host: &TestHost) {
    assert_eq!(host.minet("check").succeed(), "");
    assert_eq!(host.minet("repair").succeed(), "");
}

fn default_routes(host: &TestHost, name: &str) -> String {
    let script = "ip route show default; ip -6 route show default";
    let words = ["exec", name, "sh", "-c", script];
    host.minet(words).succeed()
}

/// Whether a container reaches the neighbour of the host.
fn gets_out(host: &TestHost, name: &str) -> bool {
    let ask = format!(
        "exec {name} timeout 1 {} ask tcp {NEIGHBOUR}:81",
        host.probe()
    );
    host.minet(ask).code() == 0
}

fn serve(host: &TestHost, options: &str) {
    let probe = host.probe();
    host.minet(format!("run -d {options} -- {probe} serve tcp:[::]:80"))
        .succeed();
}

#[test]
fn a_network_of_higher_priority_takes_over_and_gives_back() {
    let host = TestHost::new();
    host.minet("network create --ipv6 near").succeed();
    host.minet("network create far").succeed();
    serve(&host, "--name web --network near -p 8080:80");
    let near = default_routes(&host, "web");
    host.minet("network connect --gw-priority 5 far web")
        .succeed();
    let far = default_routes(&host, "web");
    assert!(
        far.contains("dev eth1") && far.contains("dev eth0"),
        "{far}"
    );
    answers_everywhere(&host, 8080);
    is_as_planned(&host);
    assert_eq!(default_routes(&host, "web"), far, "a repair moves nothing");
    host.minet("network disconnect far web").succeed();
    assert_eq!(default_routes(&host, "web"), near);
    answers_everywhere(&host, 8080);
    is_as_planned(&host);
}

#[test]
fn published_ports_rest_while_nothing_leads_out() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("network create side").succeed();
    serve(&host, "--name web --network side -p 8080:80 -p 8081:80");
    answers_everywhere(&host, 8080);
    let gone = host.minet("network disconnect side web");
    assert!(gone.stderr().contains("web lead nowhere"), "{gone}");
    gone.succeed();
    is_as_planned(&host);
    answers_nowhere(&host, 8080);
    // They are nobody else's meanwhile.
    assert!(host.minet("port web").succeed().contains("8080"));
    host.minet("run -p 8080:80 -- true")
        .refused(&["used by container \"web\""]);
    host.minet("unpublish web 8081:80").succeed();
    host.minet("network connect side web").succeed();
    answers_everywhere(&host, 8080);
    answers_nowhere(&host, 8081);
    is_as_planned(&host);
    // And on a network with another address.
    host.minet("network disconnect side web").succeed();
    host.minet("network connect bridge web").succeed();
    answers_everywhere(&host, 8080);
    is_as_planned(&host);
    host.minet("rm -f web").succeed();
    host.minet("network rm side").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_network_becomes_internal_and_opens_again_under_its_containers() {
    let host = TestHost::new();
    let before = host.snapshot();
    let _outside = host.serve_at(Place::Neighbour, &format!("tcp:{NEIGHBOUR}:81"));
    host.minet("network create --ipv6 lab").succeed();
    host.minet("network create other").succeed();
    serve(&host, "--name web --network lab -p 8080:80");
    serve(
        &host,
        "--name both --network lab --network other -p 8081:80",
    );
    let web = default_routes(&host, "web");
    assert!(gets_out(&host, "web"));
    answers_everywhere(&host, 8080);

    // Also what is connected already is cut.
    let wait = format!("exec web {} wait {NEIGHBOUR}:81", host.probe());
    let mut connected = host.spawn_minet(wait);
    connected.wait_for("connected");
    let set = host.minet("network set --internal lab");
    assert!(set.stderr().contains("web lead nowhere"), "{set}");
    assert!(!set.stderr().contains("both lead nowhere"), "{set}");
    set.succeed();
    assert_ne!(connected.finish().code(), 0);
    is_as_planned(&host);
    assert_eq!(default_routes(&host, "web"), "");
    assert!(!gets_out(&host, "web"));
    // Not by a route of its own either.
    let gateway = "{{(index .IPAM.Config 0).Gateway}}";
    let gateway = host.minet(["network", "inspect", "-f", gateway, "lab"]);
    let gateway = gateway.succeed();
    host.sh(&format!("ip -n web route add default via {gateway}"))
        .succeed();
    assert!(!gets_out(&host, "web"));
    host.sh("ip -n web route del default").succeed();
    answers_nowhere(&host, 8080);
    // The other network leads out still, and neighbours are neighbours.
    let both = default_routes(&host, "both");
    assert!(both.contains("dev eth1") && !both.contains("dev eth0"));
    assert!(gets_out(&host, "both"));
    answers_everywhere(&host, 8081);
    let neighbour = "{{.NetworkSettings.Networks.lab.IPAddress}}";
    let neighbour = host.minet(["inspect", "-f", neighbour, "both"]).succeed();
    let ask = format!("exec web {} ask tcp {neighbour}:80", host.probe());
    host.minet(ask).succeed();
    let internal = ["network", "inspect", "-f", "{{.Internal}}", "lab"];
    assert_eq!(host.minet(internal).succeed(), "true");
    // Who starts anew finds it so.
    host.minet("restart -t 0 web").succeed();
    assert_eq!(default_routes(&host, "web"), "");

    host.minet("network set --internal=false lab").succeed();
    is_as_planned(&host);
    assert_eq!(default_routes(&host, "web"), web);
    let again = default_routes(&host, "both");
    assert!(again.starts_with(&both), "a way that leads out stays");
    assert!(again.contains("dev eth0"), "but for IPv6 there was none");
    assert!(gets_out(&host, "web"));
    answers_everywhere(&host, 8081);
    host.minet("network set --internal --outbound-address 192.168.120.2 lab")
        .refused_with(1, &["contradict"]);
    host.minet("rm -f web both").succeed();
    host.minet("network rm lab other").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

/// Where Docker's chain drops what it does not know.
#[test]
fn what_another_firewall_lets_pass_follows_as_well() {
    let host = TestHost::new();
    host.sh("nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'")
        .succeed();
    let before = host.snapshot();
    let rules = || host.sh("nft list chain ip filter FORWARD").succeed();
    host.minet("network create lab").succeed();
    serve(&host, "--name web --network lab");
    assert!(rules().contains("accept"), "{}", rules());
    host.minet("network set --internal lab").succeed();
    assert!(!rules().contains("accept"), "{}", rules());
    is_as_planned(&host);
    host.minet("network set --internal=false lab").succeed();
    assert!(rules().contains("accept"), "{}", rules());
    is_as_planned(&host);
    host.minet("rm -f web").succeed();
    host.minet("network rm lab").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}
