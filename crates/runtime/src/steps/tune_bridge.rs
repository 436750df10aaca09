use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{IfName, Neighbours};
use minet_netns::sysctl;
use serde::{Deserialize, Serialize};

/// The bridge's kernel parameters (Linux Documentation/networking/ip-sysctl.rst).
///
/// They belong to the interface and go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuneBridge {
    /// The bridge.
    pub bridge: IfName,
    /// Who made it.
    pub whose: Whose,
    /// Whether its network has IPv6.
    #[serde(default)]
    pub ipv6: bool,
    /// Whether its containers may talk to each other.
    #[serde(default)]
    pub neighbours: Neighbours,
}

/// Whose property a bridge is, and therefore how much of it may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// minet made it.
    Ours,
    /// It was there before; only what publishing needs is changed, and changed back.
    SomebodyElses,
}

impl TuneBridge {
    /// What is set, to what.
    ///
    /// `route_localnet` lets the host's own packets to 127.0.0.1:PORT be turned around to
    /// a container; the guard chain, which stands already, keeps everybody else's out.
    /// Whoever asks the bridge for the address of another of the host's interfaces gets no
    /// answer, whatever new interfaces do by default (`net.ipv4.conf.default`).
    /// IPv6 is off on an IPv4 network, and where it is on, no container can advertise itself
    /// as a router to the host (CVE-2020-10749).
    fn settings(&self) -> Vec<(String, &'static str)> {
        let bridge = &self.bridge;
        let mut settings = self.needed();
        if self.whose == Whose::SomebodyElses {
            return settings;
        }
        settings.extend([
            (format!("net/ipv4/conf/{bridge}/send_redirects"), "0"),
            (format!("net/ipv4/conf/{bridge}/accept_redirects"), "0"),
            (format!("net/ipv4/conf/{bridge}/accept_source_route"), "0"),
            (format!("net/ipv4/conf/{bridge}/proxy_arp"), "0"),
            (format!("net/ipv4/conf/{bridge}/arp_ignore"), "1"),
        ]);
        let ipv6: &[(&str, &'static str)] = match self.ipv6 {
            true => &[
                ("accept_ra", "0"),
                ("accept_redirects", "0"),
                ("accept_dad", "0"),
                ("disable_ipv6", "0"),
            ],
            false => &[("disable_ipv6", "1")],
        };
        let below =
            |(key, value): &(&str, &'static str)| (format!("net/ipv6/conf/{bridge}/{key}"), *value);
        settings.extend(ipv6.iter().map(below));
        settings
    }

    /// What is set on a bridge of somebody else's, too.
    ///
    /// Where neighbours do not meet on the bridge, their requests for each other's address
    /// are answered by the host (`proxy_arp_pvlan`, RFC 3069; `proxy_ndp`, for the addresses of
    /// [`super::AnswerFor`]), and at once: so what a link allows is routed, and passes the table.
    fn needed(&self) -> Vec<(String, &'static str)> {
        let bridge = &self.bridge;
        let mut settings = vec![(self.route_localnet(), "1")];
        match self.neighbours {
            // Its neighbours meet on the bridge, and answer for themselves.
            Neighbours::Talk if self.whose == Whose::Ours => {
                settings.push((format!("net/ipv4/conf/{bridge}/proxy_arp_pvlan"), "0"))
            }
            Neighbours::Talk => {}
            Neighbours::Apart | Neighbours::Linked => settings.extend([
                (format!("net/ipv4/neigh/{bridge}/proxy_delay"), "0"),
                (format!("net/ipv4/conf/{bridge}/proxy_arp_pvlan"), "1"),
            ]),
        }
        match self.neighbours {
            _ if !self.ipv6 => {}
            Neighbours::Talk if self.whose == Whose::Ours => {
                settings.push((format!("net/ipv6/conf/{bridge}/proxy_ndp"), "0"))
            }
            Neighbours::Talk => {}
            Neighbours::Apart | Neighbours::Linked => settings.extend([
                (format!("net/ipv6/neigh/{bridge}/proxy_delay"), "0"),
                (format!("net/ipv6/conf/{bridge}/proxy_ndp"), "1"),
            ]),
        }
        settings
    }
}

impl TuneBridge {
    fn route_localnet(&self) -> String {
        format!("net/ipv4/conf/{}/route_localnet", self.bridge)
    }
}

/// A kernel without IPv6 has no such keys, and needs none.
fn exists(key: &str) -> bool {
    sysctl::read(key).is_ok()
}

impl Act for TuneBridge {
    fn apply(&self, _machine: &mut Machine) -> Result<(), Error> {
        for (key, value) in self.settings() {
            if exists(&key) {
                sysctl::write(&key, value)?;
            }
        }
        Ok(())
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        // The settings of our own bridge go with it.
        if self.whose == Whose::SomebodyElses {
            for (key, _) in self.needed() {
                let default = if key.ends_with("proxy_delay") {
                    "80"
                } else {
                    "0"
                };
                if exists(&key) {
                    sysctl::write(&key, default)?;
                }
            }
        }
        Ok(())
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        for (key, value) in self.settings() {
            let found = sysctl::read(&key).unwrap_or_default();
            if exists(&key) && found != value {
                return Ok(Finding::Differs(format!("{key} is {found}, not {value}")));
            }
        }
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: format!("tune {}", self.bridge),
            why: "127.0.0.1:PORT of the host can lead to a container only if the kernel may route loopback addresses on this bridge; the guard chain, which stands already, drops everybody else's.".into(),
            up: self.settings().iter().map(|(key, value)| format!("sysctl -qw {key}={value}")).collect(),
            down: match self.whose {
                Whose::Ours => Vec::new(),
                Whose::SomebodyElses => self
                    .needed()
                    .iter()
                    .map(|(key, _)| match key.ends_with("proxy_delay") {
                        true => format!("sysctl -qw {key}=80"),
                        false => format!("sysctl -qw {key}=0"),
                    })
                    .collect(),
            },
        }
    }
}
