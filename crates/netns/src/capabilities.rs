//! Which of root's powers a container keeps (`capabilities(7)`).
//!
//! A process that is uid 0 is powerful by its capabilities alone. The set here becomes
//! its bounding set, which no program it starts can exceed, and, as long as it is uid 0,
//! its permitted and effective sets. The inheritable and ambient sets are empty, so that
//! a program that leaves uid 0 leaves all of it (CVE-2022-24769).

use crate::failure::{Doing, Failure};
use caps::Capability;
use minet_model::CapabilityChanges;
use rustix::{
    io::Errno,
    thread::{
        CapabilitySet, CapabilitySets, capability_is_in_bounding_set,
        remove_capability_from_bounding_set, set_capabilities,
    },
};
use std::str::FromStr;

/// A resolved set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// One bit for each, numbered as in `include/uapi/linux/capability.h`.
    bits: u64,
}

/// A capability that does not exist. The texts are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCapability {
    /// In `--cap-add`.
    #[error("invalid CapAdd: unknown capability: {0:?}")]
    Add(String),
    /// In `--cap-drop`.
    #[error("invalid CapDrop: unknown capability: {0:?}")]
    Drop(String),
}

/// What a container has if nothing is said: Docker's default without `NET_RAW`, which is
/// the power to forge packets on the bridge. `ping` works without it where the namespace
/// allows ICMP sockets (`net.ipv4.ping_group_range`).
const DEFAULT: [Capability; 13] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FSETID,
    Capability::CAP_FOWNER,
    Capability::CAP_MKNOD,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETFCAP,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_KILL,
    Capability::CAP_AUDIT_WRITE,
];

/// What a supervisor may need until its container is gone: to start it again, to take down and
/// to mend its network, and to have that done by a `minet` that it starts.
const SUPERVISOR: [Capability; 21] = [
    Capability::CAP_AUDIT_WRITE,
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_LEASE,
    Capability::CAP_MKNOD,
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_NET_BROADCAST,
    Capability::CAP_NET_RAW,
    Capability::CAP_SETFCAP,
    Capability::CAP_SETGID,
    Capability::CAP_SETPCAP,
    Capability::CAP_SETUID,
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_SYS_PTRACE,
    Capability::CAP_SYS_RESOURCE,
];

/// Gives up for good what a supervisor of a container with these capabilities never needs:
/// modules, the clock, raw devices, tracing the kernel, and the like.
///
/// # Errors
///
/// What the kernel refused.
pub fn keep_a_supervisors(container: Capabilities) -> Result<(), Failure> {
    let needed = Capabilities {
        bits: (bits(SUPERVISOR) | container.bits) & own(),
    };
    bound(needed)?;
    hold(needed)
}

/// What a container gets: the default with these changes, and never more than this
/// process has itself.
pub fn resolve_capabilities(
    changes: &CapabilityChanges,
) -> Result<Capabilities, UnknownCapability> {
    let wanted = evaluate(changes)?;
    Ok(Capabilities {
        bits: wanted & own(),
    })
}

impl Capabilities {
    /// No capability at all.
    pub const NONE: Capabilities = Capabilities { bits: 0 };

    /// Whether a capability is in the set.
    pub fn include(self, capability: Capability) -> bool {
        self.bits & capability.bitmask() != 0
    }

    /// A set of one.
    #[cfg(test)]
    pub(crate) fn of(capability: Capability) -> Self {
        Capabilities {
            bits: capability.bitmask(),
        }
    }

    /// The set as the kernel prints it in `/proc/PID/status`: bit n is capability n.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The names, such as `CAP_KILL`, in the kernel's order.
    pub fn names(self) -> Vec<String> {
        let mut all: Vec<Capability> = caps::all().into_iter().collect();
        all.sort_by_key(Capability::index);
        let mine = all
            .into_iter()
            .filter(|capability| self.bits & capability.bitmask() != 0);
        mine.map(|capability| capability.to_string()).collect()
    }
}

/// Docker's order of evaluation: `--cap-add ALL` is everything but what is dropped by
/// name; else `--cap-drop ALL` leaves what is added; else the default loses what is
/// dropped and then gains what is added.
fn evaluate(changes: &CapabilityChanges) -> Result<u64, UnknownCapability> {
    let (add, add_all) = parse(&changes.add).map_err(UnknownCapability::Add)?;
    let (drop, drop_all) = parse(&changes.drop).map_err(UnknownCapability::Drop)?;
    let default = bits(DEFAULT);
    Ok(match (add_all, drop_all) {
        (true, _) => bits(caps::all()) & !drop,
        (false, true) => add,
        (false, false) => (default & !drop) | add,
    })
}

/// The capabilities that are named, and whether `ALL` was among the names; or the first
/// name that means nothing.
fn parse(names: &[String]) -> Result<(u64, bool), String> {
    let (mut bits, mut all) = (0, false);
    for name in names {
        let canonical = caps::to_canonical(name);
        if canonical == "CAP_ALL" {
            all = true;
        } else {
            bits |= Capability::from_str(&canonical)
                .map_err(|_| canonical)?
                .bitmask();
        }
    }
    Ok((bits, all))
}

fn bits(capabilities: impl IntoIterator<Item = Capability>) -> u64 {
    capabilities
        .into_iter()
        .fold(0, |bits, capability| bits | capability.bitmask())
}

/// What this process can hand on. If that cannot be read, the kernel will have the word.
fn own() -> u64 {
    let permitted =
        rustix::thread::capabilities(None).map_or(u64::MAX, |sets| sets.permitted.bits());
    let outside = (0..64).map(|number| 1 << number).filter(|bit| {
        capability_is_in_bounding_set(CapabilitySet::from_bits_retain(*bit)) == Ok(false)
    });
    permitted & !outside.fold(0, |bits, bit| bits | bit)
}

/// Takes everything else out of the calling process's bounding set, capabilities that are
/// newer than this program included. Needs `CAP_SETPCAP`.
pub(crate) fn bound(capabilities: Capabilities) -> Result<(), Failure> {
    for number in 0..64 {
        let bit = 1 << number;
        if capabilities.bits & bit != 0 {
            continue;
        }
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(bit)) {
            Ok(()) => {}
            // The kernel's last capability was the one before.
            Err(Errno::INVAL) => break,
            Err(error) => {
                return Err(error).doing(|| format!("give up capability number {number} for good"));
            }
        }
    }
    Ok(())
}

/// Makes these the capabilities the calling process can use, and lets none be inherited.
pub(crate) fn hold(capabilities: Capabilities) -> Result<(), Failure> {
    let held = CapabilitySet::from_bits_retain(capabilities.bits);
    let sets = CapabilitySets {
        effective: held,
        permitted: held,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::clear_ambient_capability_set()
        .and_then(|()| set_capabilities(None, sets))
        .doing(|| "limit the capabilities".to_owned())
}

/// No program that this process, or one that it starts, executes from now on gives it more than
/// it has (`no_new_privs`), for good.
///
/// # Errors
///
/// What the kernel refused.
pub fn refuse_new_privileges() -> Result<(), Failure> {
    nix::sys::prctl::set_no_new_privs().doing(|| "refuse new privileges".to_owned())
}

/// The one power that a container's own init keeps: to pass signals to a command that
/// runs as another user.
pub(crate) fn of_init() -> Capabilities {
    Capabilities {
        bits: Capability::CAP_KILL.bitmask() & own(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(add: &[&str], drop: &[&str]) -> CapabilityChanges {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        CapabilityChanges {
            add: owned(add),
            drop: owned(drop),
        }
    }

    #[test]
    fn the_order_is_dockers() {
        let default = bits(DEFAULT);
        let all = bits(caps::all());
        let (kill, admin) = (
            Capability::CAP_KILL.bitmask(),
            Capability::CAP_NET_ADMIN.bitmask(),
        );
        for (add, drop, expected) in [
            (&[][..], &[][..], default),
            (&["NET_ADMIN"], &["KILL"], default & !kill | admin),
            (&["KILL"], &["KILL"], default),
            (&["ALL"], &[], all),
            (&["ALL"], &["KILL"], all & !kill),
            (&["ALL"], &["ALL"], all),
            (&[], &["ALL"], 0),
            (&["CAP_KILL"], &["all"], kill),
            (&["kill"], &["ALL", "NET_ADMIN"], kill),
        ] {
            assert_eq!(
                evaluate(&changes(add, drop)),
                Ok(expected),
                "+{add:?} -{drop:?}"
            );
        }
    }

    #[test]
    fn the_default_is_what_the_kernel_prints() {
        // Docker's 00000000a80425fb without CAP_NET_RAW, bit 13.
        assert_eq!(bits(DEFAULT), 0xa804_25fb & !(1 << 13));
        assert_eq!(
            Capabilities { bits: 0b10_0001 }.names(),
            ["CAP_CHOWN", "CAP_KILL"]
        );
    }

    #[test]
    fn unknown_names_are_refused_in_dockers_words() {
        assert_eq!(
            evaluate(&changes(&["FOO"], &[])).unwrap_err().to_string(),
            "invalid CapAdd: unknown capability: \"CAP_FOO\""
        );
        assert_eq!(
            evaluate(&changes(&["ALL"], &["cap_bar"]))
                .unwrap_err()
                .to_string(),
            "invalid CapDrop: unknown capability: \"CAP_BAR\""
        );
    }
}
