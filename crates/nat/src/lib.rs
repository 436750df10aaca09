//! One nftables table: masquerade, publish, isolate.
//!
//! Containers sit behind the host as machines sit behind a home router. Three things have
//! to happen to their packets. On the way out, the source becomes an address of the host,
//! or nobody would find the way back (*masquerade*). A port of the host leads to a port of
//! a container (*publish*). And nobody gets at a container any other way (*isolate*).
//! All of it is in one table, `inet minet`, which is minet's alone:
//!
//! ```text
//!      from outside or                                          to a container or
//!      from a container                                              outside
//!            |                                                          ^
//!            v                                                          |
//!         [guard] -> conntrack -> [prerouting] -> (route) -> [forward] -> [postrouting]
//!         may it      known        host port       |          may these    under which
//!         speak?      flow?        -> container    |          two talk?    source?
//!                                      ^           v                          ^
//!                               @publish_at      the host's own processes     |
//!                               @publish           |                          |
//!                                      v           v                          |
//!                                   [output] <-----+---- (route) -------------+
//! ```
//!
//! To the host's own processes a packet goes through `input`, which keeps containers away
//! from what listens at the gateway of a network that they are not on.
//!
//! The chains never change while the table stands. A network is one element in each of a few sets, a published
//! port is one element of a map, a container without ports is nothing at all. So the cost
//! of a change does not grow with what is there, and every element says in its comment
//! whose it is. `crates/nat/tests/golden/table.nft` shows a table with everything in it.
//!
//! # By hand
//!
//! ```text
//! nft -f table.nft                      Change::InstallTable; Table::to_nft prints the file
//! nft 'create element inet minet publish {
//!     tcp . 8080 comment "web (3fa91c20abcd): 8080 -> 80/tcp" : 172.17.0.2 . 80 }'
//! nft 'delete element inet minet publish { tcp . 8080 }'
//! conntrack -D -p udp --orig-port-dst 5353
//! nft list table inet minet
//! ```
//!
//! [`Change::to_nft`] prints these for any change. Text and netlink messages are made from
//! the same value ([`table::layout`], and the elements of a change), and a test compares
//! what the two leave in the kernel.
//!
//! # Who asks, and whom the container sees
//!
//! | from | to | | the container sees |
//! | --- | --- | --- | --- |
//! | another machine | host:8080 | answered | the machine itself |
//! | the host | its own address:8080 | answered | that address |
//! | the host | 127.0.0.1:8080 | answered | the gateway: 127/8 means another machine there |
//! | a container of the same network | host:8080 | answered | the gateway: else the answer would go past the host |
//! | the container itself | host:8080 | answered | the gateway |
//! | a container of another network | host:8080 | answered | that container |
//! | a container of the same network | its address | answered | that container |
//! | another machine | the container's address | dropped in `guard` | |
//! | another machine, a container | 127.0.0.1 of the host | dropped in `guard` | |
//! | a container, with a foreign source (even 0.0.0.0) | the host and beyond | dropped in `guard` | |
//! | a container of another network | the container's address | dropped in `forward` | |
//! | a container of another network | a service of the host at this network's gateway | dropped in `input` | |
//! | a container | behind another tool's bridge | dropped in `forward`, unless published or a way out | |
//! | another machine | a third one, by way of this host | dropped in `transit`, where minet turned forwarding on | |
//! | behind a bridge of another tool's | behind the same one | passes `foreign`, where br_netfilter shows it | |
//! | another machine | behind another tool's bridge that came after minet | dropped in `transit`, unless published | |
//! | the container | the world | answered, under the address in `outbound` if there is one | |
//! | behind a neighbour with a network's route (`behind`) | that network | answered, and dropped elsewhere | |
//!
//! # What the table needs around it
//!
//! - `net.ipv4.ip_forward=1`, and if it is minet that sets it, [`Transit::Dropped`].
//! - `net.ipv4.conf.BRIDGE.route_localnet=1` for 127.0.0.1:8080, and only once the table
//!   stands: `guard` is what keeps the host's loopback closed then.
//! - Hairpin mode on a bridge port (`bridge link set dev VETH hairpin on`) only where
//!   `net.bridge.bridge-nf-call-iptables=1`, and only for a container that asks for its own
//!   published port. Usually the frame goes up to the host and comes back routed, which no
//!   bridge port minds. With that sysctl, the destination is rewritten while the frame is
//!   still on the bridge, which then has to send it back where it came from.
//! - `isolated on` on the bridge ports for [`Neighbours::Apart`]: frames that stay on the
//!   bridge are seen by the table only with that sysctl.
//! - The MAC that minet gave its bridge. With that sysctl it tells a frame between neighbours
//!   who may talk, which is let pass untracked, from one that is to be routed, and translated.
//!
//! # What must stay true
//!
//! - Nothing but `inet minet` is touched, except for two accepting rules per network where
//!   another firewall would drop all that it carries (the head of `foreign/mod.rs`). Rules
//!   of others still bind: an `accept` here ends only minet's own chain. Whoever wants a word before minet makes a chain of their own
//!   with a lower priority; there is no chain here for others' rules, since removing the
//!   table would remove them.
//! - Every change is one transaction, and removing is idempotent.
//! - A port is published and unpublished by its owner: `create` fails if the port is
//!   taken, and before deleting, the owner in the comment is compared.
//! - Only what is addressed to this machine is redirected (`fib daddr type local`): a
//!   published port 53 must not swallow the queries to other name servers.
//! - `unsafe` is in `netlink/ffi.rs` and nowhere else.
//!
//! # Two families
//!
//! What differs between IPv4 and IPv6 is data ([`table::Family`]), and the sets and rules are
//! made for each of [`table::FAMILIES`]; those of IPv6 have a 6 behind their names. Three
//! things are not alike: a link-local source is at home on every bridge, or no neighbour would
//! find another; `::1` and link-local clients are not led to containers, because their
//! addresses mean nothing there, but left to the socket that holds the port; and whether what
//! is not minet's is passed on is an element of the set `closed` for IPv6, because the first
//! network that has it may come after the table.

mod anatomy;
mod change;
mod command;
mod conntrack;
mod edge;
mod elements;
mod error;
mod events;
mod firewall;
mod foreign;
mod mend;
mod netlink;
mod network;
mod publication;
mod query;
mod resolver_port;
pub mod table;
mod transaction;
mod transit;

pub use anatomy::Anatomy;
pub use change::Change;
pub use edge::Edge;
pub use elements::{Expected, Owner, Standing};
pub use error::Error;
pub use events::RulesetEvents;
pub use firewall::Firewall;
pub use foreign::{
    ChainFamily, ForeignChain, Leftover, Passage, Passing, Restraint, legacy_filter_is_in_use,
};
pub use minet_model::{Masquerade, Neighbours, Reach};
pub use network::NetworkRules;
pub use publication::{Installed, Publication};
pub use resolver_port::ResolverPort;
pub use table::Transit;

/// A set that the description is known to have.
fn table_set(table: &table::Table, name: &str) -> table::Set {
    table
        .set(name)
        .cloned()
        .unwrap_or_else(|| panic!("the description has a set {name}"))
}
