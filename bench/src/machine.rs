//! On what was measured.

use serde::Serialize;
use std::{fs, process::Command};

/// What has to be known to read the figures.
#[derive(Debug, Serialize)]
pub(crate) struct MachineInfo {
    pub(crate) kernel: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    /// Over the last minute before the run: others who wanted the processors.
    pub(crate) load: String,
    /// The programs that took part.
    pub(crate) versions: Vec<String>,
}

impl MachineInfo {
    pub(crate) fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let load = read("/proc/loadavg");
        MachineInfo {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: processor.unwrap_or("unknown").to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            versions: versions(),
        }
    }
}

fn versions() -> Vec<String> {
    const PACKAGES: [&str; 10] = [
        "docker.io",
        "podman",
        "crun",
        "netavark",
        "aardvark-dns",
        "containernetworking-plugins",
        "iperf3",
        "wrk",
        "nginx-light",
        "dnsperf",
    ];
    let minet = format!("minet {}", env!("CARGO_PKG_VERSION"));
    let packages = PACKAGES.iter().filter_map(|package| {
        let output = Command::new("dpkg-query")
            .args([
                "--show",
                "--showformat=${db:Status-Status} ${Version}",
                package,
            ])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.strip_prefix("installed ")?;
        Some(format!("{package} {version}"))
    });
    std::iter::once(minet).chain(packages).collect()
}
