//! IPv6 subnets: unique local ones for whoever brings none.

use ipnetwork::Ipv6Network;
use std::net::Ipv6Addr;

/// All 65,536 subnets of the site's prefix overlap something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no free IPv6 subnet in {0}: every /64 overlaps an address or a route of this host")]
pub struct NoFreeSubnet6(pub Ipv6Network);

/// The prefix of a site that nobody assigned one to: `fd`, a random number of 40 bits, and
/// room for 65,536 subnets (RFC 4193).
pub fn unique_local(global_id: [u8; 5]) -> Ipv6Network {
    let [a, b, c, d, e] = global_id;
    let mut octets = [0; 16];
    octets[..6].copy_from_slice(&[0xfd, a, b, c, d, e]);
    Ipv6Network::new(octets.into(), 48).expect("48 is a prefix length")
}

/// Whether two subnets share an address.
pub fn overlaps6(a: Ipv6Network, b: Ipv6Network) -> bool {
    let shorter = a.prefix().min(b.prefix());
    let common = u128::MAX.checked_shl(128 - u32::from(shorter)).unwrap_or(0);
    (a.ip().to_bits() ^ b.ip().to_bits()) & common == 0
}

/// The first /64 of a site that overlaps nothing occupied.
///
/// The default route and its two halves mean everything and occupy nothing.
///
/// # Errors
///
/// [`NoFreeSubnet6`] when there is none.
pub fn choose_subnet6(
    site: Ipv6Network,
    occupied: &[Ipv6Network],
) -> Result<Ipv6Network, NoFreeSubnet6> {
    let near = |other: &&Ipv6Network| other.prefix() > 1 && overlaps6(site, **other);
    let near: Vec<Ipv6Network> = occupied.iter().filter(near).copied().collect();
    (0..=u128::from(u16::MAX))
        .filter_map(|number| {
            let address = Ipv6Addr::from_bits(site.network().to_bits() | number << 64);
            Ipv6Network::new(address, 64).ok()
        })
        .find(|candidate| !near.iter().any(|other| overlaps6(*candidate, *other)))
        .ok_or(NoFreeSubnet6(site))
}

/// The address that the host takes on a subnet: the first that a host may have.
///
/// The very first stands for all routers of the subnet (RFC 4291, 2.6.1), except in a /127,
/// which has no such address (RFC 6164).
pub fn gateway_of6(subnet: Ipv6Network) -> Ipv6Addr {
    match subnet.prefix() {
        127.. => subnet.network(),
        _ => Ipv6Addr::from_bits(subnet.network().to_bits() | 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv6Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_site_is_forty_bits_behind_fd() {
        assert_eq!(
            unique_local([0x12, 0x34, 0x56, 0x78, 0x9a]),
            net("fd12:3456:789a::/48")
        );
    }

    #[test]
    fn the_first_free_subnet_of_the_site_is_chosen() {
        let site = net("fd12:3456:789a::/48");
        let choose = |occupied: &[&str]| {
            let occupied: Vec<_> = occupied.iter().map(|text| net(text)).collect();
            choose_subnet6(site, &occupied)
        };
        assert_eq!(choose(&[]), Ok(net("fd12:3456:789a::/64")));
        assert_eq!(
            choose(&["::/0", "8000::/1"]),
            Ok(net("fd12:3456:789a::/64"))
        );
        assert_eq!(
            choose(&[
                "fd12:3456:789a::5/128",
                "fd12:3456:789a:2::/63",
                "fd99::/16"
            ]),
            Ok(net("fd12:3456:789a:1::/64"))
        );
        assert_eq!(choose(&["fd00::/8"]), Err(NoFreeSubnet6(site)));
    }

    #[test]
    fn the_gateway_is_the_first_host() {
        for (subnet, gateway) in [
            ("fd00::/64", "fd00::1"),
            ("fd00::8/127", "fd00::8"),
            ("fd00::9/128", "fd00::9"),
        ] {
            assert_eq!(
                gateway_of6(net(subnet)),
                gateway.parse::<Ipv6Addr>().unwrap()
            );
        }
    }
}
