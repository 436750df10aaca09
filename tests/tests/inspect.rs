//! `inspect`, `ps`, `exec`, `rm`: what can be asked about a container and done to it.

use minet_tests::{Place, TestHost};
use serde_json::{Value, json};

#[test]
fn inspect_speaks_dockers_words() {
    let host = TestHost::new();
    let options = "-h web1 --ip 172.17.0.9 --mac-address 02:00:00:00:00:09 -p 8080:80 -p 127.0.0.1:53:53/udp -e A=1 -w /usr";
    let _web = host.idle("web", options);
    let web = host.inspect("web");
    assert_eq!(web["Name"], "/web");
    let id = web["Id"].as_str().expect("an ID");
    assert_eq!(id.len(), 64);
    assert_eq!(web["State"]["Status"], "running");
    assert_eq!(web["State"]["Running"], true);
    let pid = web["State"]["Pid"].as_u64().expect("a PID");
    assert_eq!(
        host.exec(format!("cat /proc/{pid}/comm")).succeed(),
        "sleep"
    );
    assert!(
        web["Created"]
            .as_str()
            .is_some_and(|time| time.contains('T') && time.ends_with('Z'))
    );
    assert_eq!(web["Config"]["Hostname"], "web1");
    assert_eq!(web["Config"]["WorkingDir"], "/usr");
    assert!(
        web["Config"]["Env"]
            .as_array()
            .is_some_and(|env| env.contains(&json!("A=1")))
    );
    assert_eq!(web["HostConfig"]["NetworkMode"], "bridge");

    let settings = &web["NetworkSettings"];
    let bindings =
        json!([{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}]);
    assert_eq!(settings["Ports"]["80/tcp"], bindings);
    assert_eq!(
        settings["Ports"]["53/udp"],
        json!([{"HostIp": "127.0.0.1", "HostPort": "53"}])
    );
    assert_eq!(
        settings["IPAddress"], "172.17.0.9",
        "many scripts still ask for this one"
    );
    let network = &settings["Networks"]["bridge"];
    assert_eq!(network["IPAddress"], "172.17.0.9");
    assert_eq!(network["IPPrefixLen"], 16);
    assert_eq!(network["Gateway"], "172.17.0.1");
    assert_eq!(network["MacAddress"], "02:00:00:00:00:09");

    let key = settings["SandboxKey"].as_str().expect("a path");
    let namespace = host.exec(format!("stat -Lc %i {key}")).succeed();
    assert_eq!(
        host.exec(format!("stat -Lc %i /proc/{pid}/ns/net"))
            .succeed(),
        namespace
    );
}

#[test]
fn inspect_names_the_hosts_end_of_the_cable() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let web = host.inspect("web");
    let veth = web["NetworkSettings"]["Networks"]["bridge"]["VethName"]
        .as_str()
        .expect("a name");
    let peer = host
        .exec(format!("cat /sys/class/net/{veth}/iflink"))
        .succeed();
    assert_eq!(
        host.minet("exec web -- cat /sys/class/net/eth0/ifindex")
            .succeed(),
        peer
    );
    let link = host.exec(format!("ip link show {veth}")).succeed();
    assert!(
        link.contains("master minet0") && link.contains("web"),
        "the alias tells whose it is: {link}"
    );
}

#[test]
fn inspect_takes_several_names_and_ids() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    host.minet("run --name over --mode none -- true").succeed();
    let id = host.inspect("web")["Id"]
        .as_str()
        .expect("an ID")
        .to_owned();
    let list = host
        .minet(["inspect", &id[..12], &id, "over", "/web"])
        .json();
    let names: Vec<&Value> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["Name"])
        .collect();
    assert_eq!(names, ["/web", "/web", "/over", "/web"]);
    assert_eq!(list[2]["State"]["Status"], "exited");
    assert_eq!(list[2]["State"]["ExitCode"], 0);
    host.minet("inspect nobody").code();
    let error = host.minet("inspect nobody");
    assert!(
        error.code() != 0 && error.stderr().contains("nobody"),
        "{error}"
    );
}

#[test]
fn ps_lists_what_runs_and_with_all_what_ran() {
    let host = TestHost::new();
    assert_eq!(
        host.minet("ps").succeed().lines().count(),
        1,
        "the headline"
    );
    let _web = host.idle("web", "-p 8080:80 -p 9000-9002:9000-9002/udp --expose 443");
    host.minet(["run", "--name", "over", "--", "sh", "-c", "exit 3"])
        .end_with(3);
    let list = host.minet("ps").succeed();
    let [headline, line] = list.lines().collect::<Vec<_>>()[..] else {
        panic!("{list}")
    };
    for word in [
        "CONTAINER ID",
        "COMMAND",
        "CREATED",
        "STATUS",
        "PORTS",
        "NAMES",
    ] {
        assert!(headline.contains(word), "{headline}");
    }
    for word in [
        "web",
        "Up ",
        "0.0.0.0:8080->80/tcp",
        "9000-9002->9000-9002/udp",
        "443/tcp",
    ] {
        assert!(line.contains(word), "no {word:?} in {line}");
    }
    let all = host.minet("ps --all").succeed();
    assert!(all.contains("over") && all.contains("Exited (3)"), "{all}");
    let quiet = host.minet("ps -a -q").succeed();
    assert!(
        quiet.lines().count() == 2 && quiet.lines().all(|id| id.len() == 12),
        "{quiet}"
    );
}

#[test]
fn ps_speaks_json() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80");
    let _other = host.idle("other", "--mode none");
    let output = host.minet("ps --format json").succeed();
    // One object on each line, as Docker does.
    let rows: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["Names"].as_str())
        .collect();
    assert!(
        names.contains(&"web") && names.contains(&"other"),
        "{output}"
    );
    assert!(rows.iter().any(|row| {
        row["Ports"]
            .as_str()
            .is_some_and(|ports| ports.contains("8080->80/tcp"))
    }));
}

#[test]
fn exec_joins_everything_the_container_has() {
    let host = TestHost::new();
    let _web = host.idle("web", "-h web1 -e A=1 -v /usr/share:/mnt");
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    let script = "for kind in net mnt pid uts ipc; do readlink /proc/self/ns/$kind; done";
    let inside = host
        .minet(["exec", "web", "--", "sh", "-c", script])
        .succeed();
    let of_pid = host.sh(&script.replace("self", &pid)).succeed();
    assert_eq!(inside, of_pid);
    assert_eq!(host.minet("exec web -- hostname").succeed(), "web1");
    assert_eq!(
        host.minet(["exec", "-e", "B=2", "web", "--", "sh", "-c", "echo $A $B"])
            .succeed(),
        "1 2"
    );
    assert_eq!(host.minet("exec -w /mnt web -- pwd").succeed(), "/mnt");
    let status = "grep -E ^(CapEff|CapBnd|NoNewPrivs) /proc/self/status";
    let limits = host.minet(format!("exec web -- {status}")).succeed();
    assert_eq!(
        limits
            .split_whitespace()
            .filter(|word| word.contains("a80405fb"))
            .count(),
        2,
        "{limits}"
    );
    if host.has_other_users() {
        assert_eq!(
            host.minet("exec -u nobody web -- id -un").succeed(),
            "nobody"
        );
    }
}

#[test]
fn exec_passes_the_exit_code_on() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    assert_eq!(
        host.minet(["exec", "web", "--", "sh", "-c", "exit 7"])
            .code(),
        7
    );
    assert_eq!(
        host.minet(["exec", "web", "--", "sh", "-c", "kill -9 $$"])
            .code(),
        137
    );
    host.minet("exec web -- no-such-command")
        .refused_with(127, &["no-such-command"]);
    host.minet("exec web -- /etc/passwd")
        .refused_with(126, &["/etc/passwd"]);
    let nobody = host.minet("exec nobody -- true");
    assert!(
        nobody.code() != 0 && nobody.stderr().contains("nobody"),
        "{nobody}"
    );
    host.minet("run --name over -- true").succeed();
    let over = host.minet("exec over -- true");
    assert!(
        over.code() != 0 && over.stderr().contains("not running"),
        "{over}"
    );
}

#[test]
fn exec_ends_with_its_container() {
    let host = TestHost::new();
    let mut web = host.idle("web", "--rm");
    let mut exec = host.spawn_minet([
        "exec",
        "web",
        "--",
        "sh",
        "-c",
        "echo ready; exec sleep 1000",
    ]);
    exec.wait_for("ready");
    web.signal("TERM");
    web.finish();
    assert_eq!(exec.finish().code(), 137);
}

#[test]
fn rm_spares_what_runs_unless_forced() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut web = host.serve("--name web -p 8080:80", "tcp:80");
    let refused = host.minet("rm web");
    assert!(
        refused.code() != 0 && refused.stderr().contains("running"),
        "{refused}"
    );
    assert!(!web.has_ended());
    assert_eq!(host.minet("rm -f web").succeed(), "web");
    assert_eq!(web.finish().code(), 137);
    assert_eq!(
        host.ask(Place::Neighbour, "tcp 192.168.120.2:8080").code(),
        1
    );
    before.assert_only_the_network_is_left(&host);
    let again = host.minet("rm web");
    assert!(
        again.code() != 0 && again.stderr().contains("web"),
        "{again}"
    );
}

#[test]
fn rm_takes_several_and_reports_each_that_is_missing() {
    let host = TestHost::new();
    for name in ["a", "b"] {
        host.minet(format!("run --name {name} --mode none -- true"))
            .succeed();
    }
    let run = host.minet("rm a missing b");
    assert_eq!(run.stdout(), "a\nb\n");
    assert!(run.code() != 0 && run.stderr().contains("missing"), "{run}");
    assert_eq!(host.minet("ps --all --quiet").succeed(), "");
}

#[test]
fn ip_netns_knows_the_container_by_its_name() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    assert!(host.exec("ip netns list").succeed().contains("web"));
    let address = host
        .exec("ip -netns web -brief -4 address show eth0")
        .succeed();
    assert!(address.contains("172.17.0."), "{address}");
}
