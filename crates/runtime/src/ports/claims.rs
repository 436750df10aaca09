//! Which published port comes from which `-p`.
//!
//! What was typed and what came of it are stored apart. Asked afterwards, a `-p` with a
//! host port is entitled to that port, and one without to what is left.

use minet_model::{HostPorts, PublishSpec, PublishedPort};

/// One container port of a `-p`, and the published ports that it came to.
struct Claim {
    spec: PublishSpec,
    host: HostPorts,
    ports: Vec<PublishedPort>,
}

/// The ports that nobody asked for by number: minet has chosen them.
pub(crate) fn chosen(specs: &[PublishSpec], ports: &[PublishedPort]) -> Vec<PublishedPort> {
    claims(specs, ports)
        .into_iter()
        .filter(|claim| claim.host == HostPorts::Ephemeral)
        .flat_map(|claim| claim.ports)
        .collect()
}

/// What is to be asked for from now on, so that it comes to the same `ports` but for those
/// that are `gone`. What nothing has gone of stays as it was typed.
pub(crate) fn without(
    specs: &[PublishSpec],
    ports: &[PublishedPort],
    gone: &[PublishedPort],
) -> Vec<PublishSpec> {
    let is_gone = |port: &PublishedPort| gone.contains(port);
    let claims = claims(specs, ports);
    let mut left = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let before: usize = specs[..index].iter().map(|spec| spec.entries().len()).sum();
        let own = &claims[before..before + spec.entries().len()];
        if !own.iter().flat_map(|claim| &claim.ports).any(is_gone) {
            left.push(spec.clone());
            continue;
        }
        for claim in own {
            left.extend(claim.without(gone));
        }
    }
    left
}

impl Claim {
    /// All of it, some of its addresses, or nothing.
    fn without(&self, gone: &[PublishedPort]) -> Vec<PublishSpec> {
        let is_gone = |port: &&PublishedPort| gone.contains(port);
        match self.ports.iter().filter(is_gone).count() {
            0 => vec![self.spec.clone()],
            count if count == self.ports.len() => Vec::new(),
            _ => {
                let stays = self.ports.iter().filter(|port| !is_gone(port));
                stays
                    .map(|port| {
                        let mut spec = self.spec.clone();
                        spec.host_ip = Some(port.host_ip);
                        spec
                    })
                    .collect()
            }
        }
    }
}

/// One claim for each entry of each spec, in their order.
fn claims(specs: &[PublishSpec], ports: &[PublishedPort]) -> Vec<Claim> {
    let mut claims: Vec<(Claim, u16)> = specs
        .iter()
        .flat_map(|spec| {
            spec.entries().into_iter().map(|(host, container_port)| {
                let claim = Claim {
                    spec: spec.entry(host, container_port),
                    host,
                    ports: Vec::new(),
                };
                (claim, container_port)
            })
        })
        .collect();
    let mut free: Vec<PublishedPort> = ports.to_vec();
    let mut take = |claim: &mut Claim, container_port: u16| {
        let fits = |port: &PublishedPort| {
            port.protocol == claim.spec.protocol
                && port.container_port == container_port
                && claim.spec.host_ip.is_none_or(|ip| ip == port.host_ip)
                && match claim.host {
                    HostPorts::Ephemeral => true,
                    HostPorts::FirstFreeOf(range) => {
                        range.iter().any(|number| number == port.host_port)
                    }
                }
        };
        let Some(number) = free
            .iter()
            .find(|port| fits(port))
            .map(|port| port.host_port)
        else {
            // The same `-p` twice is held once: what becomes of the port becomes of both.
            if matches!(claim.host, HostPorts::FirstFreeOf(range) if range.count() == 1) {
                claim.ports = ports.iter().filter(|port| fits(port)).copied().collect();
            }
            return;
        };
        // One number, on each of its addresses.
        let (own, others) = free
            .iter()
            .partition(|port| fits(port) && port.host_port == number);
        claim.ports = own;
        free = others;
    };
    for asked_for in [true, false] {
        for (claim, container_port) in &mut claims {
            if (claim.host != HostPorts::Ephemeral) == asked_for {
                take(claim, *container_port);
            }
        }
    }
    claims.into_iter().map(|(claim, _)| claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[&str]) -> Vec<PublishSpec> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// `0.0.0.0:8080->80`, all of TCP.
    fn ports(texts: &[&str]) -> Vec<PublishedPort> {
        let port = |text: &&str| {
            let (host, container_port) = text.split_once("->").unwrap();
            let host: std::net::SocketAddr = host.parse().unwrap();
            PublishedPort {
                protocol: minet_model::Protocol::Tcp,
                container_port: container_port.parse().unwrap(),
                host_ip: host.ip(),
                host_port: host.port(),
            }
        };
        texts.iter().map(port).collect()
    }

    #[track_caller]
    fn left(typed: &[&str], published: &[&str], gone: &[&str]) -> Vec<String> {
        without(&specs(typed), &ports(published), &ports(gone))
            .iter()
            .map(PublishSpec::to_string)
            .collect()
    }

    #[test]
    fn what_nothing_has_gone_of_stays_as_it_was_typed() {
        let typed = ["8000-8002:80-82", "9000-9010:90"];
        let published = [
            "0.0.0.0:8000->80",
            "0.0.0.0:8001->81",
            "0.0.0.0:8002->82",
            "0.0.0.0:9001->90",
        ];
        assert_eq!(
            left(&typed, &published, &published[1..2]),
            ["8000:80/tcp", "8002:82/tcp", "9000-9010:90/tcp"]
        );
        assert_eq!(
            left(&typed, &published, &published[3..]),
            ["8000-8002:80-82/tcp"]
        );
    }

    #[test]
    fn one_of_two_addresses_may_go() {
        let published = ["0.0.0.0:8080->80", "[::]:8080->80"];
        assert_eq!(
            left(&["8080:80"], &published, &published[..1]),
            ["[::]:8080:80/tcp"]
        );
        assert_eq!(left(&["8080:80"], &published, &published), [""; 0]);
    }

    #[test]
    fn a_port_belongs_to_whoever_named_it() {
        let typed = ["80", "8080:80"];
        let published = ["0.0.0.0:8080->80", "0.0.0.0:40000->80"];
        assert_eq!(
            chosen(&specs(&typed), &ports(&published)),
            ports(&published[1..])
        );
        assert_eq!(left(&typed, &published, &published[1..]), ["8080:80/tcp"]);
        assert_eq!(left(&typed, &published, &published[..1]), ["80/tcp"]);
        let two = ["0.0.0.0:40000->80", "0.0.0.0:40001->80"];
        assert_eq!(left(&["80", "80"], &two, &two[..1]), ["80/tcp"]);
    }

    #[test]
    fn what_was_asked_for_twice_goes_as_a_whole() {
        let published = ["0.0.0.0:8080->80", "[::]:8080->80"];
        let twice = ["8080:80", "8080:80", "0.0.0.0:8080:80"];
        assert_eq!(left(&twice, &published, &published), [""; 0]);
        assert_eq!(
            left(&twice, &published, &published[..1]),
            ["[::]:8080:80/tcp", "[::]:8080:80/tcp"]
        );
        let range = ["0.0.0.0:8000->80", "0.0.0.0:8001->81"];
        assert_eq!(
            left(&["8000-8001:80-81", "8001:81"], &range, &range[1..]),
            ["8000:80/tcp"]
        );
        assert_eq!(
            left(&["8000-8009:80", "8000:80"], &range[..1], &range[..1]),
            [""; 0]
        );
    }

    #[test]
    fn nobody_claims_what_nobody_asked_for() {
        assert_eq!(chosen(&specs(&["81"]), &ports(&["0.0.0.0:1->80"])), []);
        assert_eq!(left(&["81"], &[], &["0.0.0.0:1->80"]), ["81/tcp"]);
    }
}
