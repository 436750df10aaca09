//! Whose forwarding it is, as the table itself shows.
//!
//! Where minet turned forwarding on, its table has a chain `transit`, which everything comes
//! by that is not minet's. So each instance of minet, with a root of its own, sees by the one
//! table that they share that forwarding is not somebody else's, and the last one to leave
//! turns it off.

use crate::anatomy::{CHAIN_NAME, is_ours, text};
use crate::command::{Command, IfPresent};
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::encode::dump_chains;
use crate::table::{BRIDGED, Element, OLDER, TRANSIT, Table, Value};
use minet_model::IfName;

impl Firewall {
    /// Whether the table drops what is not minet's, because minet turned forwarding on.
    ///
    /// Reads all chains of the namespace.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn transit_is_dropped(&mut self) -> Result<bool, Error> {
        let chains = self.dump(&dump_chains(), "look for chain transit")?;
        Ok(chains
            .iter()
            .filter(is_ours)
            .any(|chain| text(chain.attributes(), CHAIN_NAME) == TRANSIT))
    }

    /// The interfaces that were there before minet turned forwarding on, as far as the table
    /// was told.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn older(&mut self) -> Result<Vec<IfName>, Error> {
        self.interfaces_in(OLDER)
    }
}

/// Adds the elements that name these interfaces.
pub(crate) fn name_older(names: &[IfName], table: &Table) -> Vec<Command> {
    let add = |(set, element)| Command::AddElement {
        set: crate::table_set(table, set),
        element,
        if_present: IfPresent::Keep,
    };
    names.iter().flat_map(elements).map(add).collect()
}

/// Removes them.
pub(crate) fn forget_older(names: &[IfName], table: &Table) -> Vec<Command> {
    let delete = |(set, element)| Command::DeleteElement {
        set: crate::table_set(table, set),
        element,
    };
    names.iter().flat_map(elements).map(delete).collect()
}

/// The interface itself, and the way from it to itself.
fn elements(name: &IfName) -> [(&'static str, Element); 2] {
    let element = |times| Element {
        key: vec![Value::Ifname(name.clone()); times],
        data: Vec::new(),
        comment: String::new(),
    };
    [(OLDER, element(1)), (BRIDGED, element(2))]
}
