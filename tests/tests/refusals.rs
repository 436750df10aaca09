//! Bad input: one line that names the object and the remedy, and nothing is changed.

use minet_tests::{Place, TestHost};

#[test]
fn wrong_words_are_refused_before_anything_is_made() {
    let host = TestHost::new();
    let before = host.snapshot();
    for (options, words) in [
        ("-p abc", &["invalid containerPort: abc"][..]),
        ("-p abc:80", &["invalid hostPort: abc"]),
        ("-p 70000:80", &["invalid hostPort: 70000"]),
        ("-p 80/foo", &["invalid proto: foo"]),
        ("-p 300.1.1.1:80:80", &["invalid IP address: 300.1.1.1"]),
        ("-p ::1:80:80", &["invalid IP address"]),
        (
            "-p 127.0.0.1:8080:",
            &["no port specified: 127.0.0.1:8080:<empty>"],
        ),
        (
            "-p 8000:80-81",
            &["invalid ranges specified for container and host Ports: 80-81 and 8000"],
        ),
        ("-p 8000-8005:80-81", &["80-81", "8000-8005"]),
        ("--expose nothing", &["nothing"]),
        ("--mode br/idge", &["br/idge", "container:NAME"]),
        ("--mode container:", &["container"]),
        ("--name a/b", &["a/b", "[a-zA-Z0-9]"]),
        ("--name ../../etc", &["../../etc"]),
        ("-h bad_host!", &["bad_host!"]),
        ("--ip 300.1.1.1", &["300.1.1.1"]),
        ("--mac-address 01:00:5e:00:00:01", &["01:00:5e:00:00:01"]),
        ("--mac-address nonsense", &["nonsense"]),
        ("--dns nonsense", &["nonsense"]),
        (
            "--dns-search .a",
            &["invalid DNS search domain \".a\": it begins with a dot"],
        ),
        ("--dns-search a#b", &["invalid DNS search domain \"a#b\""]),
        (
            "--dns-option a#b",
            &["invalid DNS option \"a#b\": # and ; begin comments"],
        ),
        ("--add-host db", &["db", "NAME:ADDRESS"]),
        ("--sysctl kernel.core_pattern=x", &["kernel.core_pattern"]),
        ("--sysctl net.ipv4/../../kernel/core_pattern=x", &["sysctl"]),
        ("--cap-add NO_SUCH_CAP", &["NO_SUCH_CAP"]),
        ("-v name:/data", &["name", "absolute path"]),
        ("-v /tmp:relative", &["relative"]),
        ("-v /no/such/dir:/data", &["/no/such/dir"]),
        ("--tmpfs relative", &["relative", "absolute path"]),
        ("--tmpfs /run:size=much", &["size=much", "size=64m"]),
        ("--tmpfs /run:suid", &["suid"]),
        ("--domainname bad_domain!", &["bad_domain!"]),
        ("--stop-timeout -2", &["-2"]),
        ("--cidfile /no/such/dir/id", &["/no/such/dir/id"]),
        (
            "--cidfile /etc/passwd",
            &["container ID file found", "delete /etc/passwd"],
        ),
        (
            "--memory 1g",
            &["Docker has --memory, minet has not", "systemd-run --scope"],
        ),
        ("--entrypoint sh", &["Docker has --entrypoint", "behind --"]),
        (
            "--privileged",
            &["Docker has --privileged", "--cap-add ALL"],
        ),
        ("--pull always", &["Docker has --pull", "no images"]),
        (
            "--mount type=tmpfs,dst=/x",
            &["Docker has --mount", "--tmpfs"],
        ),
        ("-w relative", &["relative"]),
        ("-u no-such-user", &["no-such-user"]),
        ("--env-file /no/such/file", &["/no/such/file"]),
        ("--rootfs /no/such/dir", &["/no/such/dir"]),
        ("--rootfs /etc/passwd", &["/etc/passwd"]),
    ] {
        let mut command = vec!["run", "--rm"];
        command.extend(options.split_whitespace());
        command.extend(["--", "true"]);
        host.minet(&command[..]).refused(words);
    }
    before.assert_only_the_network_is_left(&host);
    assert_eq!(host.minet("ps --all --quiet").succeed(), "");
}

#[test]
fn a_line_break_in_a_name_writes_no_second_line() {
    let host = TestHost::new();
    let evil = "a\n6.6.6.6 bank.example";
    for option in [
        "--name",
        "-h",
        "--add-host",
        "--dns-search",
        "--dns-option",
        "--sysctl",
    ] {
        let run = host.minet([
            "run",
            "--rm",
            option,
            evil,
            "--",
            "cat",
            "/etc/hosts",
            "/etc/resolv.conf",
        ]);
        assert_eq!(run.code(), 125, "{option}\n{run}");
        assert_eq!(
            run.stderr().trim_end().lines().count(),
            1,
            "{option}\n{run}"
        );
    }
}

#[test]
fn a_run_without_a_command_says_what_to_write() {
    let host = TestHost::new();
    let before = host.snapshot();
    for command in ["run", "run --rm", "run --rm --"] {
        let run = host.minet(command);
        assert_eq!(run.code(), 125, "{run}");
        assert!(run.stderr().contains("COMMAND"), "{run}");
    }
    for (command, code) in [
        ("no-such-command", 2),
        ("ps --no-such-option", 2),
        ("run --no-such-option true", 125),
    ] {
        let run = host.minet(command);
        assert_eq!(run.code(), code, "{run}");
        assert!(run.stderr().contains("no-such"), "{run}");
    }
    before.assert_unchanged(&host);
}

#[test]
fn a_mode_that_is_no_network_is_refused() {
    let host = TestHost::new();
    host.minet("run --mode nosuch -- true")
        .refused(&["network nosuch not found"]);
}

#[test]
fn a_taken_name_is_refused_even_when_its_owner_has_ended() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    host.minet("run --name over -- true").succeed();
    let before = host.snapshot();
    for name in ["web", "over"] {
        host.minet(format!("run --name {name} -- true")).refused(&[
            &format!("container name \"/{name}\" is already in use"),
            "remove (or rename)",
        ]);
    }
    before.assert_unchanged(&host);
}

#[test]
fn a_port_that_a_process_has_is_refused_with_its_name_and_a_way_out() {
    let host = TestHost::new();
    host.minet("run --rm -- true").succeed();
    let mut server = host.serve_at(Place::Host, "tcp:8080 udp:[::]:8053");
    let pid = server.pid().to_string();
    let before = host.snapshot();
    let error = host
        .minet("run -p 8080:80 -- true")
        .refused(&["8080/tcp", "probe", &pid]);
    assert!(
        error.contains("808") && error.matches("808").count() > 1,
        "no free port nearby: {error}"
    );
    host.minet("run -p 8053:53/udp -- true")
        .refused(&["8053/udp", "probe", &pid]);
    before.assert_unchanged(&host);
    host.minet("run --rm -p 8080:80/udp -- true").succeed();
}

#[test]
fn a_port_that_a_container_has_is_refused_with_its_name_and_a_way_out() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80");
    let before = host.snapshot();
    for ports in [
        "8080:80",
        "127.0.0.1:8080:80",
        "8080-8080:81",
        "[::1]:8080:80",
    ] {
        let error = host
            .minet(format!("run -p {ports} -- true"))
            .refused(&["8080", "web"]);
        assert!(error.contains("8081"), "no free port nearby: {error}");
    }
    before.assert_unchanged(&host);
    assert_eq!(host.minet("ps --all --quiet").succeed().lines().count(), 1);
}

#[test]
fn a_port_twice_in_one_run_is_refused() {
    let host = TestHost::new();
    host.minet("run -p 8080:80 -p 8080:81 -- true")
        .refused(&["8080"]);
}

#[test]
fn an_address_that_cannot_be_given_is_refused_with_the_reason() {
    let host = TestHost::new();
    let _web = host.idle("web", "--ip 172.17.0.5");
    let before = host.snapshot();
    for (address, words) in [
        ("10.1.2.3", &["10.1.2.3", "172.17.0.0/16"][..]),
        ("172.17.0.5", &["172.17.0.5", "web"]),
        ("172.17.0.1", &["172.17.0.1", "gateway"]),
        ("172.17.0.0", &["172.17.0.0"]),
        ("172.17.255.255", &["172.17.255.255"]),
    ] {
        host.minet(format!("run --ip {address} -- true"))
            .refused(words);
    }
    before.assert_unchanged(&host);
    host.minet("run --mode none --ip 172.17.0.9 -- true")
        .refused(&["--ip"]);
}

#[test]
fn without_root_there_is_one_line_with_the_way_out() {
    let host = TestHost::new();
    if !host.has_other_users() {
        println!("not tested: this user namespace has no user but root");
        return;
    }
    let minet = minet_tests::minet().display().to_string();
    host.exec([
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        &minet,
        "run",
        "--",
        "true",
    ])
    .refused(&["root"]);
    let help = host.exec([
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        &minet,
        "--help",
    ]);
    assert!(help.succeed().contains("run"), "help is for everybody");
}

#[test]
fn a_read_only_run_is_named() {
    let host = TestHost::new();
    host.sh("mount -o remount,bind,ro /run").succeed();
    host.minet("run --rm -- true").refused(&["/run/minet"]);
    host.sh("mount -o remount,bind,rw /run").succeed();
    host.minet("run --rm -- true").succeed();
}

#[test]
fn a_read_only_state_directory_is_named() {
    let host = TestHost::new();
    host.sh("mount -o remount,bind,ro /var/lib").succeed();
    let before = host.snapshot();
    host.minet("run --rm -- true").refused(&["/var/lib/minet"]);
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_full_disk_is_an_error_and_not_a_mess() {
    let host = TestHost::new();
    host.minet("run --rm -- true").succeed();
    host.minet("gc --all").succeed();
    host.sh("mount -t tmpfs -o nr_inodes=20 tmpfs /run; mkdir /run/lock; touch $(seq -f /run/fill%g 30) 2>/dev/null || :")
        .succeed();
    let before = host.snapshot();
    host.minet("run --rm -- true").refused(&["/run/minet"]);
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn help_is_good_enough_to_learn_from() {
    let host = TestHost::new();
    let before = host.snapshot();
    let help = host.minet("--help").succeed();
    for command in ["run", "ps", "inspect", "exec", "rm", "gc"] {
        assert!(help.contains(command), "{help}");
        let help = host.minet([command, "--help"]).succeed();
        assert!(help.contains("Usage: minet"), "{help}");
    }
    let help = host.minet("run --help").succeed();
    for word in [
        "bridge",
        "none",
        "host",
        "container:",
        "ns:",
        "--dry-run",
        "-p",
        "127.0.0.1",
    ] {
        assert!(
            help.contains(word),
            "`minet run --help` says nothing about {word}:\n{help}"
        );
    }
    before.assert_unchanged(&host);
}

#[test]
fn commands_of_dockers_are_answered_with_what_minet_has_for_them() {
    let host = TestHost::new();
    for (line, code, words) in [
        (
            "images",
            2,
            &["Docker has images, minet has not", "--rootfs"][..],
        ),
        ("attach web", 2, &["logs -f"]),
        (
            "container pause web",
            2,
            &["kill -s STOP", "see minet container --help"],
        ),
        (
            "exec --privileged web true",
            125,
            &["--privileged", "minet exec --help"],
        ),
        ("top web aux", 2, &["ps aux"]),
        (
            "network create --ingress x",
            2,
            &["no swarm", "minet network create --help"],
        ),
        // What nobody has is still said to be unknown, without advice that leads nowhere.
        (
            "ps --nonsense",
            2,
            &["unexpected argument '--nonsense' found (see minet ps"],
        ),
        ("nonsense", 2, &["unrecognized subcommand 'nonsense'"]),
    ] {
        host.minet(line).refused_with(code, words);
    }
}
