//! `cargo xtask ci`: the tests, and everything else that a change has to pass.

use crate::{say, shell, test};
use anyhow::{Result, bail};

/// Runs it all, the quick checks first, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    say::phase("formatting");
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
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

fn check_dependencies() -> Result<()> {
    say::phase("licences, advisories, sources");
    if !shell::succeeds(shell::cargo().args(["deny", "--version"])) {
        bail!("cargo-deny is not installed: `cargo install --locked cargo-deny` installs it");
    }
    shell::run(shell::cargo().args(["deny", "check"]))
}
