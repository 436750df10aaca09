use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::IfName;
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
    /// IPv6 is off on an IPv4 network, so that no container can advertise itself as a
    /// router to the host (CVE-2020-10749).
    fn settings(&self) -> Vec<(String, &'static str)> {
        let bridge = &self.bridge;
        let needed = (self.route_localnet(), "1");
        if self.whose == Whose::SomebodyElses {
            return vec![needed];
        }
        vec![
            needed,
            (format!("net/ipv4/conf/{bridge}/send_redirects"), "0"),
            (format!("net/ipv4/conf/{bridge}/accept_redirects"), "0"),
            (format!("net/ipv6/conf/{bridge}/disable_ipv6"), "1"),
        ]
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
        let key = self.route_localnet();
        if self.whose == Whose::SomebodyElses && exists(&key) {
            sysctl::write(&key, "0")?;
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
                Whose::SomebodyElses => vec![format!("sysctl -qw {}=0", self.route_localnet())],
            },
        }
    }
}
