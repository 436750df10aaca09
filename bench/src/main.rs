//! `cargo xtask bench`: minet against the kernel's floor, and against its peers.
//!
//! ```text
//!   minet-bench ──▶ a throw-away host for each group        (session.rs, ../tests/harness)
//!        │            └─ minet-bench inside GROUP           (groups/*.rs)
//!        │                 contenders in turn: A B C A B C …     (race.rs)
//!        ▼                 one JSON line for each figure
//!   table, target/bench/bench.json, target/bench/bench.svg  (report.rs, picture.rs)
//! ```
//!
//! What has to be true: the machine's own network is never touched; whatever is compared
//! is measured in one run, in turn; every run has an end, and leaves nothing behind.

mod figure;
mod floor;
mod groups;
mod machine;
mod options;
mod path;
mod picture;
mod race;
mod recorded;
mod report;
mod session;

use anyhow::Result;
use options::{Options, Task};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let task = match Options::parse(&words) {
        Ok(task) => task,
        Err(error) => {
            eprintln!("minet-bench: {error}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    match perform(task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("minet-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Help => print!("{}", options::HELP),
        Task::Inside(group, effort) => groups::inside(&group, effort)?,
        Task::Talk(words) => groups::talk(&words)?,
        Task::Path => path::show()?,
        Task::Measure(options) => return measure(&options),
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &Options) -> Result<ExitCode> {
    let report = groups::measure(options)?;
    report.save(&options.out_dir)?;
    match options.json {
        true => println!("{}", report.json()?),
        false => print!("{}", report.table()),
    }
    eprintln!("saved in {}", options.out_dir.display());
    let regressions = match options.record {
        Some(ref path) => {
            recorded::save(path, &report)?;
            Vec::new()
        }
        None => recorded::regressions(&report)?,
    };
    for regression in &regressions {
        eprintln!("REGRESSION: {regression}");
    }
    let fails = !regressions.is_empty() || !report.failed.is_empty();
    Ok(ExitCode::from(u8::from(fails)))
}
