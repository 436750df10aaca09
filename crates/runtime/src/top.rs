//! `minet top` and `minet stats`: what a container's processes and interfaces do, as the
//! kernel tells in `/proc`. Nothing is measured while nobody asks.

use crate::{Error, Runtime, find};
use minet_model::ContainerId;
use procfs::{
    Current, Meminfo,
    process::{Process, all_processes},
};
use std::path::PathBuf;

/// One process of a container, as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its user's number.
    pub uid: u32,
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// Milliseconds since 1970.
    pub started: i64,
    /// Seconds of processor time.
    pub cpu: u64,
    /// Its command line, or its name in brackets.
    pub command: String,
}

/// What a container has used up so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Seconds of processor time of the processes that are alive.
    pub cpu: f64,
    /// Bytes of memory that its processes have resident; what they share counts for each.
    pub memory: u64,
    /// Bytes of memory that this machine has, which is the limit.
    pub memory_limit: u64,
    /// Bytes that its living processes had read from disks.
    pub read: u64,
    /// Bytes that its living processes had written to disks.
    pub written: u64,
    /// How many processes it has.
    pub processes: usize,
    /// Its interfaces without the loopback, by name; none in the host's own network.
    pub interfaces: Vec<Traffic>,
}

/// What went through an interface, seen from inside the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// Its name inside.
    pub interface: String,
    /// Bytes that came in.
    pub received: u64,
    /// Packets that came in.
    pub packets_received: u64,
    /// Bytes that went out.
    pub sent: u64,
    /// Packets that went out.
    pub packets_sent: u64,
}

impl Runtime {
    /// The processes of a running container, by number.
    pub fn top(&mut self, container: &str) -> Result<Vec<ProcessInfo>, Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        let _pinned_down = self.init_of(&row)?;
        let init = row.live.as_ref().and_then(|live| live.init);
        let pid = init.map_or(0, |init| init.pid);
        let mut processes: Vec<_> = family(pid)?.iter().filter_map(describe).collect();
        processes.sort_by_key(|process| process.pid);
        Ok(processes)
    }

    /// What these containers have used up; of all that run if none is given. One that has
    /// ended in this moment is left out.
    pub fn usage(&mut self, containers: &[String]) -> Result<Vec<Usage>, Error> {
        let rows = self.store.read(|tx| match containers.is_empty() {
            true => Ok::<_, Error>(tx.live_containers()?),
            false => containers
                .iter()
                .map(|container| find::container(tx, container))
                .collect(),
        })?;
        let mut usages = Vec::new();
        for row in rows {
            let Some(init) = row.live.as_ref().and_then(|live| live.init) else {
                continue;
            };
            if self.init_of(&row).is_ok()
                && let Ok(usage) = usage_of(init.pid, row.id.clone(), row.name.to_string())
            {
                usages.push(usage);
            }
        }
        Ok(usages)
    }
}

/// Every process in the PID namespace of this one.
fn family(pid: i32) -> Result<Vec<Process>, Error> {
    let namespace = pid_namespace(pid);
    let all = all_processes()?.filter_map(Result::ok);
    Ok(all
        .filter(|process| namespace.is_some() && pid_namespace(process.pid) == namespace)
        .collect())
}

fn pid_namespace(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

fn describe(process: &Process) -> Option<ProcessInfo> {
    let stat = process.stat().ok()?;
    let words = process.cmdline().unwrap_or_default();
    let command = match words.is_empty() {
        true => format!("[{}]", stat.comm),
        false => words.join(" "),
    };
    let since_boot = i64::try_from(stat.starttime * 1000 / procfs::ticks_per_second()).ok()?;
    let boot = i64::try_from(procfs::boot_time_secs().ok()?).ok()? * 1000;
    Some(ProcessInfo {
        uid: process.uid().ok()?,
        pid: process.pid,
        parent: stat.ppid,
        started: boot + since_boot,
        cpu: (stat.utime + stat.stime) / procfs::ticks_per_second(),
        command,
    })
}

fn usage_of(pid: i32, id: ContainerId, name: String) -> Result<Usage, Error> {
    let family = family(pid)?;
    let stats: Vec<_> = family
        .iter()
        .filter_map(|process| process.stat().ok())
        .collect();
    let disks: Vec<_> = family
        .iter()
        .filter_map(|process| process.io().ok())
        .collect();
    let ticks: u64 = stats.iter().map(|stat| stat.utime + stat.stime).sum();
    let pages: u64 = stats.iter().map(|stat| stat.rss).sum();
    #[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
    let cpu = ticks as f64 / procfs::ticks_per_second() as f64;
    Ok(Usage {
        id,
        name,
        cpu,
        memory: pages * procfs::page_size(),
        memory_limit: Meminfo::current()?.mem_total,
        read: disks.iter().map(|io| io.read_bytes).sum(),
        written: disks.iter().map(|io| io.write_bytes).sum(),
        processes: stats.len(),
        interfaces: traffic(pid)?,
    })
}

fn traffic(pid: i32) -> Result<Vec<Traffic>, Error> {
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    if network(&pid.to_string()) == network("self") {
        return Ok(Vec::new());
    }
    let devices = Process::new(pid)?.dev_status()?;
    let mut traffic: Vec<_> = devices
        .into_values()
        .filter(|device| device.name != "lo")
        .map(|device| Traffic {
            interface: device.name,
            received: device.recv_bytes,
            packets_received: device.recv_packets,
            sent: device.sent_bytes,
            packets_sent: device.sent_packets,
        })
        .collect();
    traffic.sort_by(|one, other| one.interface.cmp(&other.interface));
    Ok(traffic)
}
