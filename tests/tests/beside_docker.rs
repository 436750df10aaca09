//! Beside a real Docker Engine, on one host: who comes first, who reaches whom, who has which
//! port, subnet and switch of the host, and what is left when minet goes.

use minet_tests::{
    Docker, Finished, HOST, HOST_V6, INTRUDER, NEIGHBOUR, Place, Round, Running, SERVER, TestHost,
    eventually,
};

/// Everything in tables of others, without the values of counters.
const OTHERS: &str = "
    iptables-save | sed 's/^:\\([^ ]* [^ ]*\\).*/\\1/; /^#/d'
    nft --stateless list ruleset | sed '/^table inet minet/,/^}/d'";

/// Whether frames between the ports of one bridge pass the rules (`br_netfilter`).
fn frames_pass_iptables(host: &TestHost, value: &str) {
    host.sh(&format!(
        "for key in /proc/sys/net/bridge/bridge-nf-call-*tables; do echo {value} >$key; done"
    ))
    .succeed();
}

/// A container of minet's that publishes two of its three ports.
fn web(host: &TestHost) -> Running<'_> {
    let options = "--name web -p 8080:80 -p 5353:53/udp";
    host.serve(options, "tcp:80 udp:53 tcp:81")
}

/// Two containers of Docker's; the first publishes two of its three ports.
fn docker(host: &TestHost) -> Docker<'_> {
    let docker = Docker::start(host, "");
    docker.serve("one", "-p 9090:80 -p 9053:53/udp", "tcp:80 udp:53 tcp:81");
    docker.serve("two", "", "tcp:80");
    docker
}

/// A server out there, and a neighbour who thinks that he can get at containers by a route.
fn outside(host: &TestHost) -> Running<'_> {
    host.lan(format!("ip route add 172.16.0.0/12 via {HOST}"))
        .succeed();
    host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80 udp:{SERVER}:53"))
}

/// Who keeps a neighbour from Docker's containers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// Docker, by its policy; ports that it publishes it opens at the container's address, too.
    Docker,
    /// minet, as long as Docker relies on its forwarding.
    Minet,
    /// Nobody: Docker leaves the policy alone where it finds forwarding on.
    Nobody,
}

/// All at once: out, in by every published port, among each other; and nothing else.
#[track_caller]
fn everybody_asks(host: &TestHost, docker: &Docker<'_>, web: &Running<'_>, keeper: Keeper) {
    let (ours, theirs) = (host.address_of("web"), docker.address_of("one"));
    let minet = minet_tests::minet().display();
    let by_web = format!("{minet} exec web --");
    let by_another = format!("{minet} run --rm --");
    let (by_one, by_two) = ("docker exec one", "docker exec two");
    let mut round = Round::new(host);
    let out = [format!("tcp {SERVER}:80"), format!("udp {SERVER}:53")];
    let out = [out[0].as_str(), out[1].as_str()];
    for by in [&by_web, by_one] {
        round.answered(Place::Host, by, &out);
    }
    for port in ["tcp ADDRESS:8080", "udp ADDRESS:5353", "tcp ADDRESS:9090"] {
        let at = |address: &str| port.replace("ADDRESS", address);
        let (lan, lan6) = (at(HOST), at(&format!("[{HOST_V6}]")));
        round.answered(Place::Neighbour, "", &[&lan, &lan6]);
        round.answered(Place::Host, "", &[&at("127.0.0.1"), &lan, &at("[::1]")]);
        for by in [&by_web, &by_another, by_one, by_two] {
            round.answered(Place::Host, by, &[&lan]);
        }
    }
    let udp = format!("udp {HOST}:9053");
    round.answered(Place::Neighbour, "", &[&udp]);
    // Of Docker's own containers that one is answered under another address (docker-proxy).
    round.answered(Place::Host, &by_web, &[&udp]);
    let inside = |address: &str| [format!("tcp {address}:80"), format!("udp {address}:53")];
    let (our_own, their_own) = (inside(&ours), inside(&theirs));
    round.answered(
        Place::Host,
        &by_another,
        &our_own.each_ref().map(|q| q.as_str()),
    );
    round.answered(
        Place::Host,
        by_two,
        &their_own.each_ref().map(|q| q.as_str()),
    );
    let closed = |address: &str| {
        ["tcp A:80", "tcp A:81", "udp A:53"].map(|question| question.replace('A', address))
    };
    let (to_ours, to_theirs) = (closed(&ours), closed(&theirs));
    let to_ours = to_ours.each_ref().map(|question| question.as_str());
    let to_theirs = to_theirs.each_ref().map(|question| question.as_str());
    round.refused(Place::Host, by_one, &to_ours);
    round.refused(Place::Neighbour, "", &to_ours);
    round.refused(Place::Host, &by_web, &to_theirs);
    match keeper {
        Keeper::Docker => round.refused(Place::Neighbour, "", &to_theirs[1..2]),
        Keeper::Minet => round.refused(Place::Neighbour, "", &to_theirs),
        Keeper::Nobody => {}
    }
    round.finish("who reaches whom");
    let client = host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"));
    assert_eq!(client.succeed(), NEIGHBOUR);
    // A missing answer alone proves nothing.
    let heard = web.stdout() + &docker.run("logs one").succeed();
    assert!(heard.contains("hello"), "{heard}");
    assert!(!heard.contains(INTRUDER), "{heard}");
}

#[track_caller]
fn leave(host: &TestHost, web: Running<'_>) -> String {
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed()
}

#[test]
fn docker_first_all_are_reached_and_apart() {
    let host = TestHost::new();
    let _server = outside(&host);
    let docker = docker(&host);
    let rules = host.sh(OTHERS).succeed();
    assert!(rules.contains("FORWARD DROP"), "{rules}");
    let web = web(&host);
    let note = "ip filter FORWARD of another firewall drops what it does not know";
    assert!(web.stderr().contains(note), "{}", web.stderr());
    for seen in ["0", "1"] {
        frames_pass_iptables(&host, seen);
        everybody_asks(&host, &docker, &web, Keeper::Docker);
    }
    host.minet("check").succeed();
    host.minet("doctor --quiet").succeed();
    // Docker's rules come first, and minet's are such as iptables can read.
    let forward = host.exec("iptables -S FORWARD").succeed();
    let ours = "-m comment --comment \"minet: network bridge on minet0\" -j ACCEPT";
    let end = format!("-A FORWARD -i minet0 {ours}\n-A FORWARD -o minet0 {ours}");
    assert!(forward.ends_with(&end), "{forward}");
    leave(&host, web);
    assert_eq!(host.sh(OTHERS).succeed(), rules);
    host.sh("nft list table inet minet").end_with(1);
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
}

#[test]
fn minet_first_all_are_reached_and_apart() {
    let host = TestHost::new();
    let _server = outside(&host);
    let web = web(&host);
    let docker = docker(&host);
    let rules = host.sh(OTHERS).succeed();
    // Docker relies on its policy only where it turns forwarding on itself.
    assert!(rules.contains("FORWARD ACCEPT"), "{rules}");
    for seen in ["0", "1"] {
        frames_pass_iptables(&host, seen);
        everybody_asks(&host, &docker, &web, Keeper::Minet);
    }
    host.minet("check").succeed();
    host.minet("doctor --quiet").succeed();
    let told = leave(&host, web);
    assert!(
        told.contains("since docker0 came after minet turned it on and relies on it"),
        "{told}"
    );
    assert!(!told.contains("nobody in"), "{told}");
    assert_eq!(host.sh(OTHERS).succeed(), rules);
    // Docker's containers go on, and the host is still no router.
    let theirs = docker.address_of("one");
    let mut round = Round::new(&host);
    round.answered(
        Place::Host,
        "docker exec one",
        &[&format!("tcp {SERVER}:80")],
    );
    round.answered(Place::Neighbour, "", &[&format!("tcp {HOST}:9090")]);
    round.refused(Place::Neighbour, "", &[&format!("udp {theirs}:53")]);
    round.finish("without minet");
    assert!(!docker.run("logs one").succeed().contains(INTRUDER));
    // When nobody relies on it any more, nothing is left.
    docker.stop();
    host.sh("ip link delete docker0").succeed();
    host.minet("gc").succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
    host.sh("nft list table inet minet").end_with(1);
}

#[test]
fn a_restart_of_docker_and_a_flush_of_everything_are_survived() {
    let host = TestHost::new();
    let _server = outside(&host);
    let docker = docker(&host);
    let mut web = web(&host);
    let is_whole = |host: &TestHost| {
        eventually("check to find nothing", || host.minet("check").code() == 0);
        let mut round = Round::new(host);
        round.answered(Place::Neighbour, "", &[&format!("tcp {HOST}:8080")]);
        let by_web = format!("{} exec web --", minet_tests::minet().display());
        round.answered(Place::Host, &by_web, &[&format!("tcp {SERVER}:80")]);
        round.finish("minet's container");
    };
    let docker = docker.restart();
    is_whole(&host);
    docker.start_again("one");
    docker.start_again("two");
    everybody_asks(&host, &docker, &web, Keeper::Docker);
    // Docker's rules come back with its next start only; without a policy of DROP, since it
    // finds forwarding on.
    host.sh("nft flush ruleset").succeed();
    is_whole(&host);
    let docker = docker.restart();
    docker.start_again("one");
    docker.start_again("two");
    is_whole(&host);
    everybody_asks(&host, &docker, &web, Keeper::Nobody);
    assert!(!web.has_ended());
    // A policy that somebody sets while the container runs is heard of.
    host.sh("iptables -P FORWARD DROP").succeed();
    is_whole(&host);
    let before = host.sh(OTHERS).succeed();
    leave(&host, web);
    let after = host.sh(OTHERS).succeed();
    let ours = |line: &&str| line.contains("minet");
    assert!(
        before.lines().any(|line| ours(&line)) && !after.contains("minet"),
        "{after}"
    );
}

#[test]
fn one_port_is_given_once_and_who_has_it_is_named() {
    let host = TestHost::new();
    let docker = Docker::start(&host, "");
    docker.serve("one", "-p 9090:80 -p 9053:53/udp", "tcp:80 udp:53");
    let web = web(&host);
    for (port, taken) in [
        ("9090:80", "0.0.0.0:9090/tcp"),
        ("127.0.0.1:9090:80", "127.0.0.1:9090/tcp"),
        ("9053:53/udp", "0.0.0.0:9053/udp"),
    ] {
        let run = host.minet(format!("run --rm -p {port} -- true"));
        run.refused(&[
            taken,
            "the port is used by docker-proxy",
            "docker ps --filter publish=90",
            "address already in use",
        ]);
    }
    let refused = |asked: Finished<'_>| {
        assert!(asked.stderr().contains("address already in use"), "{asked}");
        asked.end_with(125);
    };
    let rules = host.sh(OTHERS).succeed();
    refused(docker.run("run --rm -p 8080:80 world true"));
    refused(docker.run("run --rm -p 5353:53/udp world true"));
    assert_eq!(host.sh(OTHERS).succeed(), rules);
    // Without a proxy it is the daemon itself that holds the port.
    docker.stop();
    let docker = Docker::start(&host, "--userland-proxy=false");
    docker.start_again("one");
    let run = host.minet("run --rm -p 9090:80 -- true");
    run.refused(&["the port is used by dockerd", "docker ps --filter"]);
    leave(&host, web);
}

#[test]
fn each_avoids_the_other_s_subnets() {
    let host = TestHost::new();
    let docker = Docker::start(&host, "");
    let subnet = |network: &str| {
        let format = "{{(index .IPAM.Config 0).Subnet}}";
        host.exec(["docker", "network", "inspect", "--format", format, network])
            .succeed()
    };
    docker.run("network create theirs").succeed();
    let mut taken = vec![subnet("bridge"), subnet("theirs")];
    // The default network and one that is made, beside both of Docker's.
    let web = host.idle("web", "");
    host.minet("network create ours").succeed();
    for network in ["bridge", "ours"] {
        let inspect = host.minet(format!("network inspect {network}")).json();
        let subnet = inspect[0]["IPAM"]["Config"][0]["Subnet"].as_str();
        taken.push(subnet.expect("a subnet").to_owned());
    }
    docker.run("network create more").succeed();
    taken.push(subnet("more"));
    let all = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), all, "{taken:?}");
    host.minet("check").succeed();
    // What a user names is not moved: it says in whose way it is.
    let asked = host.minet("network create --subnet 172.17.128.0/24 named");
    asked.refused_with(1, &["172.17.128.0/24", "172.17.0.0/16", "on docker0"]);
    // And where Docker took it while the network was down, that is said.
    let create = "network create --subnet 10.55.0.0/24";
    host.minet(format!("{create} named")).succeed();
    host.minet("gc --all").succeed();
    docker.run(&format!("{create} named")).succeed();
    let run = host.minet("run --rm --network named -- true");
    for words in [
        "the same addresses belong to 10.55.0.0/24 on br-",
        "--subnet",
    ] {
        assert!(run.stderr().contains(words), "{run}");
    }
    let doctor = host.minet("doctor");
    let found = "WRONG    overlapping routes: 10.55.0.0/24 on br-";
    assert!(doctor.stdout().contains(found), "{doctor}");
    host.minet("rm -f web").succeed();
    web.finish();
}

#[test]
fn docker_that_comes_second_takes_another_subnet_and_keeps_it() {
    let host = TestHost::new();
    let web = host.idle("web", "");
    assert_eq!(host.address_of("web"), "172.17.0.2");
    let docker = Docker::start(&host, "");
    let addresses = host.exec("ip -brief address show docker0").succeed();
    assert!(addresses.contains("172.18.0.1/16"), "{addresses}");
    leave(&host, web);
    // minet's own is free again, and Docker's has not moved.
    let docker = docker.restart();
    let _web = host.idle("web", "");
    assert_eq!(host.address_of("web"), "172.17.0.2");
    let addresses = host.exec("ip -brief address show docker0").succeed();
    assert!(addresses.contains("172.18.0.1/16"), "{addresses}");
    docker.stop();
}

#[test]
fn who_was_there_and_was_cut_off_is_named_and_the_remedy_helps() {
    let host = TestHost::new();
    let _server = outside(&host);
    // An engine that is stopped leaves its bridge and rules, and somebody turns forwarding off.
    let stopped = docker(&host);
    stopped.stop();
    host.sh("echo 0 >/proc/sys/net/ipv4/ip_forward").succeed();
    let web = host.idle("web", "");
    let docker = Docker::start(&host, "");
    docker.start_again("one");
    let out = format!("tcp {SERVER}:80");
    docker.ask("one", &out).end_with(1);
    let found = host.minet("check").end_with(1);
    let difference = "when docker0 was there already, and drops what Docker would pass on";
    assert!(found.contains(difference), "{found}");
    let doctor = host.minet("doctor");
    let remedy =
        "stop minet's containers; minet gc --all; restart the other tool; start them again";
    assert!(doctor.stdout().contains(remedy), "{doctor}");
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
    let docker = docker.restart();
    let _web = host.idle("web", "");
    docker.start_again("one");
    assert_eq!(docker.ask("one", &out).succeed(), HOST);
    let by_web = format!("exec web -- {} ask {out}", host.probe());
    assert_eq!(host.minet(by_web.as_str()).succeed(), HOST);
    host.minet("check").succeed();
}
