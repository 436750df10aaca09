//! The smallest steps: what one netlink message does, and how `nft` would be told.

use crate::table::{Chain, Element, Rule, Set, TABLE};

/// What to do when an element with the same key is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfPresent {
    /// Leave it, as long as its data is the same.
    Keep,
    /// Refuse.
    Fail,
}

/// One message of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    AddTable {
        comment: &'static str,
    },
    DeleteTable,
    /// `id` numbers the sets of a transaction.
    AddSet {
        set: Set,
        id: u32,
    },
    AddChain(Chain),
    AddRule {
        chain: &'static str,
        rule: Rule,
    },
    AddElement {
        set: Set,
        element: Element,
        if_present: IfPresent,
    },
    DeleteElement {
        set: Set,
        element: Element,
    },
}

impl Command {
    /// Whether something is left to be freed.
    pub(crate) fn deletes(&self) -> bool {
        matches!(self, Command::DeleteTable | Command::DeleteElement { .. })
    }

    /// The line for `nft -f`.
    pub(crate) fn to_nft(&self) -> String {
        match self {
            Command::AddTable { comment } => {
                format!("create table inet {TABLE} {{ comment \"{comment}\"; }}")
            }
            Command::DeleteTable => format!("delete table inet {TABLE}"),
            Command::AddSet { set, .. } => {
                format!("add {} inet {TABLE} {}", set.keyword(), set.name)
            }
            Command::AddChain(chain) => format!("add chain inet {TABLE} {}", chain.name),
            Command::AddRule { chain, rule } => {
                format!("add rule inet {TABLE} {chain} {}", rule.to_nft())
            }
            Command::AddElement {
                set,
                element,
                if_present,
            } => {
                let verb = match if_present {
                    IfPresent::Keep => "add",
                    IfPresent::Fail => "create",
                };
                let (name, element) = (&set.name, element.to_nft());
                format!("{verb} element inet {TABLE} {name} {{ {element} }}")
            }
            Command::DeleteElement { set, element } => {
                let (name, key) = (&set.name, element.key_to_nft());
                format!("delete element inet {TABLE} {name} {{ {key} }}")
            }
        }
    }
}
