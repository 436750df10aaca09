//! `cargo xtask bench`: how long it takes, against the kernel's floor and against others.
//!
//! What is measured, and how, is `bench/`, a package of its own with native dependencies;
//! here it is only built and called.

use crate::{prerequisites, say, shell};
use anyhow::Result;
use std::{path::Path, process::Command};

/// Builds minet and the bench as they are shipped, and measures. `options` are the bench's.
pub(crate) fn run(options: &[String]) -> Result<()> {
    let only_json = options.iter().any(|option| option == "--json");
    if !only_json {
        prerequisites::ensure(&[prerequisites::BUILD, prerequisites::BENCH])?;
        say::phase("build minet and the bench");
    }
    let mut build = shell::cargo();
    build.args(["build", "--release", "--quiet"]);
    build.args(["--package", "minet-cli", "--package", "minet-bench"]);
    match only_json {
        // Nothing but JSON goes to standard output.
        true => drop(shell::output_of(&mut build)?),
        false => {
            shell::run(&mut build)?;
            say::phase("measure, on throw-away hosts");
        }
    }
    let release_dir = shell::target_dir()?.join("release");
    let mut bench = ahead_of_others(&release_dir.join("minet-bench"));
    bench
        .env("MINET_BIN", release_dir.join("minet"))
        .arg("--out")
        .arg(shell::target_dir()?.join("bench"))
        .args(options)
        .current_dir(shell::project_dir());
    shell::finished("minet-bench", bench.status()?)
}

/// Runs a program, and all that it starts, before whatever else the machine has to do,
/// where that is allowed (`sched(7)`): what others do is not to be measured.
fn ahead_of_others(program: &Path) -> Command {
    const CHRT: [&str; 3] = ["chrt", "--rr", "1"];
    let mut probe = Command::new(CHRT[0]);
    if !shell::succeeds(probe.args(&CHRT[1..]).arg("true")) {
        return Command::new(program);
    }
    let mut command = Command::new(CHRT[0]);
    command.args(&CHRT[1..]).arg(program);
    command
}
