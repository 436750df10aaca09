//! The supervisor: its private memory and how often it wakes up.

use super::minet;
use crate::{
    figure::{Figure, Unit, Wanted},
    race::{Effort, output},
    session::{Session, Told, tell},
};
use anyhow::{Context, Result};
use std::{fs, thread, time::Duration};

const GROUP: &str = "supervisor";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let (minet, ourselves) = (minet(), Session::ourselves()?);
    output(&format!(
        "{minet} run -d --name server -p 8080-8089:80-89 -- {ourselves} talk serve 80"
    ))?;
    thread::sleep(Duration::from_secs(2));
    let pid = supervisor("server")?;
    let memory = |name: &str| -> Result<()> {
        let figure = Figure::new(GROUP, name, Unit::Kibibytes, vec![private(pid)?]);
        tell(&Told::Figure(figure.wanted(Wanted::Below(1024.0))))
    };
    memory("minet, private memory, idle")?;
    let seconds = effort.choose(10, 60);
    let before = wake_ups(pid)?;
    thread::sleep(Duration::from_secs(seconds));
    let woken = wake_ups(pid)? - before;
    let per_minute = woken * 60.0 / seconds as f64;
    let name = "minet, wake-ups in a minute, idle";
    let figure = Figure::new(GROUP, name, Unit::Count, vec![per_minute]);
    tell(&Told::Figure(figure.wanted(Wanted::Below(0.0))))?;
    output(&format!("{ourselves} talk connect 127.0.0.1:8080 5000"))?;
    output(&format!("{ourselves} talk connect [::1]:8080 5000"))?;
    // Until the last ones are over, and a moment more.
    thread::sleep(Duration::from_secs(3));
    memory("minet, private memory, 3 s after 10,000 connections")
}

fn supervisor(name: &str) -> Result<u32> {
    let link = fs::read_link(format!("/run/netns/{name}"))?;
    let pid = link.iter().nth(2).and_then(|pid| pid.to_str());
    pid.context("the namespace's name leads to its supervisor")?
        .parse()
        .context("read the supervisor's process number")
}

/// What this process alone has in memory, in KiB. Not the pages of the program's file that
/// it has not written to: those are the same for all supervisors, and the kernel can take
/// them back (`proc_pid_smaps(5)`).
fn private(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    Ok(sum(&text, "Private_Dirty"))
}

/// How often a processor was taken or given up.
fn wake_ups(pid: u32) -> Result<f64> {
    let mut woken = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("status"))?;
        woken += sum(&text, "voluntary_ctxt_switches");
    }
    Ok(woken)
}

/// The numbers of all lines that begin so.
fn sum(text: &str, beginning: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(beginning));
    lines
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
        .sum()
}
