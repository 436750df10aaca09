//! What is measured, a file for each group.

mod data;
mod dns;
mod docker;
mod memory;
mod peers;
mod ports;
mod ready;
mod remove;
mod scale;
mod start;
mod talk;

pub(crate) use talk::talk;

use crate::{
    machine::MachineInfo,
    options::Options,
    race::Effort,
    report::Report,
    session::{Session, Told},
};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// All groups, in the order in which they are measured.
pub(crate) const NAMES: [&str; 10] = [
    "ready", "start", "remove", "peers", "docker", "memory", "dns", "ports", "data", "scale",
];

/// What `--quick` measures.
const QUICK: [&str; 3] = ["ready", "start", "remove"];

/// How long one group may take.
const BOUND: Duration = Duration::from_secs(900);

/// Measures all groups that are wanted, each on a host of its own.
pub(crate) fn measure(options: &Options) -> Result<Report> {
    let mut report = Report {
        machine: MachineInfo::look(),
        figures: Vec::new(),
        missing: Vec::new(),
        failed: Vec::new(),
    };
    let wanted = |group: &&&str| match (options.only.is_empty(), options.effort) {
        (false, _) => options.only.iter().any(|only| only == **group),
        (true, Effort::Quick) => QUICK.contains(*group),
        (true, Effort::Full) => true,
    };
    for group in NAMES.iter().filter(wanted) {
        eprintln!("── {group}");
        let began = Instant::now();
        let session = Session::new(options.effort);
        let mut heard = |told: Told| match told {
            Told::Figure(figure) => {
                eprintln!(
                    "   {:<52} {:>9.2} {}",
                    figure.name,
                    figure.median(),
                    figure.unit.text()
                );
                report.figures.push(figure);
            }
            Told::Missing(what) => {
                eprintln!("   not measured: {what}");
                report.missing.push(format!("{group}: {what}"));
            }
        };
        let outcome = match *group {
            "ports" => ports::measure(&session, &mut heard),
            "data" => data::measure(&session, &mut heard),
            "docker" => docker::measure(&session, &mut heard),
            _ => session.inside(group, BOUND, &mut heard),
        };
        if let Err(error) = outcome {
            eprintln!("   FAILED: {error:#}");
            report.failed.push(format!("{group}: {error:#}"));
        }
        eprintln!("   {:.0} s", began.elapsed().as_secs_f64());
    }
    Ok(report)
}

/// Takes one group's figures; the calling process is on a throw-away host already.
pub(crate) fn inside(group: &str, effort: Effort) -> Result<()> {
    match group {
        "ready" => ready::measure(effort),
        "start" => start::measure(effort),
        "remove" => remove::measure(effort),
        "peers" => peers::measure(effort),
        "memory" => memory::measure(effort),
        "dns" => dns::measure(effort),
        "docker" => docker::race_on_its_host(effort),
        "scale" => scale::measure(effort),
        _ => bail!("there is no group {group:?} inside"),
    }
}

/// The `minet` that is measured.
fn minet() -> String {
    minet_tests::minet().display().to_string()
}
