//! Where the programs under test are.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The `minet` to test: what `MINET_BIN` names, or else what cargo builds here.
///
/// A package's tests only get that package's own binaries from cargo, so the harness asks
/// for this one itself, once for each test program.
pub fn minet() -> &'static Path {
    static MINET: OnceLock<PathBuf> = OnceLock::new();
    MINET.get_or_init(|| match std::env::var_os("MINET_BIN") {
        Some(path) => PathBuf::from(path),
        None => build_minet(),
    })
}

/// The other end of a conversation, see `probe/main.rs`.
pub fn probe() -> PathBuf {
    let probe = profile_dir().join("probe");
    assert!(
        probe.exists(),
        "{} is missing: run `cargo test -p minet-tests`",
        probe.display()
    );
    probe
}

/// The project's own commands.
pub fn xtask() -> PathBuf {
    build("xtask");
    profile_dir().join("xtask")
}

fn build_minet() -> PathBuf {
    build("minet-cli");
    profile_dir().join("minet")
}

fn build(package: &str) {
    let profile_dir = profile_dir();
    let target_dir = target_dir();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", package, "--target-dir"]);
    cargo
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile_dir.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("run cargo");
    assert!(
        status.success(),
        "cannot build {package}: {cargo:?} gave {status}"
    );
}

/// `target`, where cargo, and `cargo xtask`, put what they make.
pub(crate) fn target_dir() -> PathBuf {
    let profile_dir = profile_dir();
    let target_dir = profile_dir.parent().expect("target/debug has a parent");
    target_dir.to_owned()
}

/// `target/debug`, from `target/debug/deps/this-test-0123456789abcdef`.
fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("find the running test");
    let profile_dir = test
        .ancestors()
        .nth(2)
        .expect("a test lies in target/debug/deps");
    profile_dir.to_owned()
}
