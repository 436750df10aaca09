//! `publish --take` that does not get to its end.

use minet_tests::{HOST, Place, TestHost, eventually};

fn serve(host: &TestHost, options: &str, socket: &str) {
    let probe = host.probe();
    host.minet(format!("run -d {options} -- {probe} serve {socket}"))
        .succeed();
}

/// What the probe behind the port says, from outside and by the relay.
fn answers(host: &TestHost) -> bool {
    let asked = |place, address: &str| host.ask(place, &format!("tcp {address}:8080")).code() == 0;
    asked(Place::Neighbour, HOST) && asked(Place::Host, "[::1]")
}

fn supervisor(host: &TestHost, name: &str) -> String {
    let init = host.inspect(name)["State"]["Pid"].to_string();
    host.sh(&format!("awk '/^PPid/ {{print $2}}' /proc/{init}/status"))
        .succeed()
}

fn publishes(host: &TestHost, name: &str) -> bool {
    host.minet(["port", name]).stdout().contains("8080")
}

fn blue_and_green(host: &TestHost) {
    serve(host, "--name blue -p 8080:80", "tcp:80");
    serve(host, "--name green", "tcp:81");
}

#[test]
fn one_that_died_is_finished_by_the_next_command() {
    let host = TestHost::new();
    let before = host.snapshot();
    blue_and_green(&host);
    let blue = supervisor(&host, "blue");
    // A supervisor that does not answer: the map has changed, the sockets have not.
    host.exec(["kill", "-STOP", &blue]).succeed();
    let mut take = host.spawn_minet("publish --take green 8080:81");
    let leads_to_green = || {
        let map = host.exec("nft list map inet minet publish").succeed();
        map.contains(" . 81")
    };
    eventually("the map to be changed", leads_to_green);
    take.signal("KILL");
    assert_ne!(take.finish().code(), 0);
    host.exec(["kill", "-CONT", &blue]).succeed();

    host.minet("ps").succeed();
    assert!(publishes(&host, "green") && !publishes(&host, "blue"));
    assert!(answers(&host));
    assert_eq!(host.minet("check").succeed(), "");
    // Neither starts with what it does not have.
    host.minet("restart -t 0 blue green").succeed();
    assert!(publishes(&host, "green") && !publishes(&host, "blue"));
    host.minet("rm -f blue green").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn one_whose_taker_died_with_it_is_taken_back() {
    let host = TestHost::new();
    blue_and_green(&host);
    let blue = supervisor(&host, "blue");
    host.exec(["kill", "-STOP", &blue]).succeed();
    let mut take = host.spawn_minet("publish --take green 8080:81");
    eventually("the map to be changed", || {
        let map = host.exec("nft list map inet minet publish").succeed();
        map.contains(" . 81")
    });
    take.signal("KILL");
    take.finish();
    host.exec(["kill", "-KILL", &supervisor(&host, "green")])
        .succeed();
    host.exec(["kill", "-CONT", &blue]).succeed();
    host.minet("gc").succeed();
    assert!(publishes(&host, "blue"));
    assert!(answers(&host));
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("rm green").succeed();
    host.minet("restart -t 0 blue").succeed();
    assert!(answers(&host));
}

#[test]
fn one_that_fails_leaves_the_port_where_it_was() {
    let host = TestHost::new();
    blue_and_green(&host);
    let green = supervisor(&host, "green");
    host.exec(["kill", "-STOP", &green]).succeed();
    let failed = host.minet("publish --take green 8080:81");
    assert_eq!(failed.code(), 1, "{failed}");
    host.exec(["kill", "-CONT", &green]).succeed();
    assert!(publishes(&host, "blue") && !publishes(&host, "green"));
    assert!(answers(&host));
    assert_eq!(host.minet("check").succeed(), "");
    // And now it works.
    host.minet("publish --take green 8080:81").succeed();
    assert!(publishes(&host, "green") && !publishes(&host, "blue"));
    assert!(answers(&host));
    assert_eq!(host.minet("check").succeed(), "");
}
