//! The name server of a container, asked by real clients.

use minet_tests::{Place, Running, TestHost, eventually};

/// The addresses that `dig +short` gives in this container, in order.
fn dig(host: &TestHost, container: &str, question: &str) -> Vec<String> {
    let words = format!("exec {container} dig +short +tries=1 +time=6 {question}");
    let answer = host.minet(words).succeed();
    let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The answer's code.
fn status(host: &TestHost, container: &str, question: &str) -> String {
    let words = format!("exec {container} dig +tries=1 +time=6 {question}");
    let answer = host.minet(words).succeed();
    let status = answer.split("status: ").nth(1);
    let status = status.and_then(|rest| rest.split(',').next());
    status.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// A container that sleeps.
fn leave(host: &TestHost, name: &str, options: &str) {
    host.leave(&format!("--name {name} {options}"), "exec sleep 1000");
}

fn address(host: &TestHost, name: &str, network: &str) -> String {
    let inspect = host.inspect(name);
    let address = &inspect["NetworkSettings"]["Networks"][network]["IPAddress"];
    address.as_str().expect("an address").to_owned()
}

/// The host's resolv.conf says what a test wants, and is its own.
fn resolv_conf(host: &TestHost, text: &str) {
    let path = host.file("servers", text);
    let copy = format!("cat {} >/etc/resolv.conf", path.display());
    host.sh(&copy).succeed();
}

fn upstream<'h>(host: &'h TestHost, at: &str, address: &str) -> Running<'h> {
    let probe = host.probe();
    let mut server = host.spawn(Place::Host, format!("{probe} dns {at} {address}"));
    server.wait_for("ready");
    server
}

#[test]
fn names_on_the_default_network_are_answered_to_every_kind_of_client() {
    let host = TestHost::new();
    // With suffixes, nslookup of busybox never asks for the name as it is.
    resolv_conf(&host, "nameserver 127.0.0.53\n");
    leave(&host, "web", "-h www.example");
    leave(&host, "asker", "");
    let web = host.address_of("web");
    let short = host.inspect("web")["Id"].as_str().unwrap()[..12].to_owned();
    for name in [
        "web",
        "WEB",
        "web.bridge",
        "Web.Bridge.",
        "www.example",
        &short,
    ] {
        assert_eq!(dig(&host, "asker", name), [web.as_str()], "{name}");
    }
    assert_eq!(dig(&host, "asker", "+tcp web"), [web.as_str()]);
    let says = |command: &str| host.minet(format!("exec asker {command}")).succeed();
    assert!(says("getent hosts web").starts_with(&web));
    assert_eq!(says("host web"), format!("web has address {web}"));
    assert!(says("busybox nslookup web").contains(&format!("Address: {web}")));
    assert_eq!(dig(&host, "asker", &format!("-x {web}")), ["web.bridge."]);
    let gateway = dig(&host, "asker", "host.minet.internal");
    assert_eq!(
        dig(&host, "asker", &format!("-x {}", gateway[0])),
        ["host.minet.internal."]
    );
}

#[test]
fn who_is_known_and_lacks_what_is_asked_is_answered_with_nothing() {
    let host = TestHost::new();
    leave(&host, "web", "");
    for kind in ["AAAA", "MX", "TXT", "SRV"] {
        assert_eq!(status(&host, "web", &format!("web {kind}")), "NOERROR");
        assert!(dig(&host, "web", &format!("web {kind}")).is_empty());
    }
    assert_eq!(status(&host, "web", "nobody"), "NXDOMAIN");
    assert_eq!(status(&host, "web", "version.bind CH TXT"), "REFUSED");
    assert_eq!(status(&host, "web", "+opcode=NOTIFY web"), "NOTIMP");
    let ttl = host.minet("exec web dig +noall +answer web").succeed();
    assert!(ttl.contains("\t0\tIN\tA\t"), "{ttl}");
}

#[test]
fn an_alias_of_several_is_shuffled_and_stays_on_its_network() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    host.minet("network create blue").succeed();
    for name in ["db1", "db2", "db3"] {
        leave(&host, name, "--network red --network-alias store");
    }
    leave(&host, "asker", "--network red");
    leave(&host, "stranger", "--network blue");
    let mut all: Vec<String> = ["db1", "db2", "db3"]
        .map(|name| address(&host, name, "red"))
        .to_vec();
    all.sort();
    assert_eq!(dig(&host, "asker", "store"), all);
    let script = "for i in $(seq 40); do dig +short store | head -n 1; done | sort -u | wc -l";
    let firsts = host.minet(["exec", "asker", "sh", "-c", script]).succeed();
    assert_eq!(firsts, "3", "each is first now and then");
    for name in ["store", "db1", "db1.red"] {
        assert!(dig(&host, "stranger", name).is_empty(), "{name}");
    }
    assert_eq!(status(&host, "stranger", "db1"), "NXDOMAIN");
}

#[test]
fn a_change_is_seen_by_the_next_question() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    leave(&host, "asker", "--network red");
    assert_eq!(status(&host, "asker", "late"), "NXDOMAIN");
    leave(&host, "late", "--network red");
    let first = address(&host, "late", "red");
    assert_eq!(dig(&host, "asker", "late"), [first.as_str()]);
    host.minet("stop -t 0 late").succeed();
    assert_eq!(status(&host, "asker", "late"), "NXDOMAIN");
    assert_eq!(status(&host, "asker", "late.red"), "NXDOMAIN");
    host.minet("start late").succeed();
    assert_eq!(dig(&host, "asker", "late"), [first.as_str()]);
    host.minet("rename late early").succeed();
    assert_eq!(status(&host, "asker", "late"), "NXDOMAIN");
    assert_eq!(dig(&host, "asker", "early"), [first.as_str()]);
    host.minet("rm -f early").succeed();
    assert_eq!(status(&host, "asker", "early"), "NXDOMAIN");
}

#[test]
fn connecting_and_disconnecting_changes_who_is_known() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    leave(&host, "db", "--network red");
    leave(&host, "asker", "");
    assert_eq!(status(&host, "asker", "db"), "NXDOMAIN");
    host.minet("network connect --alias me red asker").succeed();
    let db = address(&host, "db", "red");
    assert_eq!(dig(&host, "asker", "db"), [db.as_str()]);
    assert_eq!(dig(&host, "db", "me"), [address(&host, "asker", "red")]);
    host.minet("network disconnect red asker").succeed();
    assert_eq!(status(&host, "asker", "db"), "NXDOMAIN");
    assert_eq!(status(&host, "db", "me"), "NXDOMAIN");
}

#[test]
fn a_program_may_bind_port_53_itself() {
    let host = TestHost::new();
    leave(&host, "web", "");
    let web = host.address_of("web");
    let probe = host.probe();
    let script = format!("exec {probe} serve tcp:53 udp:53");
    let mut server = host.spawn_minet(["run", "--name", "dns", "--", "sh", "-c", &script]);
    server.wait_for("ready");
    assert_eq!(dig(&host, "dns", "web"), [web.as_str()]);
    assert_eq!(dig(&host, "dns", "+tcp web"), [web.as_str()]);
    let own = host.address_of("dns");
    let asked = host.minet(format!("exec web {probe} ask udp {own}:53"));
    assert_eq!(
        asked.succeed(),
        web,
        "the program is reached at its address"
    );
}

#[test]
fn the_host_is_asked_for_what_is_elsewhere() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\nsearch corp.example\n");
    leave(&host, "web", "");
    let mut server = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    assert_eq!(dig(&host, "web", "a.example"), ["192.0.2.1"]);
    assert_eq!(dig(&host, "web", "+tcp b.example"), ["192.0.2.1"]);
    assert_eq!(status(&host, "web", "no.example"), "NXDOMAIN");
    assert_eq!(dig(&host, "web", "slow.example"), ["192.0.2.1"]);
    assert_eq!(dig(&host, "web", "lie.example"), ["192.0.2.1"]);
    assert_eq!(dig(&host, "web", "cut.example"), ["192.0.2.1"]);
    assert_eq!(status(&host, "web", "refuse.example"), "REFUSED");
    assert_eq!(status(&host, "web", "fail.example"), "SERVFAIL");
    // What it prints comes a moment later.
    server.wait_for("refuse.example 1");
    server.wait_for("fail.example 1");
    let asked = server.stdout();
    assert!(asked.contains("udp asks a.example 1 edns 1232"), "{asked}");
    assert!(asked.contains("tcp asks b.example 1"), "{asked}");
    assert!(asked.contains("tcp asks cut.example 1"), "{asked}");
    let resolv_conf = host.minet("exec web cat /etc/resolv.conf").succeed();
    assert!(
        resolv_conf.contains("# ExtServers: [host(127.0.0.53)]"),
        "{resolv_conf}"
    );
}

#[test]
fn a_container_is_found_before_the_hosts_domain_and_stays_a_secret() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\nsearch corp.example\n");
    let mut server = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    leave(&host, "db", "");
    let db = host.address_of("db");
    let script =
        "getent ahostsv4 db | head -n 1; dig +search +short db; dig db.bridge AAAA; dig nobody";
    let said = host.minet(["exec", "db", "sh", "-c", script]).succeed();
    assert!(said.starts_with(&db), "{said}");
    assert!(!said.contains("192.0.2.1"), "{said}");
    assert_eq!(server.stdout().trim(), "ready", "nobody was asked");
    // This one completes each name without a dot.
    for (options, name) in [("", "db.bridge"), ("--dns-search .", "db")] {
        let script = format!("busybox nslookup {name}");
        let said = host.run_sh(options, &script).succeed();
        assert!(said.contains(&format!("Address: {db}")), "{said}");
    }
    // Only then the domain: a machine of that name in the host's.
    let elsewhere = host.minet("exec db getent ahostsv4 printer").succeed();
    assert!(elsewhere.starts_with("192.0.2.1"), "{elsewhere}");
    server.wait_for("asks printer.corp.example 1");
    assert!(!server.stdout().contains("asks printer 1"));
    leave(&host, "open", "--dns-single-label");
    assert_eq!(dig(&host, "open", "intranet"), ["192.0.2.1"]);
}

#[test]
fn servers_stand_in_for_one_another_and_a_changed_list_is_followed() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.51\nnameserver 127.0.0.52\n");
    leave(&host, "web", "");
    let _second = upstream(&host, "127.0.0.52:53", "192.0.2.2");
    // Nobody is at the first address, and the kernel says so.
    let began = std::time::Instant::now();
    assert_eq!(dig(&host, "web", "a.example"), ["192.0.2.2"]);
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    resolv_conf(&host, "nameserver 127.0.0.53\nnameserver 127.0.0.52\n");
    let _third = upstream(&host, "127.0.0.53:53", "192.0.2.3");
    assert_eq!(dig(&host, "web", "b.example"), ["192.0.2.3"]);
    assert_eq!(status(&host, "web", "refuse.example"), "REFUSED");
    let began = std::time::Instant::now();
    assert_eq!(status(&host, "web", "silent.example"), "SERVFAIL");
    assert!(began.elapsed() < std::time::Duration::from_secs(6));
}

/// With the name of an interface behind it, or with its number.
#[test]
fn ipv6_servers_are_asked_also_those_of_a_link() {
    let host = TestHost::new();
    host.sh("ip address add fe80::53/64 dev lan0 nodad")
        .succeed();
    let number = host.sh("cat /sys/class/net/lan0/ifindex").succeed();
    leave(&host, "web", "");
    let _loopback = upstream(&host, "[::1]:53", "192.0.2.1");
    let _link = upstream(&host, &format!("[fe80::53%{number}]:53"), "192.0.2.2");
    for (server, address) in [
        ("::1".to_owned(), "192.0.2.1"),
        ("fe80::53%lan0".to_owned(), "192.0.2.2"),
        (format!("fe80::53%{number}"), "192.0.2.2"),
    ] {
        resolv_conf(&host, &format!("nameserver {server}\n"));
        assert_eq!(dig(&host, "web", "a.example"), [address], "{server}");
        assert_eq!(dig(&host, "web", "+tcp a.example"), [address], "{server}");
    }
    resolv_conf(&host, "nameserver fe80::54%lan0\nnameserver 127.0.0.9\n");
    let told = host.minet("dns web a.example").succeed();
    let why = "no server outside answered: fe80::54, 127.0.0.9, asked from the host";
    assert!(told.contains(why), "{told}");
}

#[test]
fn chosen_servers_are_asked_from_within() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\n");
    let hosts = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    let script = format!("exec {} dns 127.0.0.1:53 192.0.2.9", host.probe());
    let words = [
        "run",
        "--name",
        "own",
        "--dns",
        "127.0.0.1",
        "--",
        "sh",
        "-c",
        &script,
    ];
    let mut own = host.spawn_minet(words);
    own.wait_for("ready");
    assert_eq!(dig(&host, "own", "a.example"), ["192.0.2.9"]);
    assert_eq!(dig(&host, "own", "+tcp a.example"), ["192.0.2.9"]);
    assert_eq!(hosts.stdout().trim(), "ready", "the host's is not asked");
}

#[test]
fn an_internal_network_asks_nobody_outside() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\n");
    let server = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    host.minet("network create --internal inner").succeed();
    leave(&host, "a", "--network inner");
    leave(&host, "b", "--network inner");
    assert_eq!(dig(&host, "a", "b"), [address(&host, "b", "inner")]);
    assert_eq!(status(&host, "a", "secret.example"), "SERVFAIL");
    assert_eq!(status(&host, "a", "+tcp secret.example"), "SERVFAIL");
    assert_eq!(server.stdout().trim(), "ready", "nobody was asked");
    host.minet("network connect bridge a").succeed();
    assert_eq!(dig(&host, "a", "public.example"), ["192.0.2.1"]);
    host.minet("network disconnect bridge a").succeed();
    assert_eq!(status(&host, "a", "secret.example"), "SERVFAIL");
    assert!(!server.stdout().contains("secret"));
}

#[test]
fn answers_go_on_through_a_restart_and_for_those_who_share() {
    let host = TestHost::new();
    let script = "[ -e $0 ] && exec sleep 1000; : >$0; exit 1";
    let marker = host.scratch_dir().join("second").display().to_string();
    let words = [
        "run",
        "-d",
        "--restart",
        "always",
        "--name",
        "phoenix",
        "--",
        "sh",
        "-c",
        script,
        &marker,
    ];
    host.minet(words).succeed();
    eventually("the second life", || {
        host.inspect("phoenix")["RestartCount"] == 1
            && host.inspect("phoenix")["State"]["Status"] == "running"
    });
    leave(&host, "web", "");
    let web = host.address_of("web");
    assert_eq!(dig(&host, "phoenix", "web"), [web.as_str()]);
    leave(&host, "guest", "--network container:phoenix");
    assert_eq!(dig(&host, "guest", "web"), [web.as_str()]);
    assert_eq!(dig(&host, "web", "phoenix"), [host.address_of("phoenix")]);
}

/// Those who share a network know its names for as long as there is one of them.
#[test]
fn names_outlive_the_container_whose_network_it_is() {
    let host = TestHost::new();
    host.minet("network create --link-only lab").succeed();
    host.minet("run --rm --network lab -- true").succeed();
    let before = host.snapshot();
    let db = "--name db --network lab --expose 80";
    let served = host.serve(db, "tcp:80");
    leave(&host, "web", "--network lab --link db:store");
    leave(&host, "one", "--network container:web");
    let restarts = "--network container:one --restart always --name two";
    let long = host.scratch_dir().join("long").display().to_string();
    host.leave(
        restarts,
        &format!("[ -e {long} ] && exec sleep 1000; sleep 1"),
    );
    let restarts = || host.inspect("two")["RestartCount"].as_u64().unwrap_or(0);
    host.minet("stop -t 0 web").succeed();
    let reach = |guest: &str| {
        let address = address(&host, "db", "lab");
        eventually("the heir", || {
            let short = host.minet(format!("exec {guest} dig +short +tries=1 +time=1 store"));
            short.stdout().trim() == address
        });
        let hosts = host.minet(format!("exec {guest} cat /etc/hosts")).succeed();
        assert!(hosts.contains(&format!("{address}\tstore ")), "{hosts}");
        let ask = format!("exec {guest} {} ask tcp {address}:80", host.probe());
        host.minet(ask).succeed();
        let told = host.minet(format!("dns {guest} store")).succeed();
        assert!(told.contains(&address), "{told}");
    };
    reach("one");
    assert_eq!(status(&host, "one", "web"), "NXDOMAIN", "it does not run");
    // The source comes back elsewhere, and the way there is open.
    host.minet("rm -f db").succeed();
    drop(served);
    let served = host.serve(format!("{db} --ip 172.18.0.77"), "tcp:80");
    reach("one");
    let lives = restarts();
    eventually("another life, without the network's maker", || {
        restarts() > lives + 1
    });
    host.sh(&format!("touch {long}")).succeed();
    eventually("a long life", || {
        let top = host.minet("top two");
        top.code() == 0 && top.stdout().contains("sleep 1000")
    });
    host.minet("rm -f one").succeed();
    reach("two");
    host.minet("rm -f two web db").succeed();
    drop(served);
    before.assert_unchanged(&host);
}

#[test]
fn silent_connections_and_garbage_keep_nobody_from_an_answer() {
    let host = TestHost::new();
    leave(&host, "web", "");
    let web = host.address_of("web");
    let pester = format!("exec web {} pester 127.0.0.11:53", host.probe());
    let mut pest = host.spawn_minet(pester);
    pest.wait_for("ready");
    let began = std::time::Instant::now();
    assert_eq!(dig(&host, "web", "+tcp web"), [web.as_str()]);
    assert_eq!(dig(&host, "web", "web"), [web.as_str()]);
    assert!(began.elapsed() < std::time::Duration::from_secs(3));
}

#[test]
fn minet_tells_what_is_answered_and_why() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\n");
    host.minet("network create red").succeed();
    leave(
        &host,
        "db",
        "--network red --network-alias store -h primary",
    );
    leave(&host, "gone", "--network red");
    host.minet("stop -t 0 gone").succeed();
    leave(&host, "web", "--network red");
    let db = address(&host, "db", "red");
    let list = host.minet("dns web").succeed();
    let line = |name: &str| {
        let begins = |line: &&str| line.split_whitespace().next() == Some(name);
        let found = list.lines().find(begins);
        found.unwrap_or_else(|| panic!("no {name} in\n{list}"))
    };
    assert!(
        line("store").contains(&db) && line("store").contains("alias"),
        "{list}"
    );
    assert!(line("primary").contains("hostname"), "{list}");
    assert!(line("gone").contains("(not running)"), "{list}");
    assert!(line("host.minet.internal").contains("host"), "{list}");
    let told = host.minet("dns web STORE").succeed();
    assert!(
        told.contains("NOERROR") && told.contains("because STORE is an alias of db on red"),
        "{told}"
    );
    let told = host.minet(["dns", "--json", "web", &db]).json();
    assert_eq!(told["Status"], "NOERROR");
    assert_eq!(told["Type"], "PTR");
    assert!(
        told["Records"][0].as_str().unwrap().ends_with("db.red."),
        "{told:#}"
    );
    host.minet("link nobody:waits web").succeed();
    for (name, why) in [
        ("gone", "whoever is called so does not run"),
        ("gone.red", "whoever is called so does not run"),
        ("nothing", "without a dot, it is not asked for outside"),
        ("waits", "it is a link to nobody, which does not run"),
    ] {
        let told = host.minet(format!("dns web {name}")).succeed();
        assert!(told.contains("NXDOMAIN") && told.contains(why), "{told}");
    }
    let _server = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    let told = host.minet("dns web a.example").succeed();
    assert!(
        told.contains("192.0.2.1") && told.contains("127.0.0.53 said so"),
        "{told}"
    );
    host.minet("dns web a.example NONSENSE")
        .refused_with(1, &["NONSENSE", "type"]);
    host.minet("dns gone db")
        .refused_with(1, &["gone", "not running"]);
    leave(&host, "bare", "--mode none");
    host.minet("dns bare")
        .refused_with(1, &["bare", "no resolver"]);
}

#[test]
fn modes_without_cables_have_no_resolver() {
    let host = TestHost::new();
    for mode in ["none", "host"] {
        let words = format!("run --rm --mode {mode} -- cat /etc/resolv.conf");
        assert!(
            !host.minet(words).succeed().contains("127.0.0.11"),
            "{mode}"
        );
    }
}

#[test]
fn the_resolver_goes_with_its_container_and_check_sees_it() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    leave(&host, "one", "--network red");
    host.minet("rm -f one").succeed();
    let before = host.snapshot();
    leave(&host, "web", "--network red");
    assert_eq!(dig(&host, "web", "web"), [address(&host, "web", "red")]);
    host.minet("check").succeed();
    host.minet("nsenter web nft delete table netdev minet-dns")
        .succeed();
    let found = host.minet("check").end_with(1);
    assert!(found.contains("port 53"), "{found}");
    host.minet("repair").succeed();
    host.minet("check").succeed();
    assert_eq!(dig(&host, "web", "web"), [address(&host, "web", "red")]);
    host.minet("rm -f web").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_link_gives_its_name_to_its_receiver_alone() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    leave(&host, "db", "--network red");
    leave(&host, "stranger", "--network red");
    leave(&host, "web", "--network red --link db:mysql");
    let db = address(&host, "db", "red");
    for name in ["MySQL", "mysql.red"] {
        assert_eq!(dig(&host, "web", name), [db.as_str()], "{name}");
    }
    assert_eq!(status(&host, "web", "mysql AAAA"), "NOERROR");
    assert_eq!(status(&host, "stranger", "mysql"), "NXDOMAIN");
    host.minet("link db:sql stranger").succeed();
    assert_eq!(dig(&host, "stranger", "sql"), [db.as_str()]);
    let told = host.minet("dns stranger sql").succeed();
    assert!(
        told.contains("because sql is a link to db on red"),
        "{told}"
    );
    host.minet("stop -t 0 db").succeed();
    assert_eq!(status(&host, "stranger", "sql"), "NXDOMAIN");
    host.minet("start db").succeed();
    assert_eq!(dig(&host, "stranger", "sql"), [db.as_str()]);
    host.minet("unlink db:sql stranger").succeed();
    assert_eq!(status(&host, "stranger", "sql"), "NXDOMAIN");
}

#[test]
fn ipv6_addresses_have_names_too() {
    let host = TestHost::new();
    host.minet("network create --ipv6 --subnet 10.9.0.0/24 --subnet fd00:9::/64 dual")
        .succeed();
    let db = "--network dual --ip 10.9.0.7 --ip6 fd00:9::7 --network-alias store";
    leave(&host, "db", db);
    leave(&host, "web", "--network dual --link db:sql");
    for name in ["db", "db.dual", "store", "sql"] {
        assert_eq!(
            dig(&host, "web", &format!("{name} AAAA")),
            ["fd00:9::7"],
            "{name}"
        );
        assert_eq!(dig(&host, "web", name), ["10.9.0.7"], "{name}");
    }
    assert_eq!(dig(&host, "web", "-x fd00:9::7"), ["db.dual."]);
    let six = host.minet("exec web getent ahostsv6 sql").succeed();
    assert!(six.starts_with("fd00:9::7"), "{six}");
}

/// Both halves follow the host: the servers at once, the rest of the file at a start.
#[test]
fn the_hosts_resolv_conf_is_followed() {
    let host = TestHost::new();
    resolv_conf(&host, "nameserver 127.0.0.53\nsearch one.example\n");
    leave(&host, "web", "");
    let mut first = upstream(&host, "127.0.0.53:53", "192.0.2.1");
    let ask = || host.minet("exec web getent ahostsv4 printer").succeed();
    assert!(ask().starts_with("192.0.2.1"));
    first.wait_for("asks printer.one.example 1");
    // Written over, and renamed over as others do it.
    resolv_conf(&host, "nameserver 127.0.0.54\nsearch two.example\n");
    let mut second = upstream(&host, "127.0.0.54:53", "192.0.2.2");
    assert!(ask().starts_with("192.0.2.2"), "the next question");
    second.wait_for("asks printer.one.example 1");
    let path = host.file(
        "renamed",
        "nameserver 127.0.0.55\nsearch two.example\noptions timeout:4\n",
    );
    host.sh(&format!(
        "cp {} /etc/resolv.new && mv /etc/resolv.new /etc/resolv.conf",
        path.display()
    ))
    .succeed();
    let mut third = upstream(&host, "127.0.0.55:53", "192.0.2.3");
    // The kernel has taken the container's file away with the name it was mounted over; it
    // comes back.
    assert_eq!(dig(&host, "web", "@127.0.0.11 a.example"), ["192.0.2.3"]);
    eventually("the container's own file", || {
        let text = host.minet("exec web cat /etc/resolv.conf").succeed();
        text.starts_with("nameserver 127.0.0.11")
    });
    assert_eq!(dig(&host, "web", "b.example"), ["192.0.2.3"]);
    host.minet("stop -t 0 web").succeed();
    host.minet("start web").succeed();
    assert!(ask().starts_with("192.0.2.3"));
    third.wait_for("asks printer.two.example 1");
    let text = host.minet("exec web cat /etc/resolv.conf").succeed();
    assert!(
        text.contains("search two.example") && text.contains("timeout:4"),
        "{text}"
    );
}
