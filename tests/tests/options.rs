//! What `minet run` gives a process besides a network.

use minet_tests::TestHost;

#[test]
fn a_directory_of_the_host_is_visible_where_asked() {
    let host = TestHost::new();
    let dir = host.scratch_dir().join("data");
    std::fs::create_dir(&dir).expect("create a directory");
    host.file("data/file", "hello\n");
    let volume = format!("{}:/mnt", dir.display());
    let read_write = host.run_sh(["-v", &volume], "cat /mnt/file; echo new >/mnt/new");
    assert_eq!(read_write.succeed(), "hello");
    assert_eq!(
        std::fs::read_to_string(dir.join("new")).expect("written"),
        "new\n"
    );
    let read_only = host.run_sh(
        ["-v", &format!("{volume}:ro")],
        "cat /mnt/file; echo no >/mnt/no",
    );
    assert!(
        read_only.stderr().contains("Read-only file system"),
        "{read_only}"
    );
    assert_ne!(read_only.code(), 0);
    let file = format!("{}:/etc/motd", dir.join("file").display());
    if host.exec("test -e /etc/motd").code() == 0 {
        assert_eq!(
            host.run_sh(["-v", &file], "cat /etc/motd").succeed(),
            "hello"
        );
    }
}

#[test]
fn a_read_only_volume_has_no_writable_mount_below() {
    let host = TestHost::new();
    host.sh("mkdir /run/outer; mount -t tmpfs tmpfs /run/outer; mkdir /run/outer/inner; mount -t tmpfs tmpfs /run/outer/inner")
        .succeed();
    let run = host.run_sh("-v /run/outer:/mnt:ro", "touch /mnt/inner/x");
    assert_ne!(run.code(), 0, "{run}");
}

#[test]
fn the_working_directory_is_chosen() {
    let host = TestHost::new();
    assert_eq!(host.run_sh("-w /usr/bin", "pwd").succeed(), "/usr/bin");
    assert_eq!(host.run_sh("", "pwd").succeed(), "/");
}

#[test]
fn the_user_is_looked_up_inside() {
    let host = TestHost::new();
    assert_eq!(host.run_sh("-u 0:0", "id -u; id -g").succeed(), "0\n0");
    if !host.has_other_users() {
        println!("not tested: this user namespace has no user but root");
        return;
    }
    assert_eq!(
        host.run_sh("-u nobody", "id -un; id -gn").succeed(),
        "nobody\nnogroup"
    );
    assert_eq!(
        host.run_sh("-u 1234:5678", "id -u; id -g; id -G").succeed(),
        "1234\n5678\n5678"
    );
    assert_eq!(
        host.run_sh("-u nobody:daemon", "id -gn").succeed(),
        "daemon"
    );
    let status = host
        .run_sh("-u nobody", "grep CapEff /proc/self/status")
        .succeed();
    assert_eq!(status, "CapEff:\t0000000000000000");
}

#[test]
fn the_environment_is_what_was_asked_for() {
    let host = TestHost::new();
    let file = host
        .file("env", "# a comment\nFROM_FILE=file value\n\nBOTH=file\n")
        .display()
        .to_string();
    let options = [
        "-e",
        "A=1",
        "-e",
        "B=two words",
        "-e",
        "HOME",
        "--env-file",
        &file,
        "-e",
        "BOTH=option",
    ];
    let env = host.run_sh(options, "env").succeed();
    for line in [
        "A=1",
        "B=two words",
        "HOME=/root",
        "FROM_FILE=file value",
        "BOTH=option",
    ] {
        assert!(env.lines().any(|l| l == line), "no {line} in\n{env}");
    }
    let minet = minet_tests::minet().display().to_string();
    let run = host.sh(&format!("SECRET=1 MINE=2 {minet} run --rm -e MINE -- env"));
    let env = run.succeed();
    assert!(env.contains("MINE=2") && !env.contains("SECRET"), "{env}");
    assert!(env.contains("PATH=") && env.contains("HOSTNAME="), "{env}");
    assert!(
        !env.contains("MINET_"),
        "minet's own variables are its own:\n{env}"
    );
}

#[test]
fn sysctls_are_those_of_the_containers_network() {
    let host = TestHost::new();
    let before = host.sysctl("net.ipv4.ip_default_ttl");
    let key = "/proc/sys/net/ipv4/ip_default_ttl";
    let seen = host.run_sh("--sysctl net.ipv4.ip_default_ttl=7", &format!("cat {key}"));
    assert_eq!(seen.succeed(), "7");
    assert_eq!(host.sysctl("net.ipv4.ip_default_ttl"), before);
    host.minet("run --sysctl net.ipv4.no_such_key=1 -- true")
        .refused(&["net.ipv4.no_such_key"]);
    host.minet("run --sysctl net.ipv4.ip_default_ttl=many -- true")
        .refused(&["net.ipv4.ip_default_ttl"]);
    host.minet("run --mode host --sysctl net.ipv4.ip_default_ttl=7 -- true")
        .refused(&["sysctl"]);
    assert_eq!(host.sysctl("net.ipv4.ip_default_ttl"), before);
}

#[test]
fn the_mac_address_is_given_or_belongs_to_nobody_else() {
    let host = TestHost::new();
    let mac = "cat /sys/class/net/eth0/address";
    let given = host
        .run_sh("--mac-address 02:00:00:12:34:56", mac)
        .succeed();
    assert_eq!(given, "02:00:00:12:34:56");
    let own = host.run_sh("", mac).succeed();
    let first = u8::from_str_radix(&own[..2], 16).expect("hexadecimal");
    assert_eq!(first & 3, 2, "locally administered, not multicast: {own}");
}

#[test]
fn a_given_address_is_used_and_given_back() {
    let host = TestHost::new();
    for _ in 0..2 {
        let address = "ip -brief -4 address show eth0";
        let seen = host.run_sh("--ip 172.17.200.9", address).succeed();
        assert!(seen.contains("172.17.200.9/16"), "{seen}");
    }
}

#[test]
fn a_freed_address_is_not_given_to_the_very_next() {
    let host = TestHost::new();
    let address = "ip -o -4 address show eth0 | awk '{print $4}'";
    let first = host.run_sh("", address).succeed();
    assert_ne!(
        host.run_sh("", address).succeed(),
        first,
        "its neighbours still know its old MAC"
    );
}

#[test]
fn a_read_only_root_is_read_only_but_for_what_must_be_written() {
    let host = TestHost::new();
    let script =
        "touch /x 2>&1 || echo refused; touch /usr/x 2>&1 || echo refused; echo >/dev/null";
    let seen = host.run_sh("--read-only", script).succeed();
    assert_eq!(seen.matches("Read-only file system").count(), 2, "{seen}");
    let dir = host.scratch_dir().join("data");
    std::fs::create_dir(&dir).expect("create a directory");
    let volume = format!("{}:/mnt", dir.display());
    host.run_sh(["--read-only", "-v", &volume], "touch /mnt/x")
        .succeed();
}

#[test]
fn init_is_pid_1_and_the_command_is_its_child() {
    let host = TestHost::new();
    assert_eq!(host.run_sh("", "echo $$").succeed(), "1");
    let seen = host.run_sh("--init", "echo $$; cat /proc/1/comm").succeed();
    assert!(!seen.starts_with("1\n"), "{seen}");
    let script = "for n in $(seq 20); do sh -c 'true & exec true'; done; sleep 0.2
         grep -l '^State:.Z' /proc/[0-9]*/status || echo no zombies";
    assert_eq!(host.run_sh("--init", script).succeed(), "no zombies");
}

#[test]
fn several_instances_with_a_root_of_their_own_do_not_meet() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let root = host.scratch_dir().join("other").display().to_string();
    assert_eq!(host.minet(["--root", &root, "ps", "-q"]).succeed(), "");
    let run = host.minet([
        "--root", &root, "run", "--rm", "--name", "web", "--mode", "none", "--", "hostname",
    ]);
    run.succeed();
    let minet = minet_tests::minet().display().to_string();
    let list = host
        .sh(&format!("MINET_ROOT={root} {minet} ps --all --quiet"))
        .succeed();
    assert_eq!(list, "");
}

#[test]
fn names_are_made_up_where_none_is_given() {
    let host = TestHost::new();
    host.minet("run -- true").succeed();
    host.minet("run -- true").succeed();
    let list = host.minet("ps --all --format json").succeed();
    let words: Vec<&str> = list.split('"').filter(|word| word.contains('_')).collect();
    assert!(words.len() >= 2, "{list}");
}

#[test]
fn memory_looks_like_a_directory_and_is_gone_afterwards() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mounted = host.run_sh(
        "--tmpfs /mnt:size=1m,mode=0751,uid=5",
        "stat -c '%a %u' /mnt; grep ' /mnt tmpfs ' /proc/self/mounts; cp /bin/true /mnt; /mnt/true || echo refused",
    );
    let told = mounted.succeed();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "751 5");
    for word in ["rw", "nosuid", "nodev", "noexec", "size=1024k"] {
        assert!(lines[1].contains(word), "{told}");
    }
    assert_eq!(lines[2], "refused");
    let runs = host.run_sh(
        "--tmpfs /mnt:exec",
        "cp /bin/true /mnt; /mnt/true; echo ran",
    );
    assert_eq!(runs.succeed(), "ran");
    let read_only = host.run_sh(
        "--read-only --tmpfs /run",
        "touch /run/x; touch /x || echo no",
    );
    assert_eq!(read_only.succeed(), "no");
    // A place that was not there, and one inside of it, go with the container.
    let nested = "--tmpfs /made/for/it -v /etc/passwd:/made/for/it/deep/passwd:ro";
    let files = host.run_sh(nested, "find /made -type f");
    assert_eq!(files.succeed(), "/made/for/it/deep/passwd");
    host.exec("ls /made").end_with(2);
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn memory_is_new_with_each_start() {
    let host = TestHost::new();
    host.leave("--name web --tmpfs /mnt:size=1m", "exec sleep 1000");
    host.minet("exec web -- touch /mnt/x").succeed();
    assert_eq!(host.minet("exec web -- ls /mnt").succeed(), "x");
    let asked = host.inspect("web")["HostConfig"]["Tmpfs"]["/mnt"].clone();
    assert_eq!(asked, "rw,noexec,nosuid,nodev,mode=1777,size=1m");
    host.minet("restart -t 0 web").succeed();
    assert_eq!(host.minet("exec web -- ls /mnt").succeed(), "");
}

#[test]
fn an_id_is_written_to_a_file() {
    let host = TestHost::new();
    let file = host.scratch_dir().join("id").display().to_string();
    let id = |options: &str| {
        let run = format!("run {options} --cidfile {file} --name web -- true");
        host.minet(run).succeed();
        let id = host.exec(["cat", &file]).succeed();
        assert_eq!(host.inspect("web")["Id"], id.as_str());
        host.minet("rm -f web").succeed();
    };
    id("");
    let again = format!("run --cidfile {file} -- true");
    host.minet(again)
        .refused(&["container ID file found", &file]);
    host.exec(["rm", &file]).succeed();
    id("-d");
    host.exec(["rm", &file]).succeed();
    // Where there is no container, there is no ID either.
    for options in ["", "-d"] {
        let run = format!("run {options} --cidfile {file} -- no-such-command");
        host.minet(run).end_with(127);
        host.exec(["ls", &file]).end_with(2);
    }
}

#[test]
fn a_domain_stands_behind_the_hostname() {
    let host = TestHost::new();
    let script = "hostname; cat /proc/sys/kernel/domainname; hostname -f; grep -cw box.example.com.box /etc/hosts";
    let told = host.run_sh("-h box --domainname example.com", script);
    assert_eq!(told.succeed(), "box\nexample.com\nbox.example.com\n1");
}
