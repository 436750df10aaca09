//! `cargo xtask dist`: what is handed to others: a Debian package, with the manual and the
//! completion scripts that the program itself writes.
//!
//! ```text
//! release build ─ minet manual, minet completion ─ tree of files ─ dpkg-deb ─ minet_….deb
//! ```
//!
//! The package has no script of its own: nothing is started, and nothing has to be set up.
//! Nothing is fetched on the way but what cargo needs for the build.

mod control;
mod tree;

use crate::{prerequisites, say, shell};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const HELP: &str = "\
Build a Debian package

Usage: cargo xtask dist [--binary FILE] [--output DIR]

Options:
  --binary FILE  Package this minet instead of building one
  --output DIR   Put everything there [default: dist in cargo's target directory]
";

/// Builds minet, unless there is one, and packs it.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (mut binary, mut output) = (None, None);
    let mut rest = &words[..];
    loop {
        rest = match rest {
            [] => break,
            ["-h" | "--help", ..] => {
                print!("{HELP}");
                return Ok(());
            }
            ["--binary", file, others @ ..] => {
                binary = Some(PathBuf::from(file));
                others
            }
            ["--output", dir, others @ ..] => {
                output = Some(PathBuf::from(dir));
                others
            }
            [other, ..] => bail!("unknown option: {other}\n\n{HELP}"),
        };
    }
    let binary = match binary {
        Some(binary) => binary,
        None => build()?,
    };
    let output = match output {
        Some(output) => output,
        None => shell::target_dir()?.join("dist"),
    };
    let package = pack(&binary, &output)?;
    say::phase("ready to be handed on");
    say::line(&format!("{}", package.display()));
    Ok(())
}

fn build() -> Result<PathBuf> {
    prerequisites::ensure(&[prerequisites::BUILD])?;
    say::phase("build minet");
    shell::run(shell::cargo().args(["build", "--release", "--package", "minet-cli"]))?;
    Ok(shell::target_dir()?.join("release/minet"))
}

/// Puts the files where they will be, and packs them.
fn pack(binary: &Path, output: &Path) -> Result<PathBuf> {
    say::phase("lay out the files");
    let root = output.join("root");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("empty {}", root.display()))?;
    }
    tree::lay_out(&root, binary)?;
    let control = control::Control::new(&root)?;
    control.write(&root)?;
    say::phase("pack them");
    let package = output.join(control.file_name());
    let mut dpkg_deb = Command::new("dpkg-deb");
    dpkg_deb.args(["--root-owner-group", "-Zxz", "--build"]);
    if let Some(time) = last_change() {
        // Who packs the same sources gets the same package.
        dpkg_deb.env("SOURCE_DATE_EPOCH", time);
    }
    shell::run(dpkg_deb.arg(&root).arg(&package))
        .context("dpkg-deb packs it; on other systems than Debian it comes with dpkg")?;
    Ok(package)
}

/// When the sources were changed last, in seconds since 1970.
fn last_change() -> Option<String> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return Some(time);
    }
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"]);
    let output = git.current_dir(shell::project_dir()).output().ok()?;
    let time = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !time.is_empty()).then_some(time)
}
