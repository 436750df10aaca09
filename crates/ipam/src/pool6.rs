//! The IPv6 addresses of a network.
//!
//! A subnet of 64 bits never runs through, and one lease needs two addresses; so the IPv6
//! address is not looked for but derived: it stands as far behind the beginning of its range
//! as the IPv4 address of the same lease stands behind the beginning of its subnet. Only
//! where that one cannot be had (it is the gateway's, somebody pinned it, the range is
//! shorter), the next one that nobody has had is taken.
//!
//! ```text
//!   172.17.0.0/16        172.17.0.2  ──── 2 ────▶  fd12:3456:789a::2        fd12:3456:789a::/64
//! ```

use crate::{InvalidAddress, InvalidRange};
use ipnetwork::{Ipv4Network, Ipv6Network};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

/// The IPv6 addresses that containers of one network may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool6 {
    subnet: Ipv6Network,
    range: RangeInclusive<u128>,
    /// What is counted from: the beginning of the range before anything was left out.
    base: u128,
    gateway: Ipv6Addr,
    /// Sorted, each once.
    reserved: Vec<Ipv6Addr>,
}

impl Pool6 {
    /// All usable addresses of a subnet but the gateway's.
    pub fn of(subnet: Ipv6Network, gateway: Ipv6Addr) -> Self {
        let (first, last) = (subnet.network().to_bits(), subnet.broadcast().to_bits());
        // The first one stands for all routers, except in a /127 (RFC 6164).
        let range = match subnet.prefix() {
            127.. => first..=last,
            _ => first + 1..=last,
        };
        Pool6 {
            subnet,
            range,
            base: first,
            gateway,
            reserved: Vec::new(),
        }
    }

    /// Hands out addresses of this range only (`--ip-range`). A pinned address may still
    /// be any of the subnet.
    ///
    /// # Errors
    ///
    /// [`InvalidRange`] if it is empty or leaves the subnet.
    pub fn narrowed_to(self, range: RangeInclusive<Ipv6Addr>) -> Result<Self, InvalidRange> {
        let (first, last) = (*range.start(), *range.end());
        if first > last || !self.subnet.contains(first) || !self.subnet.contains(last) {
            return Err(InvalidRange {
                first: first.into(),
                last: last.into(),
                subnet: self.subnet.into(),
            });
        }
        let base = first.to_bits();
        let first = base.max(*self.range.start());
        Ok(Pool6 {
            range: first..=last.to_bits(),
            base,
            ..self
        })
    }

    /// Never hands these out (`--aux-address`), and nobody can be pinned to them.
    #[must_use]
    pub fn reserving(mut self, addresses: impl IntoIterator<Item = Ipv6Addr>) -> Self {
        self.reserved.extend(addresses);
        self.reserved.sort();
        self.reserved.dedup();
        self
    }

    /// Whether a container may be pinned to this address, whoever has it now.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] says which rule forbids it.
    pub fn check_static(&self, address: Ipv6Addr) -> Result<(), InvalidAddress> {
        let (subnet, ip) = (self.subnet, address.into());
        if !subnet.contains(address) {
            Err(InvalidAddress::OutsideSubnet {
                address: ip,
                subnet: subnet.into(),
            })
        } else if address == self.gateway {
            Err(InvalidAddress::Gateway { address: ip })
        } else if subnet.prefix() < 127 && address == subnet.network() {
            Err(InvalidAddress::NetworkAddress {
                address: ip,
                subnet: subnet.into(),
            })
        } else if self.reserved.binary_search(&address).is_ok() {
            Err(InvalidAddress::Reserved { address: ip })
        } else {
            Ok(())
        }
    }

    /// The address that goes with an IPv4 address of the same network, if it can be handed
    /// out.
    pub fn beside(&self, address: Ipv4Addr, subnet: Ipv4Network) -> Option<Ipv6Addr> {
        let offset = address.to_bits().checked_sub(subnet.network().to_bits())?;
        let bits = self.base.checked_add(offset.into())?;
        let address = Ipv6Addr::from_bits(bits);
        (self.range.contains(&bits) && self.check_static(address).is_ok()).then_some(address)
    }

    /// The addresses after the cursor, in order; without a cursor, all.
    pub fn fresh_from(&self, cursor: Option<Ipv6Addr>) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let (first, last) = (*self.range.start(), *self.range.end());
        let next = match cursor {
            None => Some(first),
            Some(cursor) => cursor.to_bits().checked_add(1).map(|next| next.max(first)),
        };
        next.into_iter()
            .flat_map(move |next| next..=last)
            .map(Ipv6Addr::from_bits)
            .filter(|address| self.check_static(*address).is_ok())
    }

    /// How many addresses it hands out in all.
    pub fn capacity(&self) -> u128 {
        let (first, last) = (*self.range.start(), *self.range.end());
        let withheld = self
            .reserved
            .iter()
            .filter(|address| **address != self.gateway)
            .chain([&self.gateway])
            .filter(|address| self.range.contains(&address.to_bits()))
            .count();
        (last.saturating_sub(first))
            .saturating_add(u128::from(first <= last))
            .saturating_sub(withheld as u128)
    }

    /// The first and the last address that it hands out by itself.
    pub fn bounds(&self) -> RangeInclusive<Ipv6Addr> {
        Ipv6Addr::from_bits(*self.range.start())..=Ipv6Addr::from_bits(*self.range.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_of6;

    fn pool(subnet: &str) -> Pool6 {
        let subnet: Ipv6Network = subnet.parse().unwrap();
        Pool6::of(subnet, gateway_of6(subnet))
    }

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn beside(pool: &Pool6, address: &str) -> Option<Ipv6Addr> {
        pool.beside(address.parse().unwrap(), "10.1.0.0/16".parse().unwrap())
    }

    #[test]
    fn the_address_is_as_far_from_the_beginning_as_its_twin() {
        let whole = pool("fd00::/64");
        assert_eq!(beside(&whole, "10.1.0.2"), Some(ip("fd00::2")));
        assert_eq!(beside(&whole, "10.1.2.3"), Some(ip("fd00::203")));
        let part = whole
            .narrowed_to(ip("fd00::1000")..=ip("fd00::10ff"))
            .unwrap();
        assert_eq!(beside(&part, "10.1.0.2"), Some(ip("fd00::1002")));
        assert_eq!(beside(&part, "10.1.2.3"), None);
    }

    #[test]
    fn what_is_somebody_elses_is_not_derived() {
        let subnet: Ipv6Network = "fd00::/64".parse().unwrap();
        let pool = Pool6::of(subnet, ip("fd00::2")).reserving([ip("fd00::3")]);
        assert_eq!(beside(&pool, "10.1.0.2"), None);
        assert_eq!(beside(&pool, "10.1.0.3"), None);
        assert_eq!(beside(&pool, "10.1.0.0"), None);
        assert!(pool.check_static(ip("fd00::3")).is_err());
        assert!(pool.check_static(ip("fd00::")).is_err());
        assert!(pool.check_static(ip("fd01::9")).is_err());
    }

    #[test]
    fn small_subnets_hand_out_what_the_rules_leave() {
        for (subnet, expected) in [
            ("fd00::/126", &["fd00::2", "fd00::3"][..]),
            ("fd00::/127", &["fd00::1"]),
            ("fd00::/128", &[]),
        ] {
            let pool = pool(subnet);
            let fresh: Vec<_> = pool.fresh_from(None).map(|ip| ip.to_string()).collect();
            assert_eq!(fresh, expected, "{subnet}");
            assert_eq!(pool.capacity(), expected.len() as u128, "{subnet}");
        }
        let mut after = pool("fd00::/64")
            .fresh_from(Some(ip("fd00::5")))
            .take(1)
            .collect::<Vec<_>>();
        assert_eq!(after.pop(), Some(ip("fd00::6")));
        assert_eq!(pool("fd00::/64").capacity(), (1 << 64) - 2);
    }
}
