use ipnetwork::Ipv4Network;
use std::{fmt, net::Ipv4Addr};

/// Every candidate overlaps something that this machine can already reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no free subnet: every candidate overlaps an address or a route of this host: {}",
    Short(.overlapping)
)]
pub struct NoFreeSubnet {
    /// What is in the way, each once, in the order in which it was met.
    pub overlapping: Vec<Ipv4Network>,
}

/// The first few of a list that may be long.
struct Short<'a>(&'a [Ipv4Network]);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (position, subnet) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{subnet}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The subnets that networks are given by themselves: those of Docker.
///
/// `172.17.0.0/16` to `172.31.0.0/16` (the private block of RFC 1918 without its first
/// sixteenth, which cloud providers like), then `192.168.0.0/20` to `192.168.240.0/20`.
/// `10.0.0.0/8` is left to companies and their VPNs.
pub fn default_pools() -> impl Iterator<Item = Ipv4Network> {
    let sixteens = (17..=31).map(|second| (Ipv4Addr::new(172, second, 0, 0), 16));
    let twenties = (0..=240)
        .step_by(16)
        .map(|third| (Ipv4Addr::new(192, 168, third, 0), 20));
    sixteens
        .chain(twenties)
        .filter_map(|(address, prefix)| Ipv4Network::new(address, prefix).ok())
}

/// Whether two subnets share an address. As subnets are powers of two at multiples of
/// their size, one then contains the other.
pub fn overlaps(a: Ipv4Network, b: Ipv4Network) -> bool {
    let shorter = a.prefix().min(b.prefix());
    let common = u32::MAX.checked_shl(32 - u32::from(shorter)).unwrap_or(0);
    (a.ip().to_bits() ^ b.ip().to_bits()) & common == 0
}

/// The first of the candidates that overlaps nothing occupied.
///
/// A default route, `0.0.0.0/0`, means everything and occupies nothing. So do its halves
/// `0.0.0.0/1` and `128.0.0.0/1`, by which VPNs overrule it.
///
/// # Errors
///
/// [`NoFreeSubnet`] names what is in the way.
pub fn choose_subnet(
    pools: impl IntoIterator<Item = Ipv4Network>,
    occupied: &[Ipv4Network],
) -> Result<Ipv4Network, NoFreeSubnet> {
    let mut overlapping = Vec::new();
    for pool in pools {
        let obstacle = occupied
            .iter()
            .filter(|other| other.prefix() > 1)
            .find(|other| overlaps(pool, **other));
        match obstacle {
            None => return Ok(pool),
            Some(other) if overlapping.contains(other) => {}
            Some(other) => overlapping.push(*other),
        }
    }
    Err(NoFreeSubnet { overlapping })
}

/// The address that the host takes on a subnet: the first that a host may have.
///
/// Of a /31 that is its lower address (RFC 3021: no network or broadcast address), of a
/// /32 the only one, which leaves none for a container.
pub fn gateway_of(subnet: Ipv4Network) -> Ipv4Addr {
    if subnet.prefix() >= 31 {
        subnet.network()
    } else {
        Ipv4Addr::from_bits(subnet.network().to_bits() | 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Network {
        text.parse().unwrap()
    }

    #[test]
    fn the_pools_are_dockers() {
        let pools: Vec<_> = default_pools().collect();
        assert_eq!(pools.len(), 15 + 16);
        assert_eq!(pools[0], net("172.17.0.0/16"));
        assert_eq!(pools[14], net("172.31.0.0/16"));
        assert_eq!(pools[15], net("192.168.0.0/20"));
        assert_eq!(pools[30], net("192.168.240.0/20"));
        for (position, pool) in pools.iter().enumerate() {
            assert!(
                pools[..position]
                    .iter()
                    .all(|other| !overlaps(*pool, *other))
            );
        }
    }

    #[test]
    fn subnets_overlap_when_one_contains_the_other() {
        for (a, b, expected) in [
            ("172.17.0.0/16", "172.17.0.0/16", true),
            ("172.17.0.0/16", "172.17.9.0/24", true),
            ("172.16.0.0/12", "172.17.0.0/16", true),
            ("172.17.0.0/16", "172.18.0.0/16", false),
            ("10.0.0.0/31", "10.0.0.2/31", false),
            ("10.0.0.1/32", "10.0.0.1/32", true),
            ("0.0.0.0/0", "10.0.0.1/32", true),
            ("0.0.0.0/1", "128.0.0.0/1", false),
            ("172.17.0.1/16", "172.17.9.9/24", true),
        ] {
            assert_eq!(overlaps(net(a), net(b)), expected, "{a} {b}");
            assert_eq!(overlaps(net(b), net(a)), expected, "{b} {a}");
        }
    }

    #[test]
    fn the_first_free_candidate_is_chosen() {
        let choose = |occupied: &[&str]| {
            let occupied: Vec<_> = occupied.iter().map(|text| net(text)).collect();
            choose_subnet(default_pools(), &occupied)
        };
        assert_eq!(choose(&[]), Ok(net("172.17.0.0/16")));
        assert_eq!(choose(&["172.17.3.4/32"]), Ok(net("172.18.0.0/16")));
        assert_eq!(choose(&["172.16.0.0/12"]), Ok(net("192.168.0.0/20")));
        assert_eq!(
            choose(&["172.16.0.0/12", "192.168.1.0/24"]),
            Ok(net("192.168.16.0/20"))
        );
        assert_eq!(
            choose(&["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"]),
            Ok(net("172.17.0.0/16"))
        );
    }

    #[test]
    fn what_is_in_the_way_is_named_once_and_briefly() {
        let error = choose_subnet(
            default_pools(),
            &[net("172.16.0.0/12"), net("192.168.0.0/16")],
        )
        .unwrap_err();
        assert_eq!(
            error.overlapping,
            [net("172.16.0.0/12"), net("192.168.0.0/16")]
        );
        let occupied: Vec<_> = default_pools().collect();
        let error = choose_subnet(default_pools(), &occupied).unwrap_err();
        assert!(error.to_string().ends_with("172.21.0.0/16 and 26 more"));
    }

    #[test]
    fn the_gateway_is_the_first_host() {
        for (subnet, gateway) in [
            ("172.17.0.0/16", "172.17.0.1"),
            ("10.0.0.8/29", "10.0.0.9"),
            ("10.0.0.2/31", "10.0.0.2"),
            ("10.0.0.7/32", "10.0.0.7"),
        ] {
            assert_eq!(
                gateway_of(net(subnet)),
                gateway.parse::<Ipv4Addr>().unwrap()
            );
        }
    }
}
