//! Links: one container knows another by a name, and goes on doing so.

use minet_tests::{TestHost, eventually};

/// The line of a container's hosts file that has this name, without its address.
fn line(host: &TestHost, container: &str, name: &str) -> Option<(String, Vec<String>)> {
    let hosts = host
        .minet(["exec", container, "cat", "/etc/hosts"])
        .succeed();
    let mut found = hosts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let address = words.next()?;
        let names: Vec<String> = words.collect();
        names
            .iter()
            .any(|known| known == name)
            .then_some((address, names))
    });
    let line = found.next();
    assert_eq!(found.next(), None, "one line for each name\n{hosts}");
    line
}

fn address(host: &TestHost, container: &str, name: &str) -> Option<String> {
    line(host, container, name).map(|(address, _)| address)
}

fn of(host: &TestHost, container: &str) -> Option<String> {
    let inspect = host.inspect(container);
    let address = inspect["NetworkSettings"]["IPAddress"].as_str();
    address.map(str::to_owned)
}

fn links(host: &TestHost) -> Vec<(String, String)> {
    let format = "{{.Source}}:{{.Aliases}} {{.State}}";
    let listed = host.minet(["link", "--format", format]).succeed();
    let pair = |line: &str| {
        let (link, state) = line.split_once(' ').expect("two words");
        (link.to_owned(), state.to_owned())
    };
    listed.lines().map(pair).collect()
}

const IDLE: &str = "exec sleep 1000";

#[test]
fn a_link_follows_its_source_wherever_it_goes() {
    let host = TestHost::new();
    let said = host.minet([
        "run",
        "-d",
        "--name",
        "web",
        "--link",
        "db001:db002 db003",
        "--",
        "sleep",
        "1000",
    ]);
    said.succeed();
    assert_eq!(address(&host, "web", "db002"), None);
    assert_eq!(
        links(&host),
        [(
            "db001:db002,db003".to_owned(),
            "waiting for source".to_owned()
        )]
    );

    // It comes.
    host.leave("--name db001", IDLE);
    assert_eq!(address(&host, "web", "db002"), of(&host, "db001"));
    let (_, names) = line(&host, "web", "db003").expect("a line");
    let id = host.inspect("db001")["Id"].as_str().expect("an ID")[..12].to_owned();
    assert_eq!(names, ["db002", "db003", id.as_str(), "db001"]);
    assert_eq!(links(&host)[0].1, "live");
    assert_eq!(
        host.minet(["inspect", "-f", "{{json .HostConfig.Links}}", "web"])
            .succeed(),
        r#"["/db001:/web/db002","/db001:/web/db003"]"#
    );
    // One way only.
    assert_eq!(address(&host, "db001", "web"), None);

    // It starts again, ends, is removed, and comes back somewhere else.
    host.minet("restart -t 0 db001").succeed();
    assert_eq!(address(&host, "web", "db002"), of(&host, "db001"));
    host.minet("stop -t 0 db001").succeed();
    assert_eq!(address(&host, "web", "db002"), None);
    host.minet("rm db001").succeed();
    host.leave("--name db001 --ip 172.17.0.77", IDLE);
    assert_eq!(
        address(&host, "web", "db002").as_deref(),
        Some("172.17.0.77")
    );

    // It gets another name, and the old one another container.
    host.minet("rename db001 pg").succeed();
    let (_, names) = line(&host, "web", "db002").expect("a line");
    assert_eq!(names.last().map(String::as_str), Some("pg"));
    host.leave("--name db001", IDLE);
    assert_eq!(
        address(&host, "web", "db002").as_deref(),
        Some("172.17.0.77")
    );

    // The receiver starts again.
    host.minet("restart -t 0 web").succeed();
    assert_eq!(
        address(&host, "web", "db002").as_deref(),
        Some("172.17.0.77")
    );
    host.minet("unlink pg:db003").succeed();
    let (_, names) = line(&host, "web", "db002").expect("a line");
    assert!(!names.contains(&"db003".to_owned()), "{names:?}");
    host.minet("unlink pg web").succeed();
    assert_eq!(address(&host, "web", "db002"), None);
    host.minet("restart -t 0 web").succeed();
    assert_eq!(
        address(&host, "web", "db002"),
        None,
        "what is taken back stays so"
    );
}

#[test]
fn a_running_container_gets_links_and_a_link_to_all_reaches_those_to_come() {
    let host = TestHost::new();
    for name in ["db", "web"] {
        host.leave(&format!("--name {name}"), IDLE);
    }
    host.minet("link db:store,shop web").succeed();
    let (_, names) = line(&host, "web", "shop").expect("a line");
    assert_eq!(names[..2], ["store", "shop"], "in the order given");
    assert_eq!(address(&host, "web", "shop"), of(&host, "db"));
    host.minet("link db:all").succeed();
    host.leave("--name late", IDLE);
    for container in ["web", "late"] {
        assert_eq!(
            address(&host, container, "all"),
            of(&host, "db"),
            "{container}"
        );
    }
    assert_eq!(address(&host, "late", "store"), None);
    assert_eq!(
        address(&host, "db", "all"),
        None,
        "nobody is linked to itself"
    );
    host.minet("link web:store late").succeed();
    host.minet("link web:store web")
        .refused_with(1, &["Cannot link /web to itself"]);
    let taken = host.minet("link late:store web");
    taken.refused_with(1, &["Conflict", "\"store\"", "\"web\"", "\"db\""]);
    host.minet("unlink db:all").succeed();
    assert_eq!(address(&host, "late", "all"), None);
    host.minet("unlink db:all")
        .refused_with(1, &["No such link: db:all"]);

    // A standing link stays for the next container of the name, one of `run` does not.
    host.minet("rm -f web").succeed();
    host.leave("--name web", IDLE);
    assert_eq!(address(&host, "web", "store"), of(&host, "db"));
    host.minet([
        "run", "-d", "--name", "api", "--link", "db", "--", "sleep", "1000",
    ])
    .succeed();
    assert_eq!(address(&host, "api", "db"), of(&host, "db"));
    host.minet("rm -f api").succeed();
    host.leave("--name api", IDLE);
    assert_eq!(address(&host, "api", "db"), None);
    host.minet("unlink --all").succeed();
    assert!(links(&host).is_empty());
    assert_eq!(address(&host, "web", "store"), None);
}

#[test]
fn a_link_waits_for_a_shared_network() {
    let host = TestHost::new();
    for network in ["front", "back"] {
        host.minet(["network", "create", network]).succeed();
    }
    host.leave("--name web --network front --link db", IDLE);
    host.leave("--name db --network back", IDLE);
    assert_eq!(links(&host)[0].1, "waiting for a shared network");
    assert_eq!(address(&host, "web", "db"), None);
    host.minet("network connect --ip 172.18.0.77 front db")
        .succeed();
    assert_eq!(address(&host, "web", "db").as_deref(), Some("172.18.0.77"));
    host.minet("network disconnect front db").succeed();
    assert_eq!(address(&host, "web", "db"), None);
    // The receiver comes to the source, and its user's own line stays.
    host.minet(["exec", "web", "sh", "-c", "echo 10.0.0.1 mine >>/etc/hosts"])
        .succeed();
    host.minet("network connect back web").succeed();
    assert_eq!(address(&host, "web", "db"), of(&host, "db"));
    assert_eq!(address(&host, "web", "mine").as_deref(), Some("10.0.0.1"));
}

#[test]
fn an_address_changed_by_hand_inside_is_followed() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 lab")
        .succeed();
    host.leave("--name web --network lab --link db", IDLE);
    let _db = host.serve("--name db --network lab --ip 10.9.0.5", "tcp:80");
    let change = |from: &str, to: &str| {
        host.sh(&format!(
            "ip -n db address delete {from}/24 dev eth0; ip -n db address add {to}/24 dev eth0"
        ))
        .succeed();
    };
    let is = |wanted: &str| address(&host, "web", "db").as_deref() == Some(wanted);
    change("10.9.0.5", "10.9.0.77");
    eventually("the new address", || is("10.9.0.77"));
    // The resolver follows, both ways, and so does its own line.
    let dig = |question: &str| {
        let words = format!("exec web dig +short +tries=1 {question}");
        host.minet(words).succeed()
    };
    assert_eq!(dig("db"), "10.9.0.77");
    assert_eq!(dig("-x 10.9.0.77"), "db.lab.");
    assert_eq!(dig("-x 10.9.0.5"), "");
    let hostname = host.minet("exec db hostname").succeed();
    assert_eq!(
        address(&host, "db", &hostname).as_deref(),
        Some("10.9.0.77")
    );
    let ask = format!("exec web timeout 5 {} ask tcp 10.9.0.77:80", host.probe());
    host.minet(ask).succeed();
    // The way out went with the address.
    host.exec("ip -n db route add default via 10.9.0.1")
        .succeed();
    assert_eq!(host.minet("check db").succeed(), "");
    // It is nobody else's now.
    host.minet("run --rm --network lab --ip 10.9.0.77 -- true")
        .refused(&["10.9.0.77", "db"]);
    // Somebody else's address is not believed, nor that of a name that rests.
    host.minet("run --name resting --network lab --ip 10.9.0.88 -- true")
        .succeed();
    change("10.9.0.77", "10.9.0.88");
    eventually("the lease again", || is("10.9.0.5"));
    change("10.9.0.88", "10.9.0.77");
    eventually("the new address again", || is("10.9.0.77"));
    let web = of(&host, "web").expect("an address");
    change("10.9.0.77", &web);
    eventually("the lease again", || is("10.9.0.5"));
    change(&web, "10.9.0.5");
    assert!(is("10.9.0.5"));
}

#[test]
fn what_is_no_link_is_refused_before_anything_is_made() {
    let host = TestHost::new();
    let before = host.snapshot();
    let run = |link: &str| host.minet(["run", "--name", "web", "--link", link, "--", "true"]);
    run("a:b:c").refused(&["bad format for links: a:b:c"]);
    run("").refused(&["empty string specified for links"]);
    run("db:a,A").refused(&["the alias A is given twice"]);
    run("db:a\n6.6.6.6 bank.com#").refused(&["bad format for links"]);
    run("web:me").refused(&["Cannot link /web to itself"]);
    let text = "conflicting options: host type networking can't be used with links. This would result in undefined behavior";
    host.minet("run --mode host --link db -- true")
        .refused(&[text]);
    host.minet("run --mode none --link db -- true")
        .refused(&["conflicting options: links"]);
    host.leave("--name web", IDLE);
    let text = "conflicting options: container type network can't be used with links. This would result in undefined behavior";
    host.minet("run --mode container:web --link db -- true")
        .refused(&[text]);
    host.minet("link db nobody")
        .refused_with(1, &["No such container: nobody"]);
    host.minet("rm -f web").succeed();
    host.minet("gc --all").succeed();
    assert_eq!(host.snapshot(), before);
    assert!(links(&host).is_empty());
}

/// Whoever shares a network is at the address of the one whose network it is, as in Docker;
/// who has none can be linked by nobody.
#[test]
fn a_link_to_a_guest_is_one_to_its_host() {
    let host = TestHost::new();
    host.leave("--name pod", IDLE);
    host.leave("--name guest --network container:pod", IDLE);
    host.leave("--name web --link guest:shop", IDLE);
    let pod = of(&host, "pod");
    assert_eq!(address(&host, "web", "shop"), pod);
    assert_eq!(links(&host)[0].0, "pod:shop");
    host.minet("link guest web").succeed();
    assert_eq!(address(&host, "web", "guest"), pod);
    host.minet("unlink guest:shop").succeed();
    assert_eq!(address(&host, "web", "shop"), None);
    host.leave("--name hosty --network host", IDLE);
    host.leave("--name bare --network none", IDLE);
    for (name, why) in [
        ("hosty", "host type networking can't be used with links"),
        ("bare", "links and a network mode without cables"),
    ] {
        let words = ["conflicting options", why, name];
        host.minet(format!("link {name}:x web"))
            .refused_with(1, &words);
        host.minet(format!("run --link {name}:x -- true"))
            .refused(&words);
    }
    // One that was awaited, and came as somebody who cannot be linked, can be forgotten.
    host.minet("rm -f hosty").succeed();
    host.minet("link hosty:x web").succeed();
    host.leave("--name hosty --network host", IDLE);
    host.minet("unlink hosty:x").succeed();
    let listed = host.minet(["link", "--format", "table {{.Source}}\t{{.Scope}}"]);
    let listed = listed.succeed();
    let words: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!(words, ["SOURCE", "SCOPE", "pod", "container"]);
}

#[test]
fn a_link_that_waits_says_so() {
    let host = TestHost::new();
    let said = host.minet("run --rm --link db:store -- true");
    let words = "db does not run yet: the link waits for it";
    assert!(said.stderr().contains(words), "{said}");
    said.succeed();
    // Each of its own, and once.
    for name in ["one", "two"] {
        host.leave(&format!("--name {name} --link db:store"), IDLE);
    }
    for command in ["run --rm --link db:store -- true", "link db:base one two"] {
        let said = host.minet(command);
        assert_eq!(said.stderr().matches(words).count(), 1, "{said}");
    }
    host.leave("--name db", IDLE);
    let said = host.minet("run --rm --link db:store -- true");
    assert_eq!(said.stderr(), "", "{said}");
    said.succeed();
}

#[test]
fn the_hosts_own_file_has_a_block_that_goes_again() {
    let host = TestHost::new();
    host.sh("printf '127.0.0.1 localhost\\n10.1.1.1 mine' >/etc/hosts; chmod 640 /etc/hosts")
        .succeed();
    let stat = || host.exec("stat -c %i-%a-%u /etc/hosts").succeed();
    let before = (host.exec("cat /etc/hosts").succeed(), stat());
    host.leave("--name db", IDLE);
    host.minet("link --host db:store").succeed();
    let hosts = host.exec("cat /etc/hosts").succeed();
    let want = format!(
        "{}\n# minet links begin\n{}\tstore\n# minet links end",
        before.0,
        of(&host, "db").unwrap_or_default()
    );
    assert_eq!(hosts, want);
    host.minet("rm -f db").succeed();
    assert!(!host.exec("cat /etc/hosts").succeed().contains("store"));
    host.leave("--name db --ip 172.17.0.77", IDLE);
    assert!(
        host.exec("cat /etc/hosts")
            .succeed()
            .contains("172.17.0.77\tstore")
    );
    host.minet("unlink db:store").succeed();
    assert_eq!((host.exec("cat /etc/hosts").succeed(), stat()), before);
}

#[test]
fn the_hosts_own_file_may_be_a_link_to_one_of_roots() {
    let host = TestHost::new();
    host.sh("mkdir /etc/static; mv /etc/hosts /etc/static; ln -s static/hosts /etc/hosts")
        .succeed();
    let before = host.exec("cat /etc/static/hosts").succeed();
    host.leave("--name db", IDLE);
    assert_eq!(host.minet("link --host db:store").stderr(), "");
    let hosts = host.exec("cat /etc/static/hosts").succeed();
    assert!(hosts.contains("\tstore"), "{hosts}");
    assert_eq!(host.exec("readlink /etc/hosts").succeed(), "static/hosts");
    host.minet("unlink --host db").succeed();
    assert_eq!(host.exec("cat /etc/static/hosts").succeed(), before);

    host.sh("chmod 777 /etc/static").succeed();
    let said = host.minet("link --host db:store");
    assert!(
        said.stderr()
            .contains("is a link to /etc/static/hosts, which others")
    );
    assert_eq!(host.exec("cat /etc/static/hosts").succeed(), before);
    host.sh("ln -sf nowhere /etc/hosts").succeed();
    let said = host.minet("unlink --host db");
    assert!(
        said.stderr().contains("follow the link /etc/hosts"),
        "{said}"
    );
}

/// Docker's variables, and only for who asks.
#[test]
fn legacy_variables_are_set_on_request() {
    let host = TestHost::new();
    host.minet([
        "run",
        "-d",
        "--name",
        "db",
        "--expose",
        "3306",
        "-e",
        "SECRET=a b",
        "--",
        "sleep",
        "1000",
    ])
    .succeed();
    let env = |options: &str| {
        let env = host
            .minet(format!("run --rm --name web {options} -- env"))
            .succeed();
        let mut lines: Vec<_> = env
            .lines()
            .filter(|line| line.starts_with("MY_DB"))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines.join("\n")
    };
    let ip = of(&host, "db").expect("an address");
    assert_eq!(env("--link db:my-db"), "");
    assert_eq!(
        env("--link db:my-db --link-env"),
        format!(
            "MY_DB_ENV_SECRET=a b\nMY_DB_NAME=/web/my-db\nMY_DB_PORT=tcp://{ip}:3306\n\
             MY_DB_PORT_3306_TCP=tcp://{ip}:3306\nMY_DB_PORT_3306_TCP_ADDR={ip}\n\
             MY_DB_PORT_3306_TCP_PORT=3306\nMY_DB_PORT_3306_TCP_PROTO=tcp"
        )
    );
    assert_eq!(
        env("--link db:my-db --link-env -e MY_DB_NAME=x")
            .lines()
            .nth(1),
        Some("MY_DB_NAME=x")
    );
    host.leave("--name api --link db --link-env", IDLE);
    let inside = host.minet("exec -e DB_NAME=x api env").succeed();
    assert!(inside.contains("DB_ENV_SECRET=a b\n"), "{inside}");
    assert!(inside.contains("DB_NAME=x\n"), "{inside}");
}

/// A container can do what it likes with its own hosts file; others do not suffer.
#[test]
fn a_hostile_hosts_file_harms_its_container_alone() {
    let host = TestHost::new();
    for name in ["web", "api"] {
        host.leave(&format!("--name {name} --link db"), IDLE);
    }
    let etc = |name: &str| {
        let path = host.inspect(name)["HostsPath"].as_str().map(str::to_owned);
        path.expect("a path")
    };
    let victim = host.file("victim", "untouched");
    let path = etc("web");
    // A repair may make the file again in the moment in which it is gone.
    let instead =
        |make: &str| format!("for again in 1 2 3; do rm -rf $hosts; {make} && exit; done");
    for harm in [
        "truncate -s 2G $hosts".to_owned(),
        instead("mkdir $hosts"),
        instead(&format!("ln -s {} $hosts", victim.display())),
        instead("mkfifo $hosts"),
        "rm $hosts".to_owned(),
    ] {
        host.sh(&format!("hosts={path}; {harm}")).succeed();
        host.leave("--name db", IDLE);
        assert_eq!(address(&host, "api", "db"), of(&host, "db"), "{harm}");
        host.minet("rm -f db").succeed();
    }
    assert_eq!(
        host.exec(["cat", &victim.display().to_string()]).succeed(),
        "untouched"
    );
    // Whoever catches up with its file says that it is gone.
    host.minet("rm -f web").succeed();
    // One that holds the lock of its own file for ever.
    host.leave(
        "--name locker --link db",
        "exec flock /etc/hosts sleep 1000",
    );
    eventually("the lock", || {
        let lock = host.minet(["exec", "locker", "flock", "-n", "/etc/hosts", "true"]);
        lock.code() != 0
    });
    host.leave("--name db", IDLE);
    assert_eq!(address(&host, "locker", "db"), of(&host, "db"));
    // One that has a lease on it, and gives it back when it is told to (`man 2 fcntl`).
    let lease = "
import fcntl, os, signal
file = os.open('/etc/hosts', os.O_RDONLY)
signal.signal(signal.SIGIO, lambda *_: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK))
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
print('leased', flush=True)
signal.pause()
os.close(file)";
    let mut leaser = host.spawn_minet(["exec", "locker", "python3", "-c", lease]);
    leaser.wait_for("leased");
    let said = host.minet("link db:late locker");
    assert_eq!(said.stderr(), "", "{said}");
    said.succeed();
    assert_eq!(address(&host, "locker", "late"), of(&host, "db"));
}

#[test]
fn taking_down_twice_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("network create --link-only --subnet 10.9.0.0/24 lab")
        .succeed();
    host.leave("--name db --network lab --expose 80", IDLE);
    host.leave("--name web --network lab --link db", IDLE);
    let edges = || host.sh("nft list set inet minet edges").succeed();
    assert!(edges().contains("comment \"web ("), "{}", edges());
    for _ in 0..2 {
        let _ = host.minet("rm -f web db");
        let _ = host.minet("network rm lab");
        let _ = host.minet("gc --all");
    }
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_crash_in_between_is_put_right_by_the_next_command() {
    let host = TestHost::new();
    host.leave("--name web --link db", IDLE);
    let id = host.leave("--name db", IDLE);
    let pid = host
        .sh("pgrep -f 'minet run -d --name db' | head -1")
        .succeed();
    assert!(!pid.is_empty(), "{id}");
    host.sh(&format!("kill -KILL {pid}")).succeed();
    eventually("the end", || {
        !host.minet("ps -q --no-trunc").succeed().contains(&id)
    });
    assert_eq!(address(&host, "web", "db"), None);
    // A change that was noted and never carried out.
    host.leave("--name pg", IDLE);
    host.sh("python3 - <<'END'
import sqlite3
store = sqlite3.connect('/var/lib/minet/minet.db')
web, = store.execute(\"SELECT id FROM container WHERE name = 'web'\").fetchone()
store.execute(\"INSERT INTO link VALUES ('web', 'late', 'pg', NULL, 1)\")
store.execute('INSERT INTO relink VALUES (?, 1)', [web])
store.commit()
END")
        .succeed();
    host.minet("ps").succeed();
    assert_eq!(address(&host, "web", "late"), of(&host, "pg"));
}

#[test]
fn a_link_comes_along_with_a_cable() {
    let host = TestHost::new();
    host.minet("network create back").succeed();
    host.leave("--name db --network back", IDLE);
    host.leave("--name web", IDLE);
    let networks = || host.inspect("web")["NetworkSettings"]["Networks"].clone();
    let before = networks();
    // What cannot be connected is not linked either.
    host.minet("network connect --ip 10.255.255.1 --link db:store back web")
        .refused_with(1, &["10.255.255.1"]);
    host.minet("network connect --link web:me back web")
        .refused_with(1, &["Cannot link /web to itself"]);
    assert!(links(&host).is_empty());
    assert_eq!(networks(), before);
    host.minet([
        "network",
        "connect",
        "--link",
        "db:store shop",
        "back",
        "web",
    ])
    .succeed();
    let db = address(&host, "web", "store").expect("a line");
    assert_eq!(address(&host, "web", "shop"), Some(db.clone()));
    assert!(host.minet("dns web store").succeed().contains(&db));
    let known = host.inspect("web")["HostConfig"]["Links"].to_string();
    assert!(known.contains("/db:/web/shop"), "{known}");
    host.minet("network disconnect back web").succeed();
    assert_eq!(address(&host, "web", "store"), None, "it waits");
    host.minet("stop -t 0 web").succeed();
    host.minet("network connect --link db:late back web")
        .succeed();
    host.minet("start web").succeed();
    assert_eq!(address(&host, "web", "late"), Some(db.clone()));
    assert_eq!(address(&host, "web", "store"), Some(db));
    host.minet("rm -f web").succeed();
    assert!(links(&host).is_empty(), "they go with it");
}

#[test]
fn a_link_leads_to_both_addresses_where_both_ways_are_open() {
    let host = TestHost::new();
    let own = host.sh("cat /etc/hosts").succeed();
    host.minet("network create --ipv6 --subnet 10.9.0.0/24 --subnet fd00:9::/64 dual")
        .succeed();
    host.leave(
        "--name db --network dual --ip 10.9.0.7 --ip6 fd00:9::7",
        IDLE,
    );
    host.leave("--name web --network dual", IDLE);
    let said = host.minet("link --host db:store");
    assert_eq!(said.stderr(), "");
    said.succeed();
    let both = ["10.9.0.7\tstore", "fd00:9::7\tstore"];
    for text in [
        host.minet("exec web cat /etc/hosts").succeed(),
        host.sh("cat /etc/hosts").succeed(),
    ] {
        assert!(both.iter().all(|line| text.contains(line)), "{text}");
    }
    let table = host.minet("link").succeed();
    assert!(table.contains("10.9.0.7, fd00:9::7"), "{table}");
    host.minet("unlink --all").succeed();
    assert_eq!(host.sh("cat /etc/hosts").succeed(), own);

    // Kept apart, they meet along links, by either address.
    host.minet("network create --ipv6 --icc=false --subnet 10.8.0.0/24 --subnet fd00:8::/64 apart")
        .succeed();
    host.leave(
        "--name one --network apart --ip 10.8.0.7 --ip6 fd00:8::7",
        IDLE,
    );
    host.leave("--name two --network apart", IDLE);
    let said = host.minet("link one:only two");
    assert_eq!(said.stderr(), "");
    said.succeed();
    let text = host.minet("exec two cat /etc/hosts").succeed();
    for line in ["10.8.0.7\tonly", "fd00:8::7\tonly"] {
        assert!(text.contains(line), "{text}");
    }
    let table = host.minet("link").succeed();
    assert!(table.contains("10.8.0.7, fd00:8::7"), "{table}");
    let answered = |kind: &str| {
        let dig = host.minet(format!("exec two dig +short only {kind}"));
        dig.succeed()
    };
    assert_eq!(
        (answered("A"), answered("AAAA")),
        ("10.8.0.7".into(), "fd00:8::7".into())
    );
}

#[test]
fn a_link_is_made_without_a_word_unless_asked() {
    let host = TestHost::new();
    host.leave("--name web", IDLE);
    host.leave("--name db", IDLE);
    let quiet = |line: &str| {
        let finished = host.minet(line);
        assert_eq!((finished.code(), finished.stderr()), (0, ""), "{finished}");
    };
    quiet("link db:data web");
    quiet("rename db other");
    quiet("rename other db");
    quiet("unlink db:data");
    quiet("rm -f web");
    quiet("rm -f db");
}

/// A name that nobody has is not the beginning of somebody's ID.
#[test]
fn a_source_is_a_name_or_a_whole_short_id() {
    let host = TestHost::new();
    let id = host.leave("--name stranger", IDLE);
    host.leave("--name web", IDLE);
    let said = host.minet(format!("link {}:store web", &id[..3]));
    assert!(said.stderr().contains("does not run yet"), "{said}");
    said.succeed();
    host.minet(format!("link {}:other web", &id[..12]))
        .succeed();
    assert_eq!(address(&host, "web", "store"), None);
    assert_eq!(address(&host, "web", "other"), of(&host, "stranger"));
}
