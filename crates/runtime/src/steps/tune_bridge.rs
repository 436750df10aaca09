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
}

impl TuneBridge {
    /// What is set, to what.
    ///
    /// `route_localnet` lets the host's own packets to 127.0.0.1:PORT be turned around to
    /// a container; the guard chain, which stands already, keeps everybody else's out.
    /// IPv6 is off on an IPv4 network, so that no container can advertise itself as a
    /// router to the host (CVE-2020-10749).
    fn settings(&self) -> [(String, &'static str); 4] {
        let bridge = &self.bridge;
        [
            (format!("net/ipv4/conf/{bridge}/route_localnet"), "1"),
            (format!("net/ipv4/conf/{bridge}/send_redirects"), "0"),
            (format!("net/ipv4/conf/{bridge}/accept_redirects"), "0"),
            (format!("net/ipv6/conf/{bridge}/disable_ipv6"), "1"),
        ]
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
            down: Vec::new(),
        }
    }
}
