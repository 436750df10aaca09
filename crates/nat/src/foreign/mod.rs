//! Living beside other firewalls: Docker, libvirt, ufw, or a file for `nft -f`.
//!
//! On the way from one interface to another a packet passes the base chains of *all*
//! tables. An `accept` ends only the chain that it stands in; a `drop` in any of them is
//! final. So on a machine whose `ip filter FORWARD` drops whatever it does not know, as
//! Docker leaves it behind, minet's table may accept as much as it likes:
//!
//! ```text
//!   minet0 ──▶ inet minet forward: accept ──▶ ip filter FORWARD: … policy drop ──▶ (gone)
//! ```
//!
//! What can be done about it, and all that is done here: two rules at the end of that
//! chain, after everything that its owner has to say and before its last word.
//!
//! ```text
//! nft add rule ip filter FORWARD iifname "minet0" counter accept \
//!     comment "minet: network bridge on minet0"
//! nft add rule ip filter FORWARD oifname "minet0" counter accept \
//!     comment "minet: network bridge on minet0"
//! ```
//!
//! - **The owner's rules come first.** A packet that any of them drops is dropped. Docker's
//!   chain `DOCKER-USER`, or the head of the chain, would be more convenient and wrong:
//!   an `accept` there would overrule what the administrator wrote behind it.
//! - **Towards the bridge nothing is opened** that minet's own chain does not close: only
//!   published ports and answers get through there.
//! - **Away from the bridge something would be**: others' bridges, whose containers and
//!   virtual machines were kept apart by that very drop. So whoever is let pass here is
//!   restrained in minet's own table ([`Restraint`]): others' bridges are reached by what
//!   their owner publishes, except for a bridge that leads out.
//! - **The rules can be written by `iptables`**, without which `iptables-nft`, and Docker
//!   with it, would refuse to work on the table. If somebody saves and restores the table
//!   with `iptables-save`, they are still known by their comment.
//!
//! The *last word* of a chain is its policy, or the first rule that drops or rejects
//! everything. It may stand in a chain that is called in any case, as with firewalld:
//!
//! ```text
//!   filter_FORWARD ── jump ──▶ filter_FORWARD_ZONES ── goto ──▶ filter_FWD_public: … reject
//! ```
//!
//! There the two rules go, into the innermost of these. A rule of the owner's that names
//! the very bridge (`-i minet0 …`, or a zone that it was put into) is a decision, and stays
//! one: where it accepts, nothing is needed, and where it drops, nothing is opened.
//!
//! Out of reach are a table that only its owner may change ([`crate::Firewall::locked_drops`];
//! firewalld 2 makes such), and what `iptables-legacy` keeps, for
//! nftables cannot see it: [`legacy_filter_is_in_use`]. Chains for IPv6 matter to networks
//! that have IPv6.

mod chains;
mod encode;
mod expression;
mod last_word;
mod leftovers;
mod restraint;
mod routers;
mod rule;
mod rules;

pub(crate) use chains::is_in_the_path;
pub use leftovers::Leftover;
pub use restraint::Restraint;
pub use rules::Passing;

pub(crate) use rule::ForeignRule;

use minet_model::{IfName, NetworkName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which packets a table sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainFamily {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// IPv4 and IPv6.
    Inet,
}

/// A chain of somebody else's, in the path of packets that are passed on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ForeignChain {
    /// The family of its table.
    pub family: ChainFamily,
    /// The name of its table.
    pub table: String,
    /// Its own name.
    pub name: String,
}

/// A network of minet's that is to get through others' chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its bridge.
    pub bridge: IfName,
    /// Its name.
    pub network: NetworkName,
}

impl ChainFamily {
    /// The number that the kernel knows it by, `NFPROTO_…`.
    fn number(self) -> u8 {
        let number = match self {
            ChainFamily::Ip => nix::libc::NFPROTO_IPV4,
            ChainFamily::Ip6 => nix::libc::NFPROTO_IPV6,
            ChainFamily::Inet => nix::libc::NFPROTO_INET,
        };
        number as u8
    }
}

impl fmt::Display for ChainFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChainFamily::Ip => "ip",
            ChainFamily::Ip6 => "ip6",
            ChainFamily::Inet => "inet",
        })
    }
}

impl fmt::Display for ForeignChain {
    /// `ip filter FORWARD`, as `nft` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.family, self.table, self.name)
    }
}

impl Passage {
    /// By this the rules are found again. A bridge's name is taken once in a namespace, so
    /// no two instances of minet mean the same rule.
    pub fn comment(&self) -> String {
        let beginning = format!("{}{}", rule::OURS, self.network);
        crate::publication::cut(&beginning, &format!(" on {}", self.bridge))
    }

    /// The commands that let the network pass this chain.
    pub fn to_nft(&self, chain: &ForeignChain) -> Vec<String> {
        let comment = self.comment();
        let line = |side: encode::Side| {
            let (word, bridge) = (side.to_nft(), &self.bridge);
            format!("add rule {chain} {word} \"{bridge}\" counter accept comment \"{comment}\"")
        };
        encode::SIDES.into_iter().map(line).collect()
    }
}

/// Whether the rules of `iptables-legacy` are in force here, which nftables cannot see.
///
/// Anything that lists them loads the table, so there may be a table and not a single rule.
pub fn legacy_filter_is_in_use() -> bool {
    // `self` would be the process's first thread, which may be in another namespace.
    std::fs::read_to_string("/proc/thread-self/net/ip_tables_names")
        .is_ok_and(|names| names.lines().any(|name| name == "filter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_one_line_each() {
        let passage = Passage {
            bridge: "minet0".parse().unwrap(),
            network: "bridge".parse().unwrap(),
        };
        let chain = ForeignChain {
            family: ChainFamily::Ip,
            table: "filter".to_owned(),
            name: "FORWARD".to_owned(),
        };
        assert_eq!(
            passage.to_nft(&chain),
            [
                "add rule ip filter FORWARD iifname \"minet0\" counter accept \
                 comment \"minet: network bridge on minet0\"",
                "add rule ip filter FORWARD oifname \"minet0\" counter accept \
                 comment \"minet: network bridge on minet0\"",
            ]
        );
    }
}
