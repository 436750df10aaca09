//! Ports of running containers: published, unpublished, and held all the while.

use minet_tests::{HOST, HOST_V6, Place, TestHost};

fn answers(host: &TestHost, place: Place, to: &str) -> bool {
    host.ask(place, &format!("tcp {to}")).code() == 0
}

#[test]
fn a_port_comes_and_goes_while_the_container_runs() {
    let host = TestHost::new();
    let web = host.serve("--name web", "tcp:80 tcp:81");
    let lan = format!("{HOST}:8080");
    assert!(!answers(&host, Place::Neighbour, &lan));
    let published = host.minet("publish web 8080:80").succeed();
    assert_eq!(published, "0.0.0.0:8080->80/tcp\n[::]:8080->80/tcp");
    assert!(answers(&host, Place::Neighbour, &lan));
    for address in ["127.0.0.1:8080", "[::1]:8080", &lan] {
        assert!(answers(&host, Place::Host, address), "{address}");
    }
    let ports = host.minet("ps --no-trunc").succeed();
    assert!(ports.contains("0.0.0.0:8080->80/tcp"), "{ports}");
    // It is held: nobody else gets it.
    host.minet("run -p 8080:80 -- true")
        .refused(&["8080", "web"]);
    let bound = host.exec("busybox timeout 1 busybox nc -l -p 8080");
    assert!(bound.stderr().contains("in use"), "{bound}");
    assert_eq!(host.minet("check web").succeed(), "");

    host.minet("unpublish web 8080:80").succeed();
    for address in ["127.0.0.1:8080", "[::1]:8080", &lan] {
        assert!(!answers(&host, Place::Host, address), "{address}");
    }
    host.minet("unpublish web 8080:80")
        .refused_with(1, &["80/tcp", "web"]);
    assert_eq!(host.minet("check web").succeed(), "");
    // And free again.
    let other = host.serve("--name other -p 8080:80", "tcp:80");
    assert!(answers(&host, Place::Neighbour, &lan));
    drop((web, other));
}

#[test]
fn what_run_published_can_be_unpublished_and_published_elsewhere() {
    let host = TestHost::new();
    let web = host.serve(
        "--name web -p 8080:80 -p 127.0.0.1:9000:81",
        "tcp:80 tcp:81",
    );
    host.minet("unpublish web 80").succeed();
    assert!(!answers(&host, Place::Neighbour, &format!("{HOST}:8080")));
    assert!(answers(&host, Place::Host, "127.0.0.1:9000"));
    host.minet("publish web 8081:80 8082:80").succeed();
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8081")));
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8082")));
    host.minet("network create net").succeed();
    host.minet("network connect --gw-priority 1 net web")
        .succeed();
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8081")));
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8082")));
    drop(web);
}

#[test]
fn a_port_asked_for_twice_is_unpublished_once_and_for_all() {
    let host = TestHost::new();
    host.leave(
        "--name web -p 8080:80 -p 8080:80 -p 8090-8091:90-91",
        "exec sleep 1000",
    );
    host.minet("unpublish web 80 8080:80").succeed();
    host.minet("publish web 8080:80 8080:80").succeed();
    assert_eq!(
        host.minet("unpublish web 8080:80 80").succeed(),
        "0.0.0.0:8080->80/tcp\n[::]:8080->80/tcp"
    );
    host.minet("restart -t 0 web").succeed();
    assert_eq!(host.minet("port web 90").succeed().lines().count(), 2);
    host.minet("port web 80").refused_with(1, &["80/tcp"]);
}

#[test]
fn a_published_port_goes_with_the_container() {
    let host = TestHost::new();
    let web = host.serve("--name web", "tcp:80");
    host.minet("publish web 8080:80").succeed();
    host.minet("rm -f web").succeed();
    drop(web);
    let left = host.exec("nft list map inet minet publish").succeed();
    assert!(!left.contains("8080"), "{left}");
    let other = host.serve("--name other -p 8080:80", "tcp:80");
    drop(other);
}

#[test]
fn a_container_in_the_background_publishes_too() {
    let host = TestHost::new();
    let probe = host.probe();
    host.minet(format!("run -d --name web -- {probe} serve tcp:80"))
        .succeed();
    host.minet("publish web 8080:80").succeed();
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8080")));
    assert!(answers(&host, Place::Host, "[::1]:8080"));
    host.minet("unpublish web 8080:80").succeed();
    assert!(!answers(&host, Place::Host, "[::1]:8080"));
    host.minet("rm -f web").succeed();
}

#[test]
fn what_cannot_be_published_is_refused_and_changes_nothing() {
    let host = TestHost::new();
    let web = host.serve("--name web -p 8080:80", "tcp:80");
    let other = host.idle("other", "");
    let alone = host.idle("alone", "--mode none");
    let guest = host.idle("guest", "--mode container:web");
    let native = host.idle("native", "--mode host");
    for (command, words) in [
        ("publish other 8080:80", "web"),
        ("publish other 8081:80 8080:81", "web"),
        ("publish alone 8081:80", "no network that leads out"),
        ("publish guest 8081:80", "minet publish web"),
        ("publish native 8081:80", "reached without publishing"),
        ("publish nobody 8081:80", "No such container: nobody"),
        ("unpublish other 80", "other"),
    ] {
        host.minet(command).refused_with(1, &[words]);
    }
    assert_eq!(host.minet("check").succeed(), "");
    assert!(!answers(&host, Place::Host, "127.0.0.1:8081"));
    assert!(answers(&host, Place::Host, "127.0.0.1:8080"));
    // Of another instance, minet only knows that it is one.
    let elsewhere = format!("--root {}/other", host.scratch_dir().display());
    host.minet(format!("{elsewhere} run -p 8080:80 -- true"))
        .refused(&["8080", "another --root"]);
    drop((guest, native, web, other, alone));
}

/// On every path: by the kernel, and where the supervisor relays.
#[test]
fn taken_back_and_forth_under_load_no_connection_is_lost() {
    let host = TestHost::new();
    let _blue = host.serve("--name blue -p 8080:80", "tcp:80");
    let _green = host.serve("--name green", "tcp:80");
    let probe = host.probe();
    let paths = [
        (Place::Neighbour, format!("{HOST}:8080")),
        (Place::Neighbour, format!("[{HOST_V6}]:8080")),
        (Place::Host, "127.0.0.1:8080".to_owned()),
        (Place::Host, "[::1]:8080".to_owned()),
    ];
    let end = host.scratch_dir().join("end").display().to_string();
    let clients: Vec<_> = paths
        .iter()
        .map(|(place, address)| host.spawn(*place, format!("{probe} insist {address} {end}")))
        .collect();
    for _ in 0..15 {
        for name in ["green", "blue"] {
            host.minet(format!("publish --take {name} 8080:80"))
                .succeed();
        }
    }
    host.exec(["touch", &end]).succeed();
    for (client, (_, address)) in clients.into_iter().zip(&paths) {
        let told = client.finish().succeed();
        let asked: u32 = told.split(' ').next().unwrap().parse().unwrap();
        assert!(
            told.ends_with("asked, 0 lost") && asked > 50,
            "{address}: {told}"
        );
    }
    assert_eq!(host.minet("check").succeed(), "");
}

/// Those that were made before are finished by who accepted them.
#[test]
fn connections_outlive_the_port_by_which_they_came() {
    let host = TestHost::new();
    let _blue = host.serve("--name blue -p 8080:80", "tcp:80");
    let _green = host.serve("--name green", "tcp:80");
    let probe = host.probe();
    for end in ["publish --take green 8080:80", "unpublish green 8080:80"] {
        let paths = [
            (Place::Neighbour, format!("{HOST}:8080")),
            (Place::Neighbour, format!("[{HOST_V6}]:8080")),
            (Place::Host, "[::1]:8080".to_owned()),
        ];
        let mut clients: Vec<_> = paths
            .iter()
            .map(|(place, address)| host.spawn(*place, format!("{probe} wait {address}")))
            .collect();
        for client in &mut clients {
            client.wait_for("connected");
        }
        host.minet(end).succeed();
        for client in clients {
            client.finish().succeed();
        }
    }
}

/// Blue and green: a client that asks all the time never misses an answer.
#[test]
fn a_port_is_taken_over_without_a_gap() {
    let host = TestHost::new();
    let blue = host.serve("--name blue -p 8080:80", "tcp:80");
    let green = host.serve("--name green", "tcp:81");
    let probe = host.probe();
    let script = format!(
        "for i in $(seq 60); do {probe} ask tcp {HOST}:8080 >/dev/null || echo lost; done; echo done"
    );
    let mut client = host.spawn(Place::Neighbour, ["sh", "-c", &script]);
    let taken = host.minet("publish --take green 8080:81").succeed();
    assert_eq!(taken, "0.0.0.0:8080->81/tcp\n[::]:8080->81/tcp");
    client.wait_for("done");
    assert!(!client.stdout().contains("lost"), "{}", client.stdout());
    for address in ["127.0.0.1:8080", "[::1]:8080"] {
        assert!(answers(&host, Place::Host, address), "{address}");
    }
    host.minet("run -p 8080:80 -- true")
        .refused(&["8080", "green"]);
    assert_eq!(
        host.minet("publish --take green 8080:81").succeed(),
        taken,
        "it is so already"
    );
    host.minet("publish --take green 8080:82")
        .refused_with(1, &["publishes", "already"]);
    host.minet("publish --take green 81")
        .refused_with(1, &["--take takes over one host port"]);
    // The end of the old one does not take the port along.
    host.minet("rm -f blue").succeed();
    drop(blue);
    assert!(answers(&host, Place::Neighbour, &format!("{HOST}:8080")));
    assert_eq!(host.minet("check").succeed(), "");
    drop(green);
}
