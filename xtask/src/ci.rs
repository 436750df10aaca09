//! `cargo xtask ci`: the tests, and everything else that a change has to pass.

use crate::{say, shell, test};
use anyhow::{Context, Result};

/// Runs it all, the quick checks first, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    say::phase("formatting");
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    check_lock_file()?;
    test::run()?;
    say::phase("lints");
    let deny_warnings = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--workspace", "--all-targets"];
    shell::run(shell::cargo().args(clippy).args(deny_warnings))?;
    say::phase("documentation");
    // The programs' comments are clap's help texts, whose brackets are no links.
    let doc = ["doc", "--workspace", "--lib", "--no-deps"];
    shell::run(shell::cargo().env("RUSTDOCFLAGS", "-D warnings").args(doc))?;
    check_dependencies()?;
    say::phase("ready to be merged");
    Ok(())
}

/// Whoever builds with `--locked` gets what was tested, or nothing.
fn check_lock_file() -> Result<()> {
    say::phase("lock file");
    let metadata = ["metadata", "--locked", "--format-version", "1", "--quiet"];
    shell::output_of(shell::cargo().args(metadata))
        .map(drop)
        .context("Cargo.lock is not what the manifests ask for; `cargo check` brings it up to date, and it belongs into the same commit")
}

fn check_dependencies() -> Result<()> {
    say::phase("licences, advisories, sources");
    let is_there = || shell::succeeds(shell::cargo().args(["deny", "--version"]));
    if !is_there() {
        say::line("cargo-deny is missing and will be installed; that takes some minutes");
        shell::run(shell::cargo().args(["install", "--locked", "cargo-deny"])).context(
            "cargo-deny could not be installed, so nothing is known about licences, advisories and sources; with a network, `cargo install --locked cargo-deny` installs it",
        )?;
    }
    shell::run(shell::cargo().args(["deny", "--locked", "check", "licenses", "bans", "sources"]))?;
    shell::run(shell::cargo().args(["deny", "--locked", "check", "advisories"])).context(
        "a crate has an advisory, or the database of advisories could not be fetched; cargo-deny says which",
    )
}
