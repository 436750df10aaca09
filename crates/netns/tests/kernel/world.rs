use crate::support::{Going, Scratch, launch, launch_sh};
use std::{fs, process::Command};

const NEW: &[&str] = &["--net", "new"];

#[test]
fn only_its_own_processes_and_devices() {
    let out = launch_sh(
        NEW,
        "echo $$; ls -d /proc/[0-9]*; ls /sys/class/net; ls /dev/pts",
    )
    .good();
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        ["1", "/proc/1", "lo", "ptmx"]
    );
    let out = launch_sh(NEW, "uname -n; cat /proc/sys/kernel/hostname").good();
    assert_eq!(out, "launched\nlaunched\n");
}

#[test]
fn no_descriptor_of_the_hosts_gets_through() {
    let script = "exec 9</etc 10</ 200</proc; exec \"$0\" busybox ls /proc/self/fd";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(crate::support::launch_program())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "0\n1\n2\n3\n",
        "{output:?}"
    );
}

#[test]
fn the_kernels_knobs_cannot_be_turned() {
    let root = Scratch::rootfs();
    for options in [
        &[][..],
        NEW,
        &["--root", root.str()],
        &["--root", root.str(), "--net", "new"],
    ] {
        for file in [
            "/proc/sys/kernel/core_pattern",
            "/proc/sys/net/ipv4/ip_forward",
            "/proc/irq/default_smp_affinity",
        ] {
            let ended = launch_sh(options, &format!("test ! -e {file} || echo x > {file}"));
            assert!(
                ended.err.contains("Read-only file system"),
                "{file} {options:?}: {ended:?}"
            );
        }
        let script = "for f in /proc/kcore /proc/keys /proc/timer_list; do test ! -e $f || cat $f; done; \
            ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep .";
        assert_eq!(launch_sh(options, script).out, "", "{options:?}");
        let ended = launch_sh(options, "mkdir /sys/fs/cgroup/x");
        assert!(ended.code != Some(0), "{options:?}: {ended:?}");
    }
}

#[test]
fn an_empty_root_directory_becomes_a_world() {
    let root = Scratch::rootfs();
    let before = root.listing();
    let script = "ls /; for f in null zero full random urandom tty; do test -c /dev/$f || echo no $f; done; \
        echo lost > /dev/null; ls /dev/null /dev/fd/1 /dev/ptmx; echo $HOME; pwd";
    let out = launch_sh(&["--root", root.str()], script).good();
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "bin",
            "dev",
            "proc",
            "sys",
            "/dev/fd/1",
            "/dev/null",
            "/dev/ptmx",
            "/",
            "/"
        ]
    );
    assert_eq!(root.listing(), before, "mount points are removed again");
}

#[test]
fn volumes_are_what_they_say() {
    let (root, data) = (Scratch::rootfs(), Scratch::new());
    fs::write(data.join("file"), "hello\n").unwrap();
    let in_root = ["--root", root.str()];
    // In the host's own file system only where nothing has to be made for it.
    for (target, roots) in [
        ("/data/deep", &[&in_root[..]][..]),
        ("/dev/shm/deep/data", &[&[][..], &in_root]),
    ] {
        let volume = format!("{}:{target}", data.str());
        for options in roots.iter().copied() {
            let read_only = format!("{volume}:ro");
            let ro = [options, &["--volume", &read_only]].concat();
            let ended = launch_sh(&ro, &format!("cat {target}/file; touch {target}/x"));
            assert_eq!(ended.out, "hello\n", "{ended:?}");
            assert!(ended.err.contains("Read-only file system"), "{ended:?}");
            let rw = [options, &["--read-only", "--volume", &volume]].concat();
            launch_sh(&rw, &format!("touch {target}/new")).good();
            fs::remove_file(data.join("new")).unwrap();
        }
    }
    let file = format!("{}/file:/greeting", data.str());
    assert_eq!(
        launch(&["--root", root.str(), "--volume", &file, "cat", "/greeting"]).good(),
        "hello\n"
    );
    let (code, err) = launch(&["--volume", "/no/such:/x", "true"]).bad();
    assert!(code == 125 && err.contains("/no/such"), "{err}");
    let (_, err) = launch(&["--volume", "/tmp:/proc/sys", "true"]).bad();
    assert!(err.contains("mount a volume on /proc/sys"), "{err}");
    assert!(!std::path::Path::new("/data/deep").exists());
}

#[test]
fn a_read_only_root_is_read_only() {
    let root = Scratch::rootfs();
    for options in [&["--read-only"][..], &["--read-only", "--root", root.str()]] {
        let ended = launch_sh(options, "touch /x || touch /dev/shm/x");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.err.contains("Read-only file system"), "{ended:?}");
    }
}

#[test]
fn a_device_node_in_a_root_directory_is_only_a_file() {
    let root = Scratch::rootfs();
    let ended = launch_sh(
        &["--root", root.str()],
        "mknod /zero c 1 5 && head -c 1 /zero",
    );
    assert!(
        ended.err.contains("denied") || ended.err.contains("not permitted"),
        "{ended:?}"
    );
    let ended = launch_sh(
        &["--root", root.str()],
        "mknod /dev/shm/z c 1 5 && head -c 1 /dev/shm/z",
    );
    assert!(
        ended.err.contains("denied") || ended.err.contains("not permitted"),
        "{ended:?}"
    );
}

#[test]
fn generated_files_cover_those_in_etc() {
    let (root, made) = (Scratch::rootfs(), Scratch::new());
    let hosts = made.join("hosts");
    fs::write(&hosts, "127.0.0.1 here\n").unwrap();
    let hosts = hosts.to_str().unwrap();
    assert_eq!(
        launch(&["--hosts", hosts, "cat", "/etc/hosts"]).good(),
        "127.0.0.1 here\n"
    );
    let before = root.listing();
    let options = ["--root", root.str(), "--hosts", hosts];
    assert_eq!(
        launch_sh(&options, "cat /etc/hosts").good(),
        "127.0.0.1 here\n"
    );
    assert_eq!(root.listing(), before);
    launch_sh(&options, "touch /etc/kept").good();
    assert!(root.join("etc/kept").exists() && !root.join("etc/hosts").exists());
}

#[test]
fn a_terminal_of_its_own() {
    let root = Scratch::rootfs();
    for options in [
        &["--tty"][..],
        &["--tty", "--root", root.str()],
        &["--tty", "--init", "--root", root.str()],
    ] {
        let script = "tty; stty cols 77 rows 33; stty size; \
            tty < /dev/tty; echo x > /dev/console; test -t 0 -a -t 1 -a -t 2 && echo all";
        let out = launch_sh(options, script).good();
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[..2], ["/dev/pts/0", "33 77"], "{options:?}");
        assert!(lines[2..].contains(&"all"), "{options:?} {out:?}");
    }
}

#[test]
fn the_hosts_unmounting_is_seen_and_ours_is_not() {
    let mut going = Going::start(&[
        "--cap-add",
        "SYS_ADMIN",
        "sh",
        "-c",
        "umount -l /sys; echo done; cat",
    ]);
    assert_eq!(going.line(), "done");
    assert!(
        fs::exists("/sys/class/net").unwrap(),
        "the host's /sys is still there"
    );
}
