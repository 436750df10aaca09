//! Programs that the tests run, and that must not be installed.
//!
//! To install a Docker Engine or firewalld is to start it: Debian's packages switch their
//! services on, and the machine that was only to run tests has another firewall. So these
//! are fetched and laid out below `target/unpacked`, and nothing of them is executed on the
//! way; the tests' throw-away hosts see them in their `/usr`. By hand:
//!
//! ```text
//! apt-get download firewalld && dpkg-deb --extract firewalld_*.deb target/unpacked
//! ```
//!
//! Whoever has one of them installed has it tested as it is installed.

use crate::{
    prerequisites::{Package, describe, installed, refresh_lists},
    say, shell,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Makes sure that each of `wanted` is installed or unpacked.
pub(crate) fn ensure(wanted: &[Package]) -> Result<()> {
    if !Path::new("/usr/bin/dpkg-deb").exists() {
        say::line("As if these were here, too:");
        wanted
            .iter()
            .for_each(|package| say::line(&describe(package)));
        return Ok(());
    }
    let unpacked = shell::target_dir()?.join("unpacked");
    let is_missing =
        |package: &&Package| !installed(package.name) && !mark(&unpacked, package).exists();
    let mut missing: Vec<&Package> = wanted.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    refresh_lists()?;
    missing.retain(|package| is_known(package));
    if missing.is_empty() {
        return Ok(());
    }
    say::line("to be unpacked below target, and not to be installed, which would start them:");
    missing
        .iter()
        .for_each(|package| say::line(&describe(package)));
    missing
        .into_iter()
        .try_for_each(|package| unpack(package, &unpacked))
}

/// What this Debian has under another name, or in another package, is not looked for:
/// `docker` came with `docker.io` until Debian 13.
fn is_known(package: &Package) -> bool {
    let mut show = Command::new("apt-cache");
    show.args(["show", "--quiet=2", package.name]);
    show.output().is_ok_and(|output| output.status.success())
}

/// A file that says that a package has been unpacked whole.
fn mark(unpacked: &Path, package: &Package) -> PathBuf {
    unpacked.join(format!(".{}", package.name))
}

fn unpack(package: &Package, unpacked: &Path) -> Result<()> {
    let fetched = unpacked.join("fetched");
    let act = || format!("prepare {}", fetched.display());
    if fetched.exists() {
        fs::remove_dir_all(&fetched).with_context(act)?;
    }
    fs::create_dir_all(&fetched).with_context(act)?;
    let mut download = Command::new("apt-get");
    download.args(["download", package.name]);
    shell::run(download.current_dir(&fetched))?;
    for entry in fs::read_dir(&fetched).with_context(act)? {
        let archive = entry.with_context(act)?.path();
        let mut extract = Command::new("dpkg-deb");
        shell::run(extract.arg("--extract").arg(&archive).arg(unpacked))?;
    }
    fs::remove_dir_all(&fetched).with_context(act)?;
    let mark = mark(unpacked, package);
    fs::write(&mark, "").with_context(|| format!("write {}", mark.display()))
}
