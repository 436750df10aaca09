//! Addresses that no host has: what can neither be the subnet of a network nor lie behind
//! a route of one.

use crate::{overlaps, overlaps6};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

/// Addresses with a meaning of their own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a subnet that hosts can have: it is {1}")]
pub struct NotForHosts(IpNetwork, &'static str);

/// RFC 6890, section 2.2.2.
const OF_IPV4: [(&str, &str); 4] = [
    (
        "0.0.0.0/8",
        "\"this network\", which no packet can be sent to",
    ),
    ("127.0.0.0/8", "the loopback"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
];

/// RFC 6890, section 2.2.3.
const OF_IPV6: [(&str, &str); 4] = [
    ("ff00::/8", "multicast"),
    ("fe80::/10", "link-local, the same on every link"),
    ("::/96", "the loopback, or IPv4 in disguise"),
    ("::ffff:0:0/96", "IPv4 in disguise"),
];

/// Refuses what is multicast, the loopback and the like.
///
/// # Errors
///
/// [`NotForHosts`] says what it is.
pub fn check_for_hosts(subnet: IpNetwork) -> Result<(), NotForHosts> {
    let meaning = match subnet {
        IpNetwork::V4(subnet) => {
            let is = |kind: &&(&str, &str)| {
                let kind: Ipv4Network = kind.0.parse().expect("written here");
                overlaps(kind, subnet)
            };
            OF_IPV4.iter().find(is)
        }
        IpNetwork::V6(subnet) => {
            let is = |kind: &&(&str, &str)| {
                let kind: Ipv6Network = kind.0.parse().expect("written here");
                overlaps6(kind, subnet)
            };
            OF_IPV6.iter().find(is)
        }
    };
    match meaning {
        Some((_, meaning)) => Err(NotForHosts(subnet, meaning)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_every_subnet_has_hosts() {
        let check = |text: &str| check_for_hosts(text.parse().unwrap());
        for subnet in [
            "ff02::/64",
            "fe80::/64",
            "::/64",
            "::ffff:10.0.0.0/120",
            "127.3.0.0/16",
            "224.0.0.0/24",
            "239.255.0.0/16",
            "240.0.0.0/24",
            "255.255.255.0/24",
            "0.1.0.0/16",
            "0.0.0.0/0",
        ] {
            assert!(check(subnet).is_err(), "{subnet}");
        }
        for subnet in [
            "fd00::/64",
            "2001:db8::/32",
            "10.0.0.0/8",
            "169.254.0.0/16",
            "192.0.2.0/24",
        ] {
            assert_eq!(check(subnet), Ok(()), "{subnet}");
        }
    }
}
