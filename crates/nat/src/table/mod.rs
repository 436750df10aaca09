//! The table as a value, from which both the text and the netlink messages are made.
//!
//! Nothing here touches the kernel. [`layout`] and `chains.rs` say what `inet minet` consists of; the
//! other files say what a set, a chain, a rule, an element is and how `nft` writes it.

mod chain;
mod chains;
mod family;
mod layout;
mod rule;
mod set;
mod value;

pub use chain::{Base, Chain, ChainType, Hook, Priority};
pub(crate) use chains::TRANSIT;
pub use family::{FAMILIES, Family, IPV4, IPV6, LinkLocal, Loopback};
pub(crate) use layout::{BRIDGED, OLDER, any_layout};
pub use layout::{Transit, layout};
pub use rule::{Connection, Field, Match, Rule, SHARD, Sense, Statement};
pub use set::{Element, Set, Shape};
pub use value::{
    ByteOrder, DataType, Value, concat_bytes, concat_len, ifname_bytes, type_id, type_names,
};

/// The name of minet's table, in family inet.
pub const TABLE: &str = "minet";

/// A table of family inet: everything in it but the elements of its sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// Whose it is.
    pub comment: &'static str,
    /// Sets and maps.
    pub sets: Vec<Set>,
    /// Chains with their rules.
    pub chains: Vec<Chain>,
}

impl Table {
    /// A file that `nft -f` accepts, in the layout of `nft list table`.
    pub fn to_nft(&self) -> String {
        let sets = self.sets.iter().map(Set::to_nft);
        let chains = self.chains.iter().map(Chain::to_nft);
        let blocks: Vec<_> = sets.chain(chains).collect();
        let (name, comment) = (self.name, self.comment);
        format!(
            "table inet {name} {{\n\tcomment \"{comment}\"\n\n{}}}\n",
            blocks.join("\n")
        )
    }

    /// The set or map of this name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }
}
