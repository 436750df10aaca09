use minet_model::IfName;
use std::{fmt, io};

/// Something could not be done to a link, an address or a route.
///
/// It names the act and its object (`create bridge minet0`) and says why not. What a
/// program needs to decide is in [`Error::cause`] and [`Error::errno`], never in the text.
#[derive(Debug, thiserror::Error)]
#[error("{act}: {cause}")]
pub struct Error {
    act: String,
    cause: Cause,
}

/// Why an act failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// `EPERM` or `EACCES`: the caller lacks `CAP_NET_ADMIN` in the user namespace that
    /// owns the network namespace.
    #[error("{0}; this needs CAP_NET_ADMIN in the network namespace")]
    PermissionDenied(Refusal),
    /// `EEXIST`: the name or the address is taken.
    #[error("{0}")]
    Exists(Refusal),
    /// `ENODEV`: there is no interface of this name, or not any more.
    #[error("{0}")]
    NoSuchDevice(Refusal),
    /// `EXFULL` from `br_add_if`: a Linux bridge has 1023 ports (`BR_MAX_PORTS`,
    /// `net/bridge/br_private.h`), and all are in use.
    #[error("bridge {bridge} is full: a Linux bridge takes 1023 cables, use another network")]
    BridgeFull {
        /// The switch without a free port.
        bridge: IfName,
    },
    /// The interface exists and is no bridge.
    #[error("an interface of this name exists and is {}, not a bridge", kind_or_hardware(.kind.as_deref()))]
    NotABridge {
        /// The kernel's word for what it is, `None` for real hardware and `lo`.
        kind: Option<String>,
    },
    /// The bridge exists and was not made by the one who asks, judging by its alias.
    #[error("a bridge of this name exists and belongs to {}", owner(.alias.as_deref()))]
    NotOurs {
        /// What its owner wrote on it (`ip link set … alias`).
        alias: Option<String>,
    },
    /// The kernel said no, for another reason.
    #[error("{0}")]
    Refused(Refusal),
    /// The netlink socket itself failed.
    #[error("netlink socket: {0}")]
    Socket(#[source] io::Error),
    /// A list was changed by others on each of several attempts to read it
    /// (`NLM_F_DUMP_INTR`), so that no reading was complete.
    #[error("the list changed during each of {attempts} readings")]
    Unsteady {
        /// How often it was read.
        attempts: u32,
    },
    /// The kernel's answer is not what the protocol promises.
    #[error("unexpected netlink answer: {0}")]
    Malformed(String),
}

/// The kernel's refusal: its errno, and its reason in words if it gave one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A positive errno, `errno(3)`.
    pub errno: i32,
    /// The text of the extended acknowledgement (`NLMSGERR_ATTR_MSG`).
    pub reason: Option<String>,
}

impl Error {
    pub(crate) fn new(act: impl Into<String>, cause: Cause) -> Self {
        Error {
            act: act.into(),
            cause,
        }
    }

    /// What was attempted, and on what: `lay cable mv3fa91c20`.
    pub fn act(&self) -> &str {
        &self.act
    }

    /// Why it failed.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The errno behind it, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        self.cause.errno()
    }
}

impl Cause {
    /// The errno behind it, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Cause::PermissionDenied(refusal)
            | Cause::Exists(refusal)
            | Cause::NoSuchDevice(refusal)
            | Cause::Refused(refusal) => Some(refusal.errno),
            Cause::BridgeFull { .. } => Some(libc::EXFULL),
            Cause::Socket(error) => error.raw_os_error(),
            Cause::NotABridge { .. }
            | Cause::NotOurs { .. }
            | Cause::Unsteady { .. }
            | Cause::Malformed(_) => None,
        }
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        match refusal.errno {
            libc::EPERM | libc::EACCES => Cause::PermissionDenied(refusal),
            libc::EEXIST => Cause::Exists(refusal),
            libc::ENODEV => Cause::NoSuchDevice(refusal),
            _ => Cause::Refused(refusal),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.errno).to_string();
        // std appends the number; people know the words.
        let words = text.split(" (os error").next().unwrap_or(&text);
        match &self.reason {
            Some(reason) => write!(f, "{words} ({reason})"),
            None => f.write_str(words),
        }
    }
}

fn kind_or_hardware(kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("a {kind}"),
        None => "hardware".to_owned(),
    }
}

fn owner(alias: Option<&str>) -> String {
    match alias {
        Some(alias) => format!("{alias:?}"),
        None => "somebody who wrote no alias on it".to_owned(),
    }
}

/// Gives a bare cause its act.
pub(crate) trait During<T> {
    fn during(self, act: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, C: Into<Cause>> During<T> for Result<T, C> {
    fn during(self, act: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|cause| Error::new(act(), cause.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_act_the_errno_and_the_kernels_reason() {
        let refusal = Refusal {
            errno: libc::EINVAL,
            reason: Some("Invalid prefix length".to_owned()),
        };
        let error = Error::new("give minet0 the address 10.0.0.1/33", refusal.into());
        assert_eq!(
            error.to_string(),
            "give minet0 the address 10.0.0.1/33: Invalid argument (Invalid prefix length)"
        );
        assert_eq!(error.errno(), Some(libc::EINVAL));
    }

    #[test]
    fn the_causes_that_a_program_decides_on_have_names() {
        let cause = |errno| {
            Cause::from(Refusal {
                errno,
                reason: None,
            })
        };
        assert!(matches!(cause(libc::EPERM), Cause::PermissionDenied(_)));
        assert!(matches!(cause(libc::EACCES), Cause::PermissionDenied(_)));
        assert!(matches!(cause(libc::EEXIST), Cause::Exists(_)));
        assert!(matches!(cause(libc::ENODEV), Cause::NoSuchDevice(_)));
        assert!(matches!(cause(libc::EBUSY), Cause::Refused(_)));
    }

    #[test]
    fn the_other_bridges_are_told_apart() {
        let dummy = Cause::NotABridge {
            kind: Some("dummy".to_owned()),
        };
        assert!(dummy.to_string().contains("is a dummy, not a bridge"));
        let foreign = Cause::NotOurs { alias: None };
        assert!(foreign.to_string().contains("somebody"));
    }
}
