//! What a hosts file begins with: `--no-hosts`, `--hosts-file`, and `host.minet.internal`.

use minet_tests::TestHost;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

const IDLE: &str = "exec sleep 1000";

/// A root directory of one static busybox, with a hosts file of its own.
fn root(host: &TestHost, name: &str) -> PathBuf {
    let root = host.scratch_dir().join(name);
    for dir in ["bin", "etc", "proc", "sys", "dev"] {
        fs::create_dir_all(root.join(dir)).expect("create a directory");
    }
    let busybox = host.sh("command -v busybox").succeed();
    fs::copy(busybox, root.join("bin/busybox")).expect("copy busybox");
    for tool in ["sh", "cat", "sleep"] {
        symlink("busybox", root.join("bin").join(tool)).expect("link to busybox");
    }
    fs::write(root.join("etc/hosts"), "10.7.7.7 of-the-image\n").expect("write");
    root
}

fn hosts(host: &TestHost, container: &str) -> String {
    host.minet(format!("exec {container} cat /etc/hosts"))
        .succeed()
}

/// The hosts file that a container of this root begins with.
fn hosts_base_of(host: &TestHost, root: &Path) -> String {
    let options = format!("--rootfs {} --hosts-file image", root.display());
    host.run_sh(options.as_str(), "cat /etc/hosts")
        .stdout()
        .to_owned()
}

#[test]
fn without_a_hosts_file_the_roots_own_is_seen_and_stays() {
    let host = TestHost::new();
    let root = root(&host, "root").display().to_string();
    host.leave("--name db", IDLE);
    let options = format!("--name web --rootfs {root} --no-hosts --link db:store");
    host.leave(&options, IDLE);
    assert_eq!(hosts(&host, "web"), "10.7.7.7 of-the-image");
    // A link is still known to the name server, and nothing is written for it.
    host.minet("link db:other web").succeed();
    assert_eq!(hosts(&host, "web"), "10.7.7.7 of-the-image");
    let told = host.minet("dns web other").succeed();
    assert!(told.contains(&host.address_of("db")), "{told}");
    let inspect = host.inspect("web");
    assert_eq!(inspect["HostConfig"]["HostsFile"], "no-hosts");
    assert_eq!(inspect["HostsPath"], "");
    // Whoever shares its network sees the one of its own root, too.
    host.leave(
        &format!("--name guest --rootfs {root} --network container:web"),
        IDLE,
    );
    assert_eq!(hosts(&host, "guest"), "10.7.7.7 of-the-image");
    host.minet("check").succeed();
    host.minet("rm -f guest").succeed();
    host.minet("stop -t 0 web").succeed();
    host.minet("start web").succeed();
    assert_eq!(hosts(&host, "web"), "10.7.7.7 of-the-image");
    // Of the host's file system it is the host's.
    let own = host.sh("cat /etc/hosts").succeed();
    let seen = host.run_sh("--no-hosts", "cat /etc/hosts").succeed();
    assert_eq!(seen, own);
}

#[test]
fn a_hosts_file_begins_with_the_lines_that_were_asked_for() {
    let host = TestHost::new();
    let root = root(&host, "root").display().to_string();
    let base = host.file(
        "base",
        "10.8.8.8 mine\n# minet begin\n10.8.8.9 nested\n# minet end\n",
    );
    let base = base.display();
    host.leave("--name db", IDLE);
    host.leave(&format!("--name web --hosts-file {base} --link db"), IDLE);
    let text = hosts(&host, "web");
    assert!(
        text.starts_with("10.8.8.8 mine\n10.8.8.9 nested\n# minet begin\n127.0.0.1\tlocalhost\n"),
        "{text}"
    );
    assert!(text.contains("\tdb"), "{text}");
    assert_eq!(
        host.inspect("web")["HostConfig"]["HostsFile"],
        base.to_string()
    );
    // Its lines stay where links change, and are read anew by the next start.
    host.minet("unlink db web").succeed();
    let text = hosts(&host, "web");
    assert!(
        text.starts_with("10.8.8.8 mine\n") && !text.contains("\tdb"),
        "{text}"
    );
    host.sh(&format!("echo '10.8.8.10 later' >{base}"))
        .succeed();
    host.minet("stop -t 0 web").succeed();
    host.minet("start web").succeed();
    assert!(hosts(&host, "web").starts_with("10.8.8.10 later\n# minet begin\n"));

    let of = |options: &str| host.run_sh(options, "cat /etc/hosts");
    let image = of(&format!("--rootfs {root} --hosts-file image")).succeed();
    assert!(
        image.starts_with("10.7.7.7 of-the-image\n# minet begin\n"),
        "{image}"
    );
    host.sh("echo 10.6.6.6 of-the-host >>/etc/hosts").succeed();
    assert!(of("--mode host").succeed().contains("of-the-host"));
    let none = of("--mode host --hosts-file none --add-host a:10.1.1.1").succeed();
    assert!(
        none.starts_with("# minet begin\n127.0.0.1\tlocalhost\n"),
        "{none}"
    );
    assert!(
        none.contains("10.1.1.1\ta") && !none.contains("of-the-host"),
        "{none}"
    );
    assert!(of("--hosts-file image").succeed().contains("of-the-host"));
}

#[test]
fn a_base_that_is_none_is_refused_before_anything_is_made() {
    let host = TestHost::new();
    let root = root(&host, "root");
    let secret = host.file("secret", "not for containers\n");
    let hosts = root.join("etc/hosts");
    fs::remove_file(&hosts).expect("remove");
    symlink(&secret, &hosts).expect("link");
    // As after chroot, the link leads to nothing, and so there are no lines.
    let lines = hosts_base_of(&host, &root);
    assert!(!lines.contains("not for containers"), "{lines}");
    host.minet("gc --all").succeed();
    let before = host.snapshot();
    let long = host.file("long", &"10.0.0.1 name\n".repeat(50_000));
    for (file, why) in [
        ("/nowhere/hosts".to_owned(), "No such file"),
        ("/etc".to_owned(), "not a regular file"),
        (long.display().to_string(), "longer than 512 KiB"),
    ] {
        host.minet(["run", "--hosts-file", &file, "--", "true"])
            .refused(&["--hosts-file", &file, why]);
    }
    for (options, why) in [
        ("--no-hosts --hosts-file none", "cannot be used with"),
        (
            "--no-hosts --add-host a:10.0.0.1",
            "conflicting options: --no-hosts and --add-host",
        ),
        ("--hosts-file=", "a hosts file without a name"),
    ] {
        host.minet(format!("run {options} -- true")).refused(&[why]);
    }
    host.leave("--name web", IDLE);
    host.minet("run --network container:web --hosts-file none -- true")
        .refused(&["conflicting options: hosts-file and the network mode"]);
    host.minet("rm -f web").succeed();
    host.minet("gc --all").succeed();
    assert_eq!(host.snapshot(), before);
}

/// The host has one address under its name, whoever is asked.
#[test]
fn the_hosts_name_means_the_same_in_the_file_and_to_the_resolver() {
    let host = TestHost::new();
    host.minet("network create red").succeed();
    host.minet("network create blue").succeed();
    host.leave("--name web --network red", IDLE);
    let agree = |when: &str| {
        let text = hosts(&host, "web");
        let line = text
            .lines()
            .find(|line| line.contains("host.minet.internal"));
        let in_file = line.and_then(|line| line.split_whitespace().next());
        let answered = host
            .minet("exec web dig +short host.minet.internal")
            .succeed();
        assert_eq!(in_file, Some(answered.as_str()), "{when}: {text}");
        answered
    };
    let red = agree("at first");
    host.minet("network connect --gw-priority 5 blue web")
        .succeed();
    let blue = agree("with another way out");
    assert_ne!(red, blue);
    host.minet("network disconnect blue web").succeed();
    assert_eq!(agree("again as before"), red);
}
