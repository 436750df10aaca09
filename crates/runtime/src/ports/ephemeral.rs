//! Which ports the host gives away when nobody asks for a certain one.

use std::{fs, ops::RangeInclusive};

/// Docker's range where the kernel does not tell one: IANA's dynamic ports (RFC 6335).
const FALLBACK: RangeInclusive<u16> = 49153..=65535;

/// A walk through the ephemeral ports that begins at a random one.
///
/// Next-fit: each port is offered once, so the next container port goes on where the
/// last one stopped. A random start keeps two runs at once, or one run right after
/// another, from fighting for the same number.
#[derive(Debug)]
pub(super) struct EphemeralPorts {
    ports: Vec<u16>,
    next: usize,
    left: usize,
}

impl EphemeralPorts {
    /// The ports of `net.ipv4.ip_local_port_range` but for `ip_local_reserved_ports`, which
    /// an administrator keeps for others. Both are of the caller's network namespace.
    pub(super) fn of_this_host() -> Self {
        let read = |name| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
        let range = read("ip_local_port_range");
        let reserved = read("ip_local_reserved_ports").unwrap_or_default();
        let ports = ports(range.as_deref(), &reserved);
        // Without randomness any start will do.
        let start = getrandom::u32().unwrap_or(0) as usize;
        EphemeralPorts::starting_at(start, ports)
    }

    fn starting_at(start: usize, ports: Vec<u16>) -> Self {
        EphemeralPorts {
            next: start % ports.len().max(1),
            left: ports.len(),
            ports,
        }
    }
}

impl Iterator for EphemeralPorts {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.left = self.left.checked_sub(1)?;
        let port = self.ports[self.next];
        self.next = (self.next + 1) % self.ports.len();
        Some(port)
    }
}

/// `32768 60999` without `8080,9148-9150` (kernel documentation, networking/ip-sysctl).
fn ports(range: Option<&str>, reserved: &str) -> Vec<u16> {
    let range = range.and_then(parse_range).unwrap_or(FALLBACK);
    let reserved: Vec<_> = reserved
        .trim()
        .split(',')
        .filter_map(parse_reserved)
        .collect();
    range
        .filter(|port| *port > 0 && !reserved.iter().any(|r| r.contains(port)))
        .collect()
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (first <= last).then_some(first..=last)
}

fn parse_reserved(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_are_left_out() {
        assert_eq!(
            ports(Some("10\t20\n"), "12,14-17,99\n"),
            [10, 11, 13, 18, 19, 20]
        );
        assert_eq!(ports(Some("10 12"), "\n"), [10, 11, 12]);
        assert_eq!(ports(Some("65534 65535"), ""), [65534, 65535]);
        for nonsense in [None, Some(""), Some("20 10"), Some("x y"), Some("1")] {
            assert_eq!(ports(nonsense, "").len(), 65535 - 49153 + 1);
        }
    }

    #[test]
    fn each_port_is_offered_once_wherever_it_begins() {
        for start in [0, 1, 2, 3, 1000] {
            let mut all: Vec<_> = EphemeralPorts::starting_at(start, vec![5, 6, 7]).collect();
            assert_eq!(all[0], [5, 6, 7][start % 3]);
            all.sort_unstable();
            assert_eq!(all, [5, 6, 7]);
        }
        assert_eq!(EphemeralPorts::starting_at(7, vec![]).next(), None);
    }
}
