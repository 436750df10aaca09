//! What the process that reads questions may ask of its container's supervisor.
//!
//! The supervisor believes nothing of it: whatever is asked here, it gets what the container
//! itself might have got by asking for it.

use minet_names::resolver::{Meaning, Others, Reason, Server, Transport, Why};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// So many names may be asked for at a time.
pub(super) const MOST_NAMES: usize = 64;

/// More than the names of that many questions, as JSON: one has 255 bytes, which are four times
/// as many where each has to be written as a number, with a backslash that is doubled.
pub(super) const LONGEST_ASK: usize = MOST_NAMES * 255 * 5 + 1024;

/// So many addresses are told at a time: more than are on a network, or fit into an answer.
const MOST_ADDRESSES: usize = 3000;

/// More than that many addresses, as JSON.
pub(super) const LONGEST_TOLD: usize = MOST_ADDRESSES * 48 + MOST_NAMES * 1024;

/// A request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// What do these names mean?
    Meanings(Vec<String>),
    /// Who is asked what the container's networks do not know?
    Servers,
    /// A socket to one of these, please.
    Dial(Server, Transport),
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// One for each name, in their order, and whether others are asked.
    Meanings(Others, Vec<Meant>),
    /// In the order in which they are listed.
    Servers(Vec<Server>),
    /// It comes along.
    Dialed,
    /// Something was in the way.
    Failed,
}

/// A [`Meaning`] without its reasons, which are nobody's business in an answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Meant {
    Known(Vec<IpAddr>),
    Pointer(Vec<String>),
    Asleep,
    Unknown,
}

impl Meant {
    /// All of them, as far as there is room.
    pub(super) fn of(meanings: Vec<Meaning>) -> Vec<Self> {
        let mut room = MOST_ADDRESSES;
        let mut short = |meaning| match meaning {
            Meaning::Known(reasons) => {
                let addresses = reasons.into_iter().flat_map(|reason| reason.addresses);
                let addresses: Vec<IpAddr> = addresses.take(room).collect();
                room -= addresses.len();
                Meant::Known(addresses)
            }
            Meaning::Pointer(names) => Meant::Pointer(names),
            Meaning::Asleep => Meant::Asleep,
            Meaning::Unknown => Meant::Unknown,
        };
        meanings.into_iter().map(&mut short).collect()
    }
}

impl From<Meant> for Meaning {
    fn from(meant: Meant) -> Self {
        match meant {
            Meant::Known(addresses) => Meaning::Known(vec![Reason {
                container: String::new(),
                network: String::new(),
                why: Why::Name,
                addresses,
            }]),
            Meant::Pointer(names) => Meaning::Pointer(names),
            Meant::Asleep => Meaning::Asleep,
            Meant::Unknown => Meaning::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    fn known(addresses: usize) -> Meaning {
        let address = |n: usize| Ipv6Addr::from_bits((0xfd00_0000 << 96) + n as u128).into();
        Meaning::Known(vec![Reason {
            container: "c".into(),
            network: "n".into(),
            why: Why::Alias,
            addresses: (0..addresses).map(address).collect(),
        }])
    }

    #[test]
    fn the_longest_there_are_have_room() {
        let names = vec!["\\255".repeat(255); MOST_NAMES];
        let ask = serde_json::to_vec(&Ask::Meanings(names)).unwrap();
        assert!(ask.len() <= LONGEST_ASK, "{}", ask.len());
        let crowd = vec![known(2500), known(2500), Meaning::Asleep];
        let meant = Meant::of(crowd);
        let counts: Vec<usize> = meant
            .iter()
            .map(|meant| match meant {
                Meant::Known(addresses) => addresses.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(counts, [2500, 500, 0]);
        let told = serde_json::to_vec(&Told::Meanings(Others::Asked, meant)).unwrap();
        assert!(told.len() <= LONGEST_TOLD, "{}", told.len());
        // What fits into one packet, `net.core.wmem_default`, less what the kernel adds.
        assert!(LONGEST_TOLD.max(LONGEST_ASK) < 212_992 - 32);
    }
}
