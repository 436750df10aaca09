//! Real programs that share the throw-away host with minet: a Docker Engine, ufw, firewalld,
//! libvirt.
//!
//! They are the Debian packages' own, and run as they do on a machine, but for what a
//! machine of a few namespaces does not have: systemd, control groups, other users. Where
//! installing a package would start it on the machine that runs the tests, `cargo xtask
//! test` has unpacked it below `target/unpacked`, and the host sees it in its `/usr`.

mod docker;
mod firewalld;
mod libvirt;
mod ufw;

pub use docker::Docker;
pub use firewalld::Firewalld;
pub use libvirt::Libvirt;
pub use ufw::{Forward, Ufw};

use crate::{TestHost, binaries};
use std::path::PathBuf;

/// Gives the host, once, what such programs look for.
///
/// The control groups are there to look at, so that whoever wants to make some, on the machine
/// itself, learns that it may not.
const FURNISH: &str = r#"
test ! -e /run/furnished || exit 0
: >/run/furnished
for dir in /opt /var/log /var/cache; do mount -t tmpfs -o mode=755 tmpfs $dir; done
if test -d "$UNPACKED/usr"; then mount -t overlay -o "lowerdir=$UNPACKED/usr:/usr" overlay /usr; fi
unshare --cgroup mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -o remount,bind,ro /sys/fs/cgroup
"#;

/// Where packages are unpacked that must not be installed.
fn unpacked() -> PathBuf {
    binaries::target_dir().join("unpacked")
}

/// Whether a program below `/usr` is installed or unpacked.
fn is_there(program: &str) -> bool {
    [PathBuf::from("/usr"), unpacked().join("usr")]
        .iter()
        .any(|usr| usr.join(program).exists())
}

#[track_caller]
fn furnish(host: &TestHost, program: &str) {
    let unpacked = unpacked();
    let script = format!("UNPACKED={}\n{FURNISH}", unpacked.display());
    host.sh(&script).succeed();
    let found = host.sh(&format!("command -v {program}"));
    let hint = "`cargo xtask test` installs or unpacks what the tests run";
    assert_eq!(found.code(), 0, "{program} is missing: {hint}");
}
