//! Root directories that try to lead mounts, files and reads to the host.

use crate::support::{Scratch, launch, launch_sh};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// A directory of the host with a precious file, and a generated one to mount.
fn host() -> (Scratch, Scratch) {
    let (victim, made) = (Scratch::new(), Scratch::new());
    fs::write(victim.join("hosts"), "precious\n").unwrap();
    fs::write(made.join("hosts"), "generated\n").unwrap();
    (victim, made)
}

#[test]
fn etc_that_is_a_link_to_the_host_stays_in_the_root() {
    let (victim, made) = host();
    let root = Scratch::rootfs();
    symlink(victim.str(), root.join("etc")).unwrap();
    let before = root.listing();
    let hosts = made.join("hosts");
    let options = ["--root", root.str(), "--hosts", hosts.to_str().unwrap()];
    // The container follows its link too, and finds what was mounted, in its own tree.
    assert_eq!(launch_sh(&options, "cat /etc/hosts").good(), "generated\n");
    assert_eq!(
        fs::read_to_string(victim.join("hosts")).unwrap(),
        "precious\n"
    );
    assert_eq!(victim.listing().len(), 1);
    assert_eq!(root.listing(), before);
}

#[test]
fn links_upwards_and_magic_links_stay_in_the_root_or_fail() {
    let (victim, made) = host();
    let hosts = made.join("hosts");
    let up = format!("../../../../../..{}/hosts", victim.str());
    for target in [
        up.as_str(),
        "/proc/1/root/etc/hosts",
        "/proc/self/root/etc/hosts",
        "hosts",
    ] {
        let root = Scratch::rootfs();
        fs::create_dir(root.join("etc")).unwrap();
        symlink(target, root.join("etc/hosts")).unwrap();
        launch(&[
            "--root",
            root.str(),
            "--hosts",
            hosts.to_str().unwrap(),
            "true",
        ]);
        assert_eq!(
            fs::read_to_string(victim.join("hosts")).unwrap(),
            "precious\n",
            "{target}"
        );
    }
}

#[test]
fn proc_sys_and_dev_that_are_links_are_refused() {
    for name in ["proc", "sys", "dev"] {
        let (root, victim) = (Scratch::rootfs(), Scratch::new());
        fs::create_dir(root.join("elsewhere")).unwrap();
        for target in [victim.str(), "elsewhere"] {
            symlink(target, root.join(name)).unwrap();
            let (code, err) = launch(&["--root", root.str(), "true"]).bad();
            assert!(
                code == 125 && err.contains(&format!("mount on /{name}")),
                "{err}"
            );
            fs::remove_file(root.join(name)).unwrap();
        }
        assert!(victim.listing().is_empty());
    }
}

#[test]
fn volume_targets_through_links_stay_in_the_root() {
    let (victim, data) = (Scratch::new(), Scratch::new());
    fs::write(data.join("file"), "data\n").unwrap();
    let root = Scratch::rootfs();
    symlink(victim.str(), root.join("link")).unwrap();
    let volume = format!("{}:/link/deep/er", data.str());
    let options = ["--root", root.str(), "--volume", &volume];
    assert_eq!(
        launch_sh(&options, "cat /link/deep/er/file").good(),
        "data\n"
    );
    assert!(victim.listing().is_empty());
}

#[test]
fn accounts_are_not_read_from_the_host_nor_from_a_fifo() {
    let root = Scratch::rootfs();
    symlink("/etc", root.join("etc")).unwrap();
    let (_, err) = launch(&["--root", root.str(), "--user", "nobody", "true"]).bad();
    assert!(err.contains("unable to find user nobody"), "{err}");
    fs::remove_file(root.join("etc")).unwrap();
    fs::create_dir(root.join("etc")).unwrap();
    let fifo = root.join("etc/passwd");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (_, err) = launch(&["--root", root.str(), "--user", "nobody", "true"]).bad();
    assert!(err.contains("unable to find user nobody"), "{err}");
}

#[test]
fn commands_are_not_found_on_the_host() {
    let root = Scratch::rootfs();
    symlink("/usr/bin", root.join("tools")).unwrap();
    assert_eq!(
        launch(&["--root", root.str(), "/tools/env"]).code,
        Some(127)
    );
    symlink("/proc/self/exe", root.join("self")).unwrap();
    let ended = launch(&["--root", root.str(), "/self"]);
    assert_ne!(ended.code, Some(0), "{ended:?}");
}

/// CVE-2019-5736: the program that made the container is a file of the host's.
#[test]
fn the_makers_program_cannot_be_written() {
    let root = Scratch::rootfs();
    let script = "ls -l /proc/1/exe; : > /proc/1/exe";
    let ended = launch_sh(&["--root", root.str(), "--init"], script);
    assert!(
        ended.err.contains("Permission denied"),
        "an own init hides: {ended:?}"
    );
    // All capabilities, among them the one to look into processes that hide.
    let options = [
        "--read-only-self",
        "--root",
        root.str(),
        "--init",
        "--cap-add",
        "ALL",
    ];
    let ended = launch_sh(&options, "cat /proc/1/exe >/dev/null && : > /proc/1/exe");
    assert!(ended.err.contains("Read-only file system"), "{ended:?}");
}

/// CVE-2021-30465: a directory is exchanged for a link between the check and the mount.
#[test]
fn a_race_with_links_is_not_won() {
    let (victim, made) = host();
    let root = Scratch::rootfs();
    fs::create_dir(root.join("etc")).unwrap();
    fs::write(root.join("etc/hosts"), "the root's own\n").unwrap();
    symlink(victim.str(), root.join("trap")).unwrap();
    let hosts = made.join("hosts");
    let options = ["--root", root.str(), "--hosts", hosts.to_str().unwrap()];
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let (etc, trap) = (root.join("etc"), root.join("trap"));
                let _ = renameat_with(CWD, etc, CWD, trap, RenameFlags::EXCHANGE);
            }
        });
        for _ in 0..40 {
            let ended = launch_sh(&options, "cat /etc/hosts /trap/hosts");
            assert!(!ended.out.contains("precious"), "{ended:?}");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        fs::read_to_string(victim.join("hosts")).unwrap(),
        "precious\n"
    );
    assert_eq!(victim.listing().len(), 1);
}
