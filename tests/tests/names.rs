//! `/etc/hosts`, `/etc/resolv.conf`, `/etc/hostname`: three files of the container's own.

use minet_tests::TestHost;

#[test]
fn the_container_knows_its_own_name() {
    let host = TestHost::new();
    let script = "hostname; cat /etc/hostname; grep web1 /etc/hosts; getent hosts web1";
    let seen = host.run_sh("-h web1 --ip 172.17.0.9", script).succeed();
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..3], ["web1", "web1", "172.17.0.9\tweb1"]);
    assert!(lines[3].starts_with("172.17.0.9"), "{seen}");
}

#[test]
fn without_a_hostname_it_is_the_short_id() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let id = host.inspect("web")["Id"]
        .as_str()
        .expect("an ID")
        .to_owned();
    assert_eq!(host.minet("exec web -- hostname").succeed(), id[..12]);
    assert_eq!(host.exec("hostname").succeed(), "throwaway");
}

#[test]
fn a_hostname_with_a_domain_gives_two_names() {
    let host = TestHost::new();
    let seen = host
        .run_sh("-h web.example.org --ip 172.17.0.9", "grep web /etc/hosts")
        .succeed();
    assert_eq!(seen, "172.17.0.9\tweb.example.org web");
}

#[test]
fn the_hosts_file_has_loopback_and_what_was_added() {
    let host = TestHost::new();
    let options = "--add-host db:10.0.0.5 --add-host six=[fd00::5] --add-host up:host-gateway";
    let hosts = host
        .minet(format!("run --rm {options} -- cat /etc/hosts"))
        .succeed();
    for line in [
        "127.0.0.1\tlocalhost",
        "10.0.0.5\tdb",
        "fd00::5\tsix",
        "172.17.0.1\tup",
    ] {
        assert!(hosts.lines().any(|l| l == line), "no {line:?} in\n{hosts}");
    }
    let hosts = host
        .minet("run --rm --mode none -- cat /etc/hosts")
        .succeed();
    assert!(hosts.contains("127.0.0.1\tlocalhost"), "{hosts}");
    let hosts = host
        .minet("run --rm --mode host --add-host db:10.0.0.5 -- cat /etc/hosts")
        .succeed();
    assert!(hosts.contains("10.0.0.5\tdb"), "{hosts}");
}

#[test]
fn resolv_conf_leads_to_the_containers_own_resolver() {
    let host = TestHost::new();
    let resolv_conf = host.minet("run --rm -- cat /etc/resolv.conf").succeed();
    let lines: Vec<&str> = resolv_conf
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(lines.contains(&"nameserver 127.0.0.11"), "{resolv_conf}");
    assert!(lines.contains(&"search lan.example"), "{resolv_conf}");
    let asked = "# ExtServers: [host(127.0.0.53) host(192.168.120.1)]";
    assert!(resolv_conf.contains(asked), "{resolv_conf}");
    let resolv_conf = host
        .minet("run --rm --mode none -- cat /etc/resolv.conf")
        .succeed();
    assert!(
        resolv_conf.contains("nameserver 192.168.120.1") && !resolv_conf.contains("127.0.0.53"),
        "without a cable nobody answers, and its own loopback is not the host's\n{resolv_conf}"
    );
    let resolv_conf = host
        .minet("run --rm --mode host -- cat /etc/resolv.conf")
        .succeed();
    assert!(
        resolv_conf.contains("127.0.0.53"),
        "there, the loopback is the host's\n{resolv_conf}"
    );
}

#[test]
fn dns_options_replace_what_the_host_has() {
    let host = TestHost::new();
    let options = "--dns 192.0.2.53 --dns 2001:db8::53 --dns-search a.example --dns-search b.example --dns-option ndots:2";
    let resolv_conf = host
        .minet(format!("run --rm {options} -- cat /etc/resolv.conf"))
        .succeed();
    for line in [
        "nameserver 127.0.0.11",
        "# ExtServers: [192.0.2.53 2001:db8::53]",
        "search a.example b.example",
        "options ndots:2",
    ] {
        assert!(
            resolv_conf.lines().any(|l| l == line),
            "no {line:?} in\n{resolv_conf}"
        );
    }
    assert!(!resolv_conf.contains("192.168.120.1"), "{resolv_conf}");
    let resolv_conf = host
        .minet("run --rm --dns-search . -- cat /etc/resolv.conf")
        .succeed();
    assert!(
        !resolv_conf.lines().any(|line| line.starts_with("search")),
        "{resolv_conf}"
    );
    assert!(resolv_conf.contains("host(192.168.120.1)"), "{resolv_conf}");
}

#[test]
fn the_files_are_the_containers_own_and_may_be_written() {
    let host = TestHost::new();
    let sums = "cat /etc/hosts /etc/hostname /etc/resolv.conf | cksum";
    let before = host.sh(sums).succeed();
    let script = "for file in hosts hostname resolv.conf; do
            echo '# mine' >>/etc/$file; tail -n 1 /etc/$file; done";
    assert_eq!(host.run_sh("", script).succeed(), "# mine\n# mine\n# mine");
    assert_eq!(host.sh(sums).succeed(), before);
}

#[test]
fn a_file_that_the_host_lacks_is_missed_aloud() {
    let host = TestHost::new();
    host.sh("rm /etc/resolv.conf; ln -sf ../run/nobody /etc/hosts")
        .succeed();
    let said = host.minet("run --rm -- true");
    for words in ["has no /etc/resolv.conf", "/etc/hosts is a link that leads"] {
        assert!(said.stderr().contains(words), "{said}");
    }
    said.succeed();
    host.sh("touch /etc/resolv.conf /run/nobody").succeed();
    let said = host.minet("run --rm -- grep 127.0.0.11 /etc/resolv.conf");
    assert!(!said.stderr().contains("WARNING"), "{said}");
    said.succeed();
}
