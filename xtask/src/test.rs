//! `cargo xtask test`: every test there is.

use crate::{prerequisites, say, shell, unpack, userns};
use anyhow::Result;
use std::process::Command;

/// Builds everything where there is a network for cargo, then runs it where there is
/// privilege: here for root, in a user namespace for everybody else.
pub(crate) fn run() -> Result<()> {
    prerequisites::ensure(&[prerequisites::BUILD, prerequisites::TEST])?;
    unpack::ensure(prerequisites::TEST_UNPACKED)?;
    say::phase("build minet and the tests");
    // In one go, so that no dependency is built twice, with other features for the programs
    // than for the tests.
    shell::run(shell::cargo().args(["build", "--workspace", "--bins", "--tests"]))?;
    say::phase("unit, kernel and whole-program tests");
    let mut tests = tests_command()?;
    tests
        .env("MINET_BIN", shell::target_dir()?.join("debug/minet"))
        .current_dir(shell::project_dir());
    shell::run(&mut tests)?;
    say::phase("all tests passed");
    Ok(())
}

fn tests_command() -> Result<Command> {
    let cargo_test = ["test", "--workspace", "--no-fail-fast"];
    if userns::am_root() {
        say::line("as root: each test in namespaces of its own");
        let mut command = shell::cargo();
        command.args(cargo_test);
        return Ok(command);
    }
    say::line("as an ordinary user: all of them as root of a user namespace");
    let cargo = shell::cargo();
    let mut command = userns::command(&cargo.get_program().to_string_lossy())?;
    // Everything is built, and in there is no network to fetch anything from.
    command.args(cargo_test).arg("--offline");
    Ok(command)
}
