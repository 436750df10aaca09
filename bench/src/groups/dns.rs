//! Names of containers: dnsperf inside a container asks minet's resolver on 127.0.0.11,
//! and aardvark-dns, where it is installed, in a bare namespace.

use super::minet;
use crate::{
    figure::{Figure, Unit},
    race::{Effort, command, output},
    session::{Told, tell},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

const GROUP: &str = "names";
const AARDVARK: &str = "/usr/lib/podman/aardvark-dns";
pub(super) const QUERIES: &str = "/run/bench-queries";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    if !can_ask()? {
        return Ok(());
    }
    let minet = minet();
    output(&format!("{minet} network create names"))?;
    output(&format!(
        "{minet} run -d --network names --name target -- sleep 100000"
    ))?;
    fs::write(QUERIES, "target A\n")?;
    let aardvark = match Aardvark::start() {
        Ok(aardvark) => Some(aardvark),
        Err(error) => {
            tell(&Told::Missing(format!("{error:#}")))?;
            None
        }
    };
    let (rounds, seconds) = effort.choose((2, 1), (5, 2));
    let ours = format!(
        "{minet} run --rm --network names -v {QUERIES}:{QUERIES}:ro -- \
         dnsperf -s 127.0.0.11 -d {QUERIES} -l {seconds}"
    );
    let theirs = format!("ip netns exec aardvark dnsperf -s 10.97.0.1 -d {QUERIES} -l {seconds}");
    let mut ours = Asked::new(GROUP, "minet, a container's name", ours);
    let mut theirs = Asked::new(GROUP, "aardvark-dns, a container's name", theirs);
    for _ in 0..rounds {
        ours.ask()?;
        if aardvark.is_some() {
            theirs.ask()?;
        }
    }
    ours.tell(None)?;
    match aardvark {
        Some(_) => theirs.tell(Some(&ours.name)),
        None => Ok(()),
    }
}

/// Whether dnsperf is there; says so if it is not.
pub(super) fn can_ask() -> Result<bool> {
    let there = Path::new("/usr/bin/dnsperf").exists();
    if !there {
        tell(&Told::Missing("dnsperf is not installed".to_owned()))?;
    }
    Ok(there)
}

/// Somebody who is asked, and what came of it.
pub(super) struct Asked {
    group: &'static str,
    name: String,
    line: String,
    rates: Vec<f64>,
    delays: Vec<f64>,
}

impl Asked {
    pub(super) fn new(group: &'static str, name: &str, line: String) -> Self {
        let (rates, delays) = (Vec::new(), Vec::new());
        Asked {
            group,
            name: name.to_owned(),
            line,
            rates,
            delays,
        }
    }

    pub(super) fn ask(&mut self) -> Result<()> {
        let text = output(&self.line)?;
        let number = |label: &str| -> Result<f64> {
            let line = text
                .lines()
                .find_map(|line| line.trim().strip_prefix(label));
            let word = line.and_then(|line| line.split_whitespace().next());
            let word = word.with_context(|| format!("dnsperf does not say {label:?}: {text}"))?;
            word.parse().context("read dnsperf's figures")
        };
        ensure!(number("Queries completed:")? > 0.0, "no answers: {text}");
        self.rates.push(number("Queries per second:")?);
        self.delays.push(number("Average Latency (s):")? * 1e6);
        Ok(())
    }

    pub(super) fn tell(&self, against: Option<&str>) -> Result<()> {
        for (what, unit, samples) in [
            ("", Unit::PerSecond, &self.rates),
            (", delay", Unit::Microseconds, &self.delays),
        ] {
            let name = format!("{}{what}", self.name);
            let figure = Figure::new(self.group, &name, unit, samples.clone());
            tell(&Told::Figure(match against {
                Some(other) => figure.against(&format!("{other}{what}")),
                None => figure,
            }))?;
        }
        Ok(())
    }
}

/// Podman's resolver, in a namespace of its own with one name to know.
struct Aardvark(Child);

impl Aardvark {
    fn start() -> Result<Self> {
        ensure!(
            Path::new(AARDVARK).exists(),
            "aardvark-dns is not installed"
        );
        let dir = "/run/aardvark-bench";
        fs::create_dir_all(dir)?;
        let id = "0".repeat(64);
        fs::write(
            format!("{dir}/bench"),
            format!("10.97.0.1\n{id} 10.97.0.2  target\n"),
        )?;
        output("ip netns add aardvark")?;
        output("ip -n aardvark link set lo up")?;
        output("ip -n aardvark address add 10.97.0.1/24 dev lo")?;
        let line = format!("ip netns exec aardvark {AARDVARK} --config {dir} --port 53 run");
        let child = command(&line)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("run aardvark-dns")?;
        thread::sleep(Duration::from_secs(1));
        Ok(Aardvark(child))
    }
}

impl Drop for Aardvark {
    fn drop(&mut self) {
        // What it has forked dies with the host.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
