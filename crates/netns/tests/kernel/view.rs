//! Files that are mounted into a container that runs, and taken away again.

use crate::support::{Going, Scratch, launch_sh};
use minet_netns::{FileId, Pid, Root, RootAccess, View, open_process};
use std::{
    fs::{self, File},
    os::{fd::AsFd, unix::fs::symlink},
    path::{Path, PathBuf},
};

const HOSTS: &str = "/etc/hosts";

/// A container in which `/etc/hosts` says `below`.
fn container(root: &Scratch) -> (Going, View, String) {
    let scratch = Scratch::new();
    let hosts = scratch.join("hosts");
    fs::write(&hosts, "below\n").unwrap();
    let options = ["--root", root.str(), "--hosts", hosts.to_str().unwrap()];
    let mut going = Going::start(&[&options[..], &["sh", "-c", "echo up; cat; exit 0"]].concat());
    assert_eq!(going.line(), "up");
    let pid = going.container();
    let view = View::of(open_process(Pid::from_raw(pid).unwrap()).unwrap());
    (going, view, pid.to_string())
}

fn root_with_hosts() -> Scratch {
    let root = Scratch::rootfs();
    fs::create_dir(root.join("etc")).unwrap();
    fs::write(root.join("etc/hosts"), "of the root\n").unwrap();
    root
}

/// Its hosts file, as its maker holds it, and a cover beside it.
fn hosts_and_cover(going: &Going) -> (PathBuf, PathBuf) {
    let folder = going.folder();
    fs::write(folder.join("cover"), "above\n").unwrap();
    (folder.join("hosts"), folder.join("cover"))
}

fn id(path: &Path) -> FileId {
    FileId::of(path).unwrap().expect("a file")
}

#[test]
fn a_file_is_covered_and_uncovered() {
    let root = root_with_hosts();
    let (going, view, pid) = container(&root);
    let (hosts, cover) = hosts_and_cover(&going);
    let folder = File::open(going.folder()).unwrap();
    let target = Path::new(HOSTS);
    let directory = Root::Directory(root.join(""));
    let says = |script: &str| launch_sh(&["--join", &pid], script);
    assert_eq!(view.sees(target).unwrap(), Some(id(&hosts)));
    assert_eq!(view.sees(Path::new("/etc/nothing")).unwrap(), None);

    let file = (folder.as_fd(), Path::new("cover"));
    let put = |covered, access| view.cover(target, covered, file, &directory, access);
    assert!(
        !put(id(&cover), RootAccess::ReadWrite).unwrap(),
        "another is seen"
    );
    assert_eq!(says("cat /etc/hosts").good(), "below\n");
    assert!(put(id(&hosts), RootAccess::ReadOnly).unwrap());
    assert_eq!(says("cat /etc/hosts").good(), "above\n");
    assert!(says("echo x >/etc/hosts").bad().1.contains("Read-only"));
    assert_eq!(view.sees(target).unwrap(), Some(id(&cover)));

    assert!(!view.uncover(target, id(&hosts)).unwrap(), "that is below");
    assert!(view.uncover(target, id(&cover)).unwrap());
    assert_eq!(
        says("cat /etc/hosts; echo mine >>/etc/hosts").good(),
        "below\n"
    );
    assert_eq!(fs::read_to_string(&hosts).unwrap(), "below\nmine\n");
    assert!(!view.uncover(target, id(&cover)).unwrap(), "it is gone");
    // Nothing of it was to be seen on the host.
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(root.str()) && !mounts.contains(" /cover "));
}

/// What was found is what is unmounted: a link to the cover of something else is not one.
#[test]
fn a_link_leads_to_nothing_that_is_not_expected() {
    let root = root_with_hosts();
    let (going, view, _) = container(&root);
    let (hosts, cover) = hosts_and_cover(&going);
    let folder = File::open(going.folder()).unwrap();
    fs::rename(root.join("etc"), root.join("away")).unwrap();
    fs::create_dir(root.join("etc")).unwrap();
    symlink("/proc/kcore", root.join("etc/hosts")).unwrap();
    let target = Path::new(HOSTS);
    let directory = Root::Directory(root.join(""));
    let put = view.cover(
        target,
        id(&hosts),
        (folder.as_fd(), Path::new("cover")),
        &directory,
        RootAccess::ReadWrite,
    );
    assert!(!put.unwrap());
    assert!(!view.uncover(target, id(&cover)).unwrap());
    symlink("/etc/loop", root.join("etc/loop")).unwrap();
    assert_eq!(view.sees(Path::new("/etc/loop")).unwrap(), None);
}

#[test]
fn one_that_has_ended_has_no_view() {
    let root = root_with_hosts();
    let (going, view, pid) = container(&root);
    drop(going);
    crate::support::await_end(&pid);
    view.sees(Path::new(HOSTS)).unwrap_err();
}

#[test]
fn a_file_that_is_not_there_is_none() {
    let scratch = Scratch::new();
    assert_eq!(FileId::of(&scratch.join("nothing")).unwrap(), None);
    assert_ne!(id(Path::new("/proc/self/status")), id(Path::new("/")));
}
