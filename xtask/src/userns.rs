//! A make-believe machine for an ordinary user.
//!
//! Whoever is not root may still be root of a user namespace, and that root may have a
//! network, mounts and processes of its own. By hand:
//!
//! ```text
//! unshare --user --map-root-user --net --mount --pid --fork
//! ```
//!
//! What has to be true: nothing done in there is seen by the real machine.

use crate::shell;
use anyhow::{Result, bail};
use std::{fs, process::Command};

/// Brings the new namespaces into the state of a small machine that has just booted:
/// own `/proc` and `/sys`, empty `/run` and `/var/lib`, `lo` up, and an uplink, so that
/// "the host's address" and a default route exist. 192.0.2.0/24 is for documentation
/// (RFC 5737): whatever is sent there arrives nowhere.
const BOOT: &str = r#"
set -eu
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
ip link set lo up
ip link add uplink0 type veth peer name nowhere
ip link set nowhere up
ip link set uplink0 up
ip address add 192.0.2.10/24 dev uplink0
ip route add default via 192.0.2.1
exec "$@"
"#;

/// Whether this process is root, of the machine or of a user namespace.
pub(crate) fn am_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // Real, effective, saved, file system: the second one decides.
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// A command that runs `program` on the make-believe machine.
pub(crate) fn command(program: &str) -> Result<Command> {
    let mut probe = unshare();
    if !shell::succeeds(probe.arg("true")) {
        bail!(
            "this kernel gives an ordinary user no namespaces (see \
             kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns \
             and user.max_user_namespaces): run the same command as root"
        );
    }
    let mut command = unshare();
    command.args(["sh", "-c", BOOT, "sh", program]);
    Ok(command)
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--net",
        "--mount",
        "--pid",
        "--fork",
    ]);
    // When this one dies, so does the machine.
    command.arg("--kill-child");
    command
}
