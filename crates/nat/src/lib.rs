//! One nftables table.

mod change;
mod command;
mod conntrack;
mod error;
mod firewall;
mod netlink;
mod network;
mod publication;
mod query;
pub mod table;

pub use change::Change;
pub use conntrack::{flush_conntrack, flush_conntrack_of};
pub use error::Error;
pub use firewall::Firewall;
pub use network::{Masquerade, Neighbours, NetworkRules, Reach};
pub use publication::{Installed, Publication};
pub use table::Transit;

/// A set that the description is known to have.
fn table_set(table: &table::Table, name: &str) -> table::Set {
    table
        .set(name)
        .cloned()
        .unwrap_or_else(|| panic!("the description has a set {name}"))
}
