//! How many containers a network has room for, and on which of its bridges.

use crate::{BridgeNetwork, IfName, Span};

/// How many cables one bridge takes, if nothing else is said.
///
/// A Linux bridge has 1023 ports (`BR_MAX_PORTS`, `net/bridge/br_private.h`). Some are left
/// over for cables whose containers have just ended, which the kernel takes away in the
/// background, and for the trunks to further bridges.
pub const BRIDGE_PORTS: u16 = 1000;

/// The kernel's own limit.
const KERNEL_PORTS: u16 = 1023;

/// What the names of further bridges have two digits for.
const MOST_SHARDS: u16 = 99;

/// Whether a bridge can be told to take so many cables.
pub(crate) fn is_port_count(ports: u16) -> bool {
    (1..=KERNEL_PORTS).contains(&ports)
}

impl BridgeNetwork {
    /// How many cables one bridge of it takes.
    pub fn bridge_ports(&self) -> u32 {
        self.asked.bridge_ports.unwrap_or(BRIDGE_PORTS).into()
    }

    /// How many bridges it may have beside its own: a trunk to each has to find a port.
    pub fn most_shards(&self) -> u16 {
        let ports = self.asked.bridge_ports.unwrap_or(BRIDGE_PORTS);
        match self.asked.span {
            Span::OneBridge => 0,
            Span::Shards => (KERNEL_PORTS - ports).min(MOST_SHARDS),
        }
    }

    /// How many containers it has room for.
    pub fn room(&self) -> u32 {
        self.bridge_ports() * (u32::from(self.most_shards()) + 1)
    }

    /// From how many containers on it is nearly full: nine tenths.
    pub fn nearly_full(room: u32) -> u32 {
        (room * 9).div_ceil(10)
    }

    /// Its own bridge is number 0, `mnx-3fa91c20.1` is the first of the further ones. By these
    /// four letters the table knows them.
    pub fn shard(&self, number: u16) -> IfName {
        match number {
            0 => self.bridge.clone(),
            number => self.numbered("mnx", number),
        }
    }

    /// The ends of the trunk to a further bridge, on its own bridge and on that.
    pub fn trunk(&self, number: u16) -> [IfName; 2] {
        [self.numbered("mnt", number), self.numbered("mnu", number)]
    }

    fn numbered(&self, what: &str, number: u16) -> IfName {
        format!("{what}-{}.{number}", &self.id.as_str()[..8])
            .parse()
            .expect("3 + 1 + 8 + 1 + 2 ASCII bytes are a valid interface name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_comes_a_tenth_before_the_end() {
        assert_eq!(BridgeNetwork::nearly_full(BRIDGE_PORTS.into()), 900);
        assert_eq!(BridgeNetwork::nearly_full(3), 3);
        assert_eq!(BridgeNetwork::nearly_full(10), 9);
    }
}
