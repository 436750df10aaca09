//! The files of the package, at their places.

use crate::shell;
use anyhow::{Context, Result};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Where each shell of Debian looks for the scripts of packages.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/minet"),
    ("zsh", "usr/share/zsh/vendor-completions/_minet"),
    ("fish", "usr/share/fish/vendor_completions.d/minet.fish"),
];

/// Files of the sources that are taken as they are.
const AS_THEY_ARE: [(&str, &str); 4] = [
    (
        "dist/systemd/minet-restore.service",
        "usr/lib/systemd/system/minet-restore.service",
    ),
    (
        "dist/config.toml",
        "usr/share/doc/minet/examples/config.toml",
    ),
    ("README.md", "usr/share/doc/minet/README.md"),
    ("dist/copyright", "usr/share/doc/minet/copyright"),
];

/// Puts everything below `root`.
pub(crate) fn lay_out(root: &Path, binary: &Path) -> Result<()> {
    let minet = root.join("usr/bin/minet");
    put(binary, &minet, 0o755)?;
    let sources = shell::project_dir();
    for (from, to) in AS_THEY_ARE {
        put(&sources.join(from), &root.join(to), 0o644)?;
    }
    for entry in read_dir(&sources.join("docs"))? {
        let name = entry.file_name().context("a file has a name")?;
        put(&entry, &root.join("usr/share/doc/minet").join(name), 0o644)?;
    }
    for (shell_name, to) in COMPLETIONS {
        let script = shell::output_of(Command::new(&minet).args(["completion", shell_name]))?;
        write(&root.join(to), &script)?;
    }
    let pages = root.join("usr/share/man/man1");
    make_dir(&pages)?;
    shell::run(Command::new(&minet).arg("manual").arg(&pages))?;
    compress(&read_dir(&pages)?)?;
    let changelog = root.join("usr/share/doc/minet/changelog");
    put(&sources.join("CHANGELOG.md"), &changelog, 0o644)?;
    compress(&[changelog])?;
    open_up(root)
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    make_dir(to.parent().context("a file is in a directory")?)?;
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    set_mode(to, mode)
}

pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    make_dir(file.parent().context("a file is in a directory")?)?;
    fs::write(file, text).with_context(|| format!("write {}", file.display()))?;
    set_mode(file, 0o644)
}

fn make_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("make the directory {}", dir.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("set the mode of {}", path.display()))
}

/// As Debian's policy has it, without name and time, so that it is the same every time.
fn compress(files: &[PathBuf]) -> Result<()> {
    shell::run(Command::new("gzip").args(["-9", "-n"]).args(files))
}

/// Directories are everybody's to look into, whatever the umask was.
fn open_up(dir: &Path) -> Result<()> {
    set_mode(dir, 0o755)?;
    for entry in read_dir(dir)? {
        match entry.is_dir() {
            true => open_up(&entry)?,
            false if entry.ends_with("usr/bin/minet") => {}
            false => set_mode(&entry, 0o644)?,
        }
    }
    Ok(())
}

fn read_dir(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("look into {}", dir.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The size of all files, in KiB.
pub(crate) fn size_of(dir: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in read_dir(dir)? {
        size += match entry.is_dir() {
            true => size_of(&entry)?,
            false => entry.metadata()?.len().div_ceil(1024),
        };
    }
    Ok(size)
}
