//! `--rootfs`: another file system as the root, friendly or not.

use minet_tests::TestHost;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// A root file system of one static busybox.
fn busybox(host: &TestHost) -> PathBuf {
    let rootfs = host.scratch_dir().join("rootfs");
    for dir in ["bin", "etc", "proc", "sys", "dev", "tmp"] {
        fs::create_dir_all(rootfs.join(dir)).expect("create a directory");
    }
    let which = host.sh("command -v busybox").succeed();
    fs::copy(which, rootfs.join("bin/busybox")).expect("copy busybox");
    for tool in [
        "sh", "cat", "ls", "hostname", "ip", "id", "mount", "readlink", "touch", "stty", "tty",
    ] {
        symlink("busybox", rootfs.join("bin").join(tool)).expect("link to busybox");
    }
    fs::write(
        rootfs.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nweb:x:33:44::/:/bin/sh\n",
    )
    .expect("write");
    fs::write(rootfs.join("etc/group"), "root:x:0:\nweb:x:44:\n").expect("write");
    rootfs
}

fn run_in(host: &TestHost, rootfs: &Path, options: &str, script: &str) -> String {
    let rootfs = rootfs.display().to_string();
    let mut words = vec!["--rootfs", rootfs.as_str()];
    words.extend(options.split_whitespace());
    host.run_sh(&words[..], script).succeed()
}

#[test]
fn the_directory_becomes_the_root() {
    let host = TestHost::new();
    let rootfs = busybox(&host);
    assert_eq!(
        run_in(&host, &rootfs, "", "ls /"),
        "bin\ndev\netc\nproc\nsys\ntmp"
    );
    assert_eq!(run_in(&host, &rootfs, "", "echo /proc/[0-9]*"), "/proc/1");
    let mounts = run_in(&host, &rootfs, "", "cat /proc/mounts");
    assert!(
        !mounts.contains("/run/minet/netns") && !mounts.contains("oldroot"),
        "{mounts}"
    );
    assert!(run_in(&host, &rootfs, "", "ip address").contains("172.17.0."));
    let before = host.exec("cat /proc/mounts").succeed();
    assert!(
        !before.contains("rootfs/"),
        "no mount stays on the host: {before}"
    );
}

#[test]
fn it_has_names_devices_and_a_network() {
    let host = TestHost::new();
    let rootfs = busybox(&host);
    let seen = run_in(
        &host,
        &rootfs,
        "-h web1 --add-host db:10.0.0.5",
        "hostname; cat /etc/hosts /etc/hostname",
    );
    assert!(
        seen.starts_with("web1\n") && seen.ends_with("web1") && seen.contains("10.0.0.5\tdb"),
        "{seen}"
    );
    assert!(run_in(&host, &rootfs, "", "cat /etc/resolv.conf").contains("192.168.120.1"));
    let devices = run_in(&host, &rootfs, "", "ls /dev");
    for device in [
        "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd", "stdin",
        "stdout", "stderr",
    ] {
        assert!(
            devices.lines().any(|name| name == device),
            "no /dev/{device}: {devices}"
        );
    }
    for device in ["sda", "vda", "mem", "kmsg", "loop0"] {
        assert!(
            !devices.lines().any(|name| name == device),
            "/dev/{device} is the host's"
        );
    }
    run_in(
        &host,
        &rootfs,
        "",
        "echo x >/dev/null; echo y >/dev/shm/y; cat /dev/shm/y >/dev/stdout",
    );
    // The files were mounted over, not written into the directory.
    assert_eq!(
        fs::read_to_string(rootfs.join("etc/hosts")).unwrap_or_default(),
        ""
    );
}

#[test]
fn users_are_those_of_the_directory() {
    let host = TestHost::new();
    if !host.has_other_users() {
        println!("not tested: this user namespace has no user but root");
        return;
    }
    let rootfs = busybox(&host);
    assert_eq!(run_in(&host, &rootfs, "-u web", "id -u; id -g"), "33\n44");
}

#[test]
fn volumes_and_read_only_work_there_too() {
    let host = TestHost::new();
    let rootfs = busybox(&host);
    host.file("data", "hello\n");
    let volume = format!(
        "--read-only -v {}:/tmp/data:ro",
        host.scratch_dir().join("data").display()
    );
    let script = "cat /tmp/data; touch /x 2>/dev/null || echo refused; touch /dev/shm/x";
    assert_eq!(run_in(&host, &rootfs, &volume, script), "hello\nrefused");
}

#[test]
fn a_command_is_looked_up_inside() {
    let host = TestHost::new();
    let rootfs = busybox(&host).display().to_string();
    host.minet(["run", "--rm", "--rootfs", &rootfs, "--", "bash"])
        .refused_with(127, &["bash"]);
    host.minet(["run", "--rm", "--rootfs", &rootfs, "--", "/etc/passwd"])
        .refused_with(126, &["/etc/passwd"]);
}

#[test]
fn a_hostile_link_leads_nowhere_on_the_host() {
    let host = TestHost::new();
    let target = host.scratch_dir().join("target");
    fs::create_dir(&target).expect("create a directory");
    for (what, name) in [
        ("directory", "etc"),
        ("file", "etc/hosts"),
        ("file", "etc/resolv.conf"),
        ("directory", "proc"),
        ("directory", "dev"),
        ("directory", "sys"),
        ("directory", "memory"),
    ] {
        let rootfs = busybox(&host);
        let victim = rootfs.join(name);
        let _ = fs::remove_file(&victim);
        let _ = fs::remove_dir_all(&victim);
        match what {
            "file" => symlink(target.join("created"), &victim).expect("link"),
            _ => symlink(&target, &victim).expect("link"),
        }
        let words = [
            "run",
            "--rm",
            "--tmpfs",
            "/memory/below",
            "--rootfs",
            &rootfs.display().to_string(),
            "--",
            "/bin/busybox",
            "true",
        ];
        // Refused or contained, but nothing happens outside of the root.
        host.minet(words).code();
        let touched = host
            .exec(["find", &target.display().to_string(), "-mindepth", "1"])
            .succeed();
        assert_eq!(touched, "", "{name} led to the host's directory");
        fs::remove_dir_all(&rootfs).expect("remove the root file system");
    }
}

#[test]
fn a_hostile_proc_is_not_believed() {
    let host = TestHost::new();
    let rootfs = busybox(&host);
    fs::remove_dir(rootfs.join("proc")).expect("remove");
    symlink("/tmp/fake", rootfs.join("proc")).expect("link");
    fs::create_dir_all(rootfs.join("tmp/fake/sys/net/ipv4")).expect("create");
    fs::write(rootfs.join("tmp/fake/sys/net/ipv4/ip_default_ttl"), "").expect("write");
    let words = [
        "run",
        "--rm",
        "--sysctl",
        "net.ipv4.ip_default_ttl=7",
        "--rootfs",
        &rootfs.display().to_string(),
        "--",
        "/bin/busybox",
        "true",
    ];
    host.minet(words).code();
    let fake =
        fs::read_to_string(rootfs.join("tmp/fake/sys/net/ipv4/ip_default_ttl")).expect("read");
    assert_eq!(
        fake, "",
        "a kernel parameter was written into the container's files"
    );
}
