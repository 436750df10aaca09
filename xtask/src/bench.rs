//! `cargo xtask bench`: how long it takes, against the kernel's floor and against others.
//!
//! What is measured, and how, is `bench/`, a package of its own with native dependencies;
//! here it is only built and called.

use crate::{prerequisites, say, shell};
use anyhow::Result;
use std::process::Command;

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
    let mut bench = Command::new(release_dir.join("minet-bench"));
    bench
        .env("MINET_BIN", release_dir.join("minet"))
        .arg("--out")
        .arg(shell::target_dir()?.join("bench"))
        .args(options)
        .current_dir(shell::project_dir());
    let line = "minet-bench";
    shell::finished(line, bench.status()?)
}
