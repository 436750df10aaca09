//! Kernel parameters below `/proc/sys`, of the calling thread's network namespace.
//!
//! `/proc/sys/net` shows every thread the parameters of its own namespace, so these
//! functions are called inside [`crate::Netns::create`] or [`crate::Netns::run`].
//!
//! A key is written as for `sysctl(8)`: the first separator decides. With dots,
//! `net.ipv4.conf.all.forwarding`, a dot inside an interface's name is written as a slash
//! (`net.ipv4.conf.veth3f/1.forwarding`); with slashes, `net/ipv4/conf/veth3f.1/forwarding`,
//! every part stands for itself.
//!
//! What must stay true: a key cannot lead out of `/proc/sys`, and what is read and written
//! is the kernel's proc and no look-alike (compare CVE-2025-52881). One mount is crossed on
//! the way: LXC and systemd-nspawn make `/proc/sys` read-only and then lay the real
//! `/proc/sys/net` over it, for a host that is a container itself.

use crate::{
    failure::{Doing, Failure},
    launch::{PLAIN, filesystem},
};
use rustix::{
    fs::{
        AtFlags, CWD, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, StatxFlags, fstatfs, openat,
        openat2, statx,
    },
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
};

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Reads a parameter, without the line's end.
pub fn read(key: &str) -> io::Result<String> {
    Knobs::mounted()?.read(key)
}

/// Makes sure that a parameter has this value; see [`Knobs::write`].
pub fn write(key: &str, value: &str) -> Result<(), Failure> {
    let knobs = Knobs::mounted().doing(|| format!("set the sysctl {key} to {value}"))?;
    knobs.write(key, value)
}

/// An open `/proc/sys`.
#[derive(Debug)]
pub struct Knobs(OwnedFd);

impl Knobs {
    /// The one that is mounted.
    pub fn mounted() -> io::Result<Self> {
        let root = openat(CWD, "/proc/sys", DIRECTORY, Mode::empty())?;
        if fstatfs(&root)?.f_type != PROC_SUPER_MAGIC {
            return Err(look_alike("/proc/sys"));
        }
        Ok(Knobs(root))
    }

    /// For a namespace that nobody has looked into yet: in a proc that is mounted for it
    /// alone, nowhere, and goes with this value.
    ///
    /// In the proc that all share, the first look into a namespace compares `net/ipv4`
    /// and `net/ipv6` with those of each namespace that was ever looked into (`d_compare` in
    /// the kernel's fs/proc/proc_sysctl.c; their names are the same). Among 1,000 that took 2 ms,
    /// here 0.4 ms whatever there is. Where no proc may be mounted, the shared one will do.
    pub fn fresh() -> io::Result<Self> {
        let Ok(proc) = filesystem("proc", &[], PLAIN) else {
            return Self::mounted();
        };
        Ok(Knobs(openat(proc, "sys", DIRECTORY, Mode::empty())?))
    }

    /// Reads a parameter, without the line's end.
    pub fn read(&self, key: &str) -> io::Result<String> {
        let mut value = String::new();
        File::from(self.open(key, OFlags::RDONLY)?).read_to_string(&mut value)?;
        value.truncate(value.trim_end_matches('\n').len());
        Ok(value)
    }

    /// Makes sure that a parameter has this value.
    ///
    /// Where it cannot be written but has the value already, as in a container whose
    /// `/proc/sys` is read-only, that is no reason to fail. It is not read before, because
    /// each look at a file of a new namespace is expensive.
    pub fn write(&self, key: &str, value: &str) -> Result<(), Failure> {
        let written = self
            .open(key, OFlags::WRONLY)
            .and_then(|file| File::from(file).write_all(value.as_bytes()));
        let has_it = |present: String| same_value(&present, value);
        match written {
            Err(_) if self.read(key).is_ok_and(has_it) => Ok(()),
            other => other.doing(|| format!("set the sysctl {key} to {value}")),
        }
    }

    fn open(&self, key: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = path_of(key)?;
        match (
            open_beneath(&self.0, &path, flags, Crossing::Nothing),
            path.strip_prefix("net/"),
        ) {
            (Err(Errno::XDEV), Some(rest)) => {
                let net = open_beneath(&self.0, "net", DIRECTORY, Crossing::Mounts)?;
                if !is_all_of("/sys/net", &net)? {
                    return Err(look_alike("/proc/sys/net"));
                }
                Ok(open_beneath(&net, rest, flags, Crossing::Nothing)?)
            }
            (opened, _) => Ok(opened?),
        }
    }
}

/// Lists of numbers come back separated by tabs, whatever they were written with.
fn same_value(present: &str, wanted: &str) -> bool {
    present
        .split_ascii_whitespace()
        .eq(wanted.split_ascii_whitespace())
}

/// What may lie between a directory and what is opened below it.
#[derive(PartialEq, Eq)]
enum Crossing {
    Nothing,
    Mounts,
}

/// No symbolic link, no way up.
fn open_beneath(
    dir: &OwnedFd,
    path: &str,
    flags: OFlags,
    crossing: Crossing,
) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    resolve.set(ResolveFlags::NO_XDEV, crossing == Crossing::Nothing);
    openat2(dir, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

fn look_alike(path: &str) -> io::Error {
    io::Error::other(format!("{path} is not the kernel's proc file system"))
}

/// Whether a directory is the root of a mount that shows this part of a proc file system,
/// and no other part of it (`man 5 proc_pid_mountinfo`: a mount's first field is its
/// number, the fourth what it shows).
fn is_all_of(part: &str, dir: &OwnedFd) -> io::Result<bool> {
    if fstatfs(dir)?.f_type != PROC_SUPER_MAGIC {
        return Ok(false);
    }
    let status = statx(dir.as_fd(), "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    let mount = status.stx_mnt_id.to_string();
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo")?;
    Ok(mounts.lines().any(|line| {
        let mut fields = line.split(' ');
        fields.next() == Some(mount.as_str()) && fields.nth(2) == Some(part)
    }))
}

/// The path below `/proc/sys` that a key means.
fn path_of(key: &str) -> io::Result<String> {
    let with_dots = key
        .find(['.', '/'])
        .is_some_and(|at| key[at..].starts_with('.'));
    let path: String = if with_dots {
        let swap = |c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        key.chars().map(swap).collect()
    } else {
        key.to_owned()
    };
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if !path.split('/').all(plain) {
        let message = format!("{key:?} is not the name of a sysctl");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_separator_decides() {
        for (key, path) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            (
                "net/ipv4/conf/veth3f.1/forwarding",
                "net/ipv4/conf/veth3f.1/forwarding",
            ),
            (
                "net.ipv4.conf.veth3f/1.forwarding",
                "net/ipv4/conf/veth3f.1/forwarding",
            ),
            ("debug", "debug"),
        ] {
            assert_eq!(path_of(key).unwrap(), path);
        }
    }

    #[test]
    fn no_key_leads_out_of_proc_sys() {
        for key in [
            "",
            ".",
            "..",
            "net..x",
            "/etc/passwd",
            "net/../../kcore",
            "net.//.x",
            "a.b\0",
        ] {
            assert!(path_of(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn values_are_compared_word_by_word() {
        assert!(same_value("0\t2147483647", "0 2147483647"));
        assert!(!same_value("0", "1"));
    }
}
