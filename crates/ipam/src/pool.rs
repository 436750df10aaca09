use ipnetwork::{IpNetwork, Ipv4Network};
use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
};

/// The addresses that containers of one network may have.
///
/// Of a subnet up to /30 those are all but its first (the network) and its last (the
/// broadcast address). A /31 has neither, so both are usable (RFC 3021): one for the
/// gateway, one for a container. A /32 is one address, which the gateway has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    subnet: Ipv4Network,
    /// First and last address that is handed out, in host byte order.
    range: RangeInclusive<u32>,
    gateway: Ipv4Addr,
    /// Sorted, each once.
    reserved: Vec<Ipv4Addr>,
}

/// Why a container cannot have a certain address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It is in another subnet.
    #[error("no configured subnet contains IP address {address}: this network has {subnet}")]
    OutsideSubnet {
        /// The address asked for.
        address: IpAddr,
        /// The network's subnet.
        subnet: IpNetwork,
    },
    /// The first of a subnet stands for the subnet itself.
    #[error("IP address {address} is the name of subnet {subnet} and cannot be a container's")]
    NetworkAddress {
        /// The address asked for.
        address: IpAddr,
        /// The network's subnet.
        subnet: IpNetwork,
    },
    /// The last of a subnet means everybody.
    #[error(
        "IP address {address} is the broadcast address of subnet {subnet} and cannot be a container's"
    )]
    BroadcastAddress {
        /// The address asked for.
        address: IpAddr,
        /// The network's subnet.
        subnet: IpNetwork,
    },
    /// It is the host's own on this network.
    #[error("IP address {address} is the gateway of this network and cannot be a container's")]
    Gateway {
        /// The address asked for.
        address: IpAddr,
    },
    /// It was set aside when the network was created.
    #[error("IP address {address} is reserved on this network")]
    Reserved {
        /// The address asked for.
        address: IpAddr,
    },
}

/// Why a range is not one of the subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("range {first}-{last} does not lie in subnet {subnet}")]
pub struct InvalidRange {
    pub(crate) first: IpAddr,
    pub(crate) last: IpAddr,
    pub(crate) subnet: IpNetwork,
}

impl Pool {
    /// All usable addresses of a subnet but the gateway's.
    pub fn of(subnet: Ipv4Network, gateway: Ipv4Addr) -> Self {
        let (network, broadcast) = (subnet.network().to_bits(), subnet.broadcast().to_bits());
        let range = if subnet.prefix() >= 31 {
            network..=broadcast
        } else {
            // At least four addresses, so neither end can overflow.
            network + 1..=broadcast - 1
        };
        Pool {
            subnet,
            range,
            gateway,
            reserved: Vec::new(),
        }
    }

    /// Hands out addresses of this range only (`--ip-range`). A pinned address may still
    /// be any of the subnet.
    ///
    /// # Errors
    ///
    /// [`InvalidRange`] if it is empty or leaves the subnet. That it begins with the
    /// network's address or ends with the broadcast address is not held against it.
    pub fn narrowed_to(self, range: RangeInclusive<Ipv4Addr>) -> Result<Self, InvalidRange> {
        let (first, last) = (*range.start(), *range.end());
        if first > last || !self.subnet.contains(first) || !self.subnet.contains(last) {
            return Err(InvalidRange {
                first: first.into(),
                last: last.into(),
                subnet: self.subnet.into(),
            });
        }
        let first = first.to_bits().max(*self.range.start());
        let last = last.to_bits().min(*self.range.end());
        Ok(Pool {
            range: first..=last,
            ..self
        })
    }

    /// Never hands out these addresses (`--aux-address`).
    #[must_use]
    pub fn reserving(mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
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
    pub fn check_static(&self, address: Ipv4Addr) -> Result<(), InvalidAddress> {
        let own = self.subnet;
        let (ip, subnet) = (IpAddr::from(address), IpNetwork::from(own));
        if !own.contains(address) {
            Err(InvalidAddress::OutsideSubnet {
                address: ip,
                subnet,
            })
        } else if address == self.gateway {
            Err(InvalidAddress::Gateway { address: ip })
        } else if own.prefix() < 31 && address == own.network() {
            Err(InvalidAddress::NetworkAddress {
                address: ip,
                subnet,
            })
        } else if own.prefix() < 31 && address == own.broadcast() {
            Err(InvalidAddress::BroadcastAddress {
                address: ip,
                subnet,
            })
        } else if self.is_reserved(address) {
            Err(InvalidAddress::Reserved { address: ip })
        } else {
            Ok(())
        }
    }

    /// The addresses that were never handed out, in order: those after the cursor, which
    /// is the last one that was. Without a cursor, all.
    ///
    /// The caller skips those that have been pinned meanwhile, takes the first that is
    /// left and makes it the cursor. Nothing is computed ahead.
    pub fn fresh_from(&self, cursor: Option<Ipv4Addr>) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let (first, last) = (*self.range.start(), *self.range.end());
        let next = match cursor {
            None => Some(first),
            // After 255.255.255.255 comes nothing.
            Some(cursor) => cursor.to_bits().checked_add(1).map(|next| next.max(first)),
        };
        next.into_iter()
            .flat_map(move |next| next..=last)
            .map(Ipv4Addr::from_bits)
            .filter(|address| *address != self.gateway && !self.is_reserved(*address))
    }

    /// How many addresses it hands out in all.
    pub fn capacity(&self) -> u64 {
        let (first, last) = (u64::from(*self.range.start()), u64::from(*self.range.end()));
        let withheld = self
            .reserved
            .iter()
            .filter(|address| **address != self.gateway)
            .chain([&self.gateway])
            .filter(|address| self.range.contains(&address.to_bits()))
            .count();
        (last + 1).saturating_sub(first) - withheld as u64
    }

    /// The first and the last address that it hands out by itself.
    pub fn bounds(&self) -> RangeInclusive<Ipv4Addr> {
        Ipv4Addr::from_bits(*self.range.start())..=Ipv4Addr::from_bits(*self.range.end())
    }

    /// The subnet that it is a part of.
    pub fn subnet(&self) -> Ipv4Network {
        self.subnet
    }

    /// The host's own address on the network.
    pub fn gateway(&self) -> Ipv4Addr {
        self.gateway
    }

    fn is_reserved(&self, address: Ipv4Addr) -> bool {
        self.reserved.binary_search(&address).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway_of;

    fn pool(subnet: &str) -> Pool {
        let subnet: Ipv4Network = subnet.parse().unwrap();
        Pool::of(subnet, gateway_of(subnet))
    }

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    fn fresh(pool: &Pool, cursor: Option<&str>) -> Vec<String> {
        pool.fresh_from(cursor.map(ip))
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn small_subnets_hand_out_what_the_rules_leave() {
        for (subnet, expected) in [
            (
                "10.0.0.0/29",
                &["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"][..],
            ),
            ("10.0.0.0/30", &["10.0.0.2"]),
            ("10.0.0.0/31", &["10.0.0.1"]),
            ("10.0.0.0/32", &[]),
            ("255.255.255.252/30", &["255.255.255.254"]),
            ("255.255.255.254/31", &["255.255.255.255"]),
        ] {
            assert_eq!(fresh(&pool(subnet), None), expected, "{subnet}");
            assert_eq!(pool(subnet).capacity(), expected.len() as u64, "{subnet}");
        }
    }

    #[test]
    fn the_cursor_is_never_looked_behind() {
        let pool = pool("10.0.0.0/29");
        assert_eq!(fresh(&pool, Some("10.0.0.4")), ["10.0.0.5", "10.0.0.6"]);
        assert_eq!(fresh(&pool, Some("10.0.0.6")), [""; 0]);
        assert_eq!(fresh(&pool, Some("255.255.255.255")), [""; 0]);
        // A cursor of an earlier, lower subnet.
        assert_eq!(fresh(&pool, Some("9.9.9.9")).len(), 5);
    }

    #[test]
    fn a_range_and_reserved_addresses_narrow_it() {
        let pool = pool("10.0.0.0/24")
            .narrowed_to(ip("10.0.0.128")..=ip("10.0.0.131"))
            .unwrap()
            .reserving([ip("10.0.0.129"), ip("10.0.0.129"), ip("10.0.0.9")]);
        assert_eq!(
            fresh(&pool, None),
            ["10.0.0.128", "10.0.0.130", "10.0.0.131"]
        );
        assert_eq!(pool.capacity(), 3);
        assert_eq!(pool.check_static(ip("10.0.0.77")), Ok(()));
        assert!(matches!(
            pool.check_static(ip("10.0.0.9")),
            Err(InvalidAddress::Reserved { .. })
        ));
    }

    #[test]
    fn a_range_that_covers_the_subnet_still_keeps_its_ends_back() {
        let whole = pool("10.0.0.0/29")
            .narrowed_to(ip("10.0.0.0")..=ip("10.0.0.7"))
            .unwrap();
        assert_eq!(whole, pool("10.0.0.0/29"));
        let only_broadcast = pool("10.0.0.0/29")
            .narrowed_to(ip("10.0.0.7")..=ip("10.0.0.7"))
            .unwrap();
        assert_eq!(only_broadcast.capacity(), 0);
        assert_eq!(fresh(&only_broadcast, None), [""; 0]);
    }

    #[test]
    fn a_range_outside_or_backwards_is_refused() {
        let outside = pool("10.0.0.0/29").narrowed_to(ip("10.0.0.4")..=ip("10.0.0.9"));
        assert_eq!(
            outside.unwrap_err().to_string(),
            "range 10.0.0.4-10.0.0.9 does not lie in subnet 10.0.0.0/29"
        );
        let backwards = pool("10.0.0.0/29").narrowed_to(ip("10.0.0.5")..=ip("10.0.0.4"));
        assert!(backwards.is_err());
    }

    #[test]
    fn a_pinned_address_keeps_the_rules() {
        let pool = pool("172.17.0.0/16");
        assert_eq!(pool.check_static(ip("172.17.200.9")), Ok(()));
        let text = |address| pool.check_static(ip(address)).unwrap_err().to_string();
        assert_eq!(
            text("172.18.0.2"),
            "no configured subnet contains IP address 172.18.0.2: this network has 172.17.0.0/16"
        );
        assert!(text("172.17.0.1").contains("is the gateway"));
        assert!(text("172.17.0.0").contains("is the name of subnet"));
        assert!(text("172.17.255.255").contains("is the broadcast address"));
    }

    /// The policy of the crate's documentation, played on a plain list, against the pool.
    #[test]
    fn every_address_is_handed_out_once_before_any_is_handed_out_again() {
        let pool = pool("10.0.0.0/28").reserving([ip("10.0.0.6")]);
        let pinned = ip("10.0.0.9");
        let mut cursor = None;
        let mut held = vec![pinned];
        let mut handed_out = vec![];
        while let Some(address) = pool
            .fresh_from(cursor)
            .find(|address| !held.contains(address))
        {
            assert_eq!(pool.check_static(address), Ok(()));
            assert!(!handed_out.contains(&address), "{address} twice");
            handed_out.push(address);
            cursor = Some(address);
            held.push(address);
            // Every second container goes at once; its address must not come back.
            if handed_out.len().is_multiple_of(2) {
                held.retain(|other| *other != address);
            }
        }
        assert_eq!(handed_out.len() as u64, pool.capacity() - 1);
        assert!(handed_out.is_sorted());
    }

    #[test]
    fn the_first_address_costs_the_same_in_a_huge_pool() {
        let pool = pool("10.0.0.0/8");
        assert_eq!(pool.capacity(), (1 << 24) - 3);
        assert_eq!(
            pool.fresh_from(Some(ip("10.255.255.200"))).next(),
            Some(ip("10.255.255.201"))
        );
        assert_eq!(
            Pool::of("0.0.0.0/0".parse().unwrap(), ip("0.0.0.1")).capacity(),
            (1 << 32) - 3
        );
    }
}
