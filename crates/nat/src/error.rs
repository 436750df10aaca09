//! What can go wrong.

use minet_model::PublishedPort;
use nix::errno::Errno;

/// Why a change or a question failed. After a failed change nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host port already leads to another container.
    #[error(
        "publish {port}: the port is already published by {}",
        owner.as_deref().unwrap_or("somebody else")
    )]
    PortTaken {
        /// What was to be published.
        port: PublishedPort,
        /// Whose it is, as the comment says, if it says so.
        owner: Option<String>,
    },
    /// The table is not there, or lacks a set that it should have.
    #[error("{act}: there is no table inet minet, or it is damaged")]
    NoTable {
        /// What was to be done.
        act: String,
    },
    /// Part of the subnet already belongs to another network in the table.
    #[error("{act}: the subnet overlaps with one that is already there")]
    Overlap {
        /// What was to be done.
        act: String,
    },
    /// The kernel has no nftables, or lacks a part of it.
    #[error(
        "{act}: this kernel does not support {what}; load nf_tables, nft_nat and nft_fib_inet with modprobe, or use a kernel that has them"
    )]
    NotSupported {
        /// What was to be done.
        act: String,
        /// The part that is missing.
        what: String,
    },
    /// Without `CAP_NET_ADMIN` in the namespace that owns the network.
    #[error("{act}: not permitted without CAP_NET_ADMIN")]
    NotPermitted {
        /// What was to be done.
        act: String,
    },
    /// No packet of one family becomes one of the other.
    #[error("publish {port}: {container} is an address of another family")]
    OtherFamily {
        /// What was to be published.
        port: PublishedPort,
        /// Where it was to lead.
        container: std::net::IpAddr,
    },
    /// The kernel refused for another reason.
    #[error("{act}{}", words.as_ref().map(|words| format!(": {words}")).unwrap_or_default())]
    Refused {
        /// What was to be done.
        act: String,
        /// The kernel's explanation, if it gave one.
        words: Option<String>,
        /// The kernel's error number.
        source: Errno,
    },
}

impl Error {
    /// An error that stems from the socket itself.
    pub(crate) fn socket(act: &str, errno: Errno) -> Self {
        Error::refused(act, "netfilter's netlink", errno, None)
    }

    /// What the kernel's refusal means. A part that it was built without is missing as a
    /// file is: `what` names it.
    pub(crate) fn refused(act: &str, what: &str, errno: Errno, words: Option<String>) -> Self {
        const MISSING: [Errno; 4] = [
            Errno::EOPNOTSUPP,
            Errno::EAFNOSUPPORT,
            Errno::EPROTONOSUPPORT,
            Errno::ENOENT,
        ];
        let act = act.to_owned();
        if matches!(errno, Errno::EPERM | Errno::EACCES) {
            return Error::NotPermitted { act };
        }
        if MISSING.contains(&errno) {
            let what = what.to_owned();
            return Error::NotSupported { act, what };
        }
        Error::Refused {
            act,
            words,
            source: errno,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_of_the_kernel_is_named() {
        let rule = "add rule inet minet prerouting fib daddr type local";
        for errno in [Errno::ENOENT, Errno::EOPNOTSUPP, Errno::EAFNOSUPPORT] {
            let error = Error::refused("create table inet minet", rule, errno, None);
            assert_eq!(
                error.to_string(),
                format!(
                    "create table inet minet: this kernel does not support {rule}; load nf_tables, \
                     nft_nat and nft_fib_inet with modprobe, or use a kernel that has them"
                )
            );
        }
    }

    #[test]
    fn the_kernel_s_words_are_passed_on() {
        let words = Some("too many".to_owned());
        let error = Error::refused("publish 80", "nftables", Errno::ENFILE, words);
        assert_eq!(error.to_string(), "publish 80: too many");
        assert!(std::error::Error::source(&error).is_some());
    }
}
