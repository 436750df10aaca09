//! How many containers a network has room for.

use crate::BridgeNetwork;

/// How many cables one bridge takes, if nothing else is said.
///
/// A Linux bridge has 1023 ports (`BR_MAX_PORTS`, `net/bridge/br_private.h`). Some are left
/// over for cables whose containers have just ended, which the kernel takes away in the
/// background.
pub const BRIDGE_PORTS: u16 = 1000;

/// The kernel's own limit.
const KERNEL_PORTS: u16 = 1023;

/// Whether a bridge can be told to take so many cables.
pub(crate) fn is_port_count(ports: u16) -> bool {
    (1..=KERNEL_PORTS).contains(&ports)
}

impl BridgeNetwork {
    /// How many cables one bridge of it takes.
    pub fn bridge_ports(&self) -> u32 {
        self.asked.bridge_ports.unwrap_or(BRIDGE_PORTS).into()
    }

    /// From how many containers on it is nearly full: nine tenths.
    pub fn nearly_full(room: u32) -> u32 {
        (room * 9).div_ceil(10)
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
