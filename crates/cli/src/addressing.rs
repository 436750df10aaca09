//! `--subnet`, `--gateway`, `--ip-range` and `--aux-address`: at most one of each family,
//! told apart by how they are written.

use ipnetwork::IpNetwork;
use minet_model::{AddressRange, AddressRange6, InvalidNetworkOption, Ipv6Spec, NetworkSpec};
use std::net::IpAddr;

/// What was said about a network's addresses.
pub(crate) struct Addressing {
    pub(crate) subnets: Vec<IpNetwork>,
    pub(crate) gateways: Vec<IpAddr>,
    pub(crate) ranges: Vec<Range>,
    pub(crate) reserved: Vec<(String, IpAddr)>,
    pub(crate) ipv6: Option<bool>,
}

/// A range of either family.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range {
    V4(AddressRange),
    V6(AddressRange6),
}

/// Only IPv6 is written with colons.
pub(crate) fn range(text: &str) -> Result<Range, String> {
    match text.contains(':') {
        true => text
            .parse()
            .map(Range::V6)
            .map_err(|error| format!("{error}")),
        false => text
            .parse()
            .map(Range::V4)
            .map_err(|error| format!("{error}")),
    }
}

pub(crate) fn aux_address(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once('=').ok_or("write NAME=ADDRESS")?;
    let address = address
        .parse()
        .map_err(|_| format!("{address:?} is no address"))?;
    Ok((name.to_owned(), address))
}

impl Addressing {
    /// Puts it into a spec. Whatever is of IPv6 means that the network is to have it.
    pub(crate) fn put(self, spec: &mut NetworkSpec) -> Result<(), InvalidNetworkOption> {
        let mut six = Ipv6Spec::default();
        for subnet in self.subnets {
            match subnet {
                IpNetwork::V4(subnet) => once("--subnet", &mut spec.subnet, subnet)?,
                IpNetwork::V6(subnet) => once("--subnet", &mut six.subnet, subnet)?,
            }
        }
        for gateway in self.gateways {
            match gateway {
                IpAddr::V4(gateway) => once("--gateway", &mut spec.gateway, gateway)?,
                IpAddr::V6(gateway) => once("--gateway", &mut six.gateway, gateway)?,
            }
        }
        for range in self.ranges {
            match range {
                Range::V4(range) => once("--ip-range", &mut spec.ip_range, range)?,
                Range::V6(range) => once("--ip-range", &mut six.ip_range, range)?,
            }
        }
        for (name, address) in self.reserved {
            match address {
                IpAddr::V4(address) => spec.reserved.insert(name, address).map(drop),
                IpAddr::V6(address) => six.reserved.insert(name, address).map(drop),
            };
        }
        let said = six != Ipv6Spec::default();
        match (self.ipv6, said) {
            (Some(false), true) => Err(InvalidNetworkOption::Value {
                key: "--ipv6".to_owned(),
                value: "false".to_owned(),
                expected: "the network is given IPv6 addresses",
            }),
            (Some(false), false) => {
                spec.ipv6 = None;
                Ok(())
            }
            (Some(true), _) | (None, true) => {
                spec.ipv6 = Some(six);
                Ok(())
            }
            (None, false) => Ok(()),
        }
    }
}

fn once<T: ToString>(
    option: &str,
    place: &mut Option<T>,
    value: T,
) -> Result<(), InvalidNetworkOption> {
    match place {
        Some(_) => Err(InvalidNetworkOption::Value {
            key: option.to_owned(),
            value: value.to_string(),
            expected: "at most one for IPv4 and one for IPv6",
        }),
        None => {
            *place = Some(value);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(subnets: &[&str], ipv6: Option<bool>) -> Result<NetworkSpec, InvalidNetworkOption> {
        let mut spec = NetworkSpec::named("a".parse().unwrap());
        let addressing = Addressing {
            subnets: subnets.iter().map(|text| text.parse().unwrap()).collect(),
            gateways: Vec::new(),
            ranges: Vec::new(),
            reserved: Vec::new(),
            ipv6,
        };
        addressing.put(&mut spec).map(|()| spec)
    }

    #[test]
    fn one_subnet_of_each_family() {
        let both = put(&["10.9.0.0/24", "fd00:9::/64"], None).unwrap();
        assert_eq!(both.subnet, Some("10.9.0.0/24".parse().unwrap()));
        let six = both.ipv6.unwrap();
        assert_eq!(six.subnet, Some("fd00:9::/64".parse().unwrap()));
        assert!(put(&["10.9.0.0/24", "10.8.0.0/24"], None).is_err());
        assert!(put(&["fd00:9::/64", "fd00:8::/64"], None).is_err());
    }

    #[test]
    fn ipv6_is_asked_for_or_said() {
        assert_eq!(put(&[], None).unwrap().ipv6, None);
        assert_eq!(
            put(&[], Some(true)).unwrap().ipv6,
            Some(Ipv6Spec::default())
        );
        assert!(put(&["fd00::/64"], None).unwrap().ipv6.is_some());
        assert!(put(&["fd00::/64"], Some(false)).is_err());
    }
}
