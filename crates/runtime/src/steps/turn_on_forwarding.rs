use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::IfName;
use minet_netns::sysctl;
use serde::{Deserialize, Serialize};
use std::{fs, io};

/// The host passes packets on between interfaces; it was off before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnOnForwarding {
    /// The bridge of the network for which it is turned on.
    pub bridge: IfName,
}

impl TurnOnForwarding {
    /// The switch of the whole host for IPv4.
    pub const KEY: &'static str = "net/ipv4/ip_forward";

    /// Whether the host passes packets on now.
    pub fn is_on() -> bool {
        sysctl::read(Self::KEY).is_ok_and(|value| value == "1")
    }
}

impl Act for TurnOnForwarding {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let mark = machine.paths().forwarding_mark();
        fs::write(&mark, "").map_err(Error::file("write", &mark))?;
        Ok(sysctl::write(Self::KEY, "1")?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // While another network stands, forwarding is still wanted. With the last one the
        // table goes, which drops what is not ours, and forwarding must not outlive it.
        let mut networks = machine.firewall()?.networks()?.into_iter();
        if networks.all(|bridge| bridge == self.bridge) {
            sysctl::write(Self::KEY, "0")?;
            let mark = machine.paths().forwarding_mark();
            match fs::remove_file(&mark) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(Error::file("remove", &mark))?,
            }
        }
        Ok(())
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::expect(Self::is_on(), || {
            "IPv4 forwarding is off".into()
        }))
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: "turn on IPv4 forwarding".into(),
            why: "A container's packets pass through the host like through a router; what is not minet's is still dropped by its table, so the host does not become a router for others.".into(),
            up: vec!["sysctl -qw net/ipv4/ip_forward=1".into()],
            down: vec!["sysctl -qw net/ipv4/ip_forward=0".into()],
        }
    }
}
