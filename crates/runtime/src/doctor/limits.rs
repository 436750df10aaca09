//! What this machine has only so much of.

use super::{Examination, Finding, Patient, number};
use crate::Error;
use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::{FsFlags, statvfs},
};
use std::path::Path;

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "conntrack table",
        why: "When it is full, new connections of the whole host are dropped.",
        look: conntrack,
    },
    Examination {
        name: "file descriptors",
        why: "Each published port is a socket, and each container a few files.",
        look: descriptors,
    },
    Examination {
        name: "inotify",
        why: "Following a log takes one instance.",
        look: inotify,
    },
    Examination {
        name: "processes",
        why: "Each container has a supervisor and at least one process of its own.",
        look: processes,
    },
    Examination {
        name: "disk of the state",
        why: "What minet remembers has to be written before anything is made.",
        look: state_disk,
    },
    Examination {
        name: "disk of the run directory",
        why: "hosts, resolv.conf and hostname of each container are written there.",
        look: run_disk,
    },
];

fn conntrack(_: &mut Patient) -> Result<Finding, Error> {
    let read = |name: &str| number(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"));
    Ok(match (read("count"), read("max")) {
        (Some(count), Some(max)) if max > 0 && count * 5 > max * 4 => Finding::warning(
            format!("{count} of {max} entries in use"),
            format!("sysctl -w net.netfilter.nf_conntrack_max={}", max * 2),
        ),
        (Some(count), Some(max)) => Finding::fine(format!("{count} of {max} entries in use")),
        _ => Finding::note("not in use yet"),
    })
}

fn descriptors(_: &mut Patient) -> Result<Finding, Error> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(Error::process("read limits"))?;
    let text = std::fs::read_to_string("/proc/sys/fs/file-nr").unwrap_or_default();
    let numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    if let [open, _, max] = numbers[..]
        && open > max / 10 * 9
    {
        return Ok(Finding::warning(
            format!("{open} of {max} are open on this machine"),
            format!("sysctl -w fs.file-max={}", max.saturating_mul(2)),
        ));
    }
    Ok(match most < 4096 {
        true => Finding::warning(
            format!("a process may open {most} at most"),
            "ulimit -Hn 524288, or LimitNOFILE= of the unit",
        ),
        false => Finding::fine(format!("a process may open {most}")),
    })
}

fn inotify(_: &mut Patient) -> Result<Finding, Error> {
    Ok(match number("/proc/sys/fs/inotify/max_user_instances") {
        Some(few) if few < 64 => Finding::warning(
            format!("{few} instances for each user"),
            "sysctl -w fs.inotify.max_user_instances=512",
        ),
        Some(enough) => Finding::fine(format!("{enough} instances for each user")),
        None => Finding::note("this kernel has none: logs cannot be followed"),
    })
}

fn processes(_: &mut Patient) -> Result<Finding, Error> {
    let max = number("/proc/sys/kernel/pid_max").unwrap_or(0);
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    // "0.20 0.18 0.12 1/80 11206": the fourth field ends with how many there are.
    let field = text.split_whitespace().nth(3);
    let there = field.and_then(|field| field.split_once('/')?.1.parse::<u64>().ok());
    Ok(match there {
        Some(there) if there * 5 > max * 4 => Finding::warning(
            format!("{there} of {max} process numbers in use"),
            "sysctl -w kernel.pid_max=4194304",
        ),
        _ => Finding::fine(format!(
            "{} of {max} process numbers in use",
            there.unwrap_or(0)
        )),
    })
}

fn state_disk(patient: &mut Patient) -> Result<Finding, Error> {
    disk(patient.paths.state_dir())
}

fn run_disk(patient: &mut Patient) -> Result<Finding, Error> {
    disk(patient.paths.run_dir())
}

/// The file system that a directory is on, or will be.
fn disk(dir: &Path) -> Result<Finding, Error> {
    /// What a hundred containers write, generously.
    const LITTLE: u64 = 16 << 20;
    const FEW: u64 = 500;
    let mut there = dir;
    while let (false, Some(parent)) = (there.exists(), there.parent()) {
        there = parent;
    }
    let found = statvfs(there).map_err(|errno| Error::file("look at", there)(errno.into()))?;
    let free = found.blocks_available() * found.fragment_size();
    let inodes = found.files_available();
    let shown = dir.display();
    let room = format!("{} MiB free for {shown}", free >> 20);
    if found.flags().contains(FsFlags::ST_RDONLY) {
        return Ok(Finding::wrong(
            format!("{shown} is read-only"),
            format!(
                "mount -o remount,rw {}, or use another --root",
                there.display()
            ),
        ));
    }
    // Some file systems do not count inodes.
    let few = found.files() > 0 && inodes < FEW;
    Ok(match (free < LITTLE, few) {
        (true, _) => Finding::warning(room, format!("make room below {shown}")),
        (false, true) => Finding::warning(
            format!("{inodes} inodes free for {shown}"),
            format!("remove files below {shown}"),
        ),
        (false, false) => Finding::fine(room),
    })
}
