use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::netconf::{self, Family};
use minet_model::IfName;
use minet_nat::Change;
use minet_netns::sysctl;
use serde::{Deserialize, Serialize};
use std::{fs, io};

/// The host passes IPv6 packets on between interfaces; it did not before.
///
/// Two things hang on that switch. A host that passes packets on is a router, so what is not
/// minet's is dropped, before the switch is turned. And a router does not listen to other
/// routers: its own default route, if it learned it from an advertisement, would run out
/// (ip-sysctl.rst, `accept_ra`). So interfaces that listened are told to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnOnForwarding6 {
    /// The bridge of the network for which it is turned on.
    pub bridge: IfName,
    /// The interfaces that listen to router advertisements now, and are to go on.
    pub listeners: Vec<IfName>,
}

impl TurnOnForwarding6 {
    /// The switch of the whole host for IPv6.
    pub const KEY: &'static str = "net/ipv6/conf/all/forwarding";

    /// Whether the host passes packets on now.
    pub fn is_on() -> bool {
        netconf::forwards(Family::Ipv6).unwrap_or(false)
    }

    /// The interfaces that listen to router advertisements only as long as the host is none.
    pub fn listeners() -> Vec<IfName> {
        // `self` would be the process's first thread, which may be in another namespace.
        let known = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
        let names = known.lines().filter_map(|line| line.split_once(':'));
        names
            .filter_map(|(name, _)| name.trim().parse::<IfName>().ok())
            .filter(|name| *name != IfName::loopback())
            .filter(|name| sysctl::read(&accept_ra(name)).is_ok_and(|value| value == "1"))
            .collect()
    }

    /// Those of this instance's networks that were told to go on listening.
    fn remembered(machine: &Machine) -> Vec<IfName> {
        let mark = machine.paths().forwarding6_mark();
        let text = fs::read_to_string(mark).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

fn accept_ra(interface: &IfName) -> String {
    format!("net/ipv6/conf/{interface}/accept_ra")
}

/// Sets it where it is `from`; an interface may be gone by now.
fn change_accept_ra(interface: &IfName, from: &str, to: &str) -> Result<(), Error> {
    let key = accept_ra(interface);
    match sysctl::read(&key).is_ok_and(|value| value == from) {
        true => Ok(sysctl::write(&key, to)?),
        false => Ok(()),
    }
}

impl Act for TurnOnForwarding6 {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let mut listeners = Self::remembered(machine);
        listeners.extend(self.listeners.iter().cloned());
        listeners.sort();
        listeners.dedup();
        let lines: String = listeners.iter().map(|name| format!("{name}\n")).collect();
        let mark = machine.paths().forwarding6_mark();
        fs::write(&mark, lines).map_err(Error::file("write", &mark))?;
        machine.firewall()?.apply(&[Change::CloseTransit6])?;
        for name in &self.listeners {
            change_accept_ra(name, "1", "2")?;
        }
        Ok(sysctl::write(Self::KEY, "1")?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // While another network with IPv6 stands, forwarding is still wanted.
        let mut networks = machine.firewall()?.networks6()?.into_iter();
        if networks.any(|bridge| bridge != self.bridge) {
            return Ok(());
        }
        sysctl::write(Self::KEY, "0")?;
        for name in Self::remembered(machine).iter().chain(&self.listeners) {
            change_accept_ra(name, "2", "1")?;
        }
        machine.firewall()?.apply(&[Change::OpenTransit6])?;
        let mark = machine.paths().forwarding6_mark();
        match fs::remove_file(&mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(Error::file("remove", &mark)),
        }
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::expect(Self::is_on(), || {
            "IPv6 forwarding is off".into()
        }))
    }

    fn explain(&self) -> Explanation {
        let set = |name: &IfName, value: &str| format!("sysctl -qw {}={value}", accept_ra(name));
        let mut up = vec!["nft 'add element inet minet closed { ipv6 }'".to_owned()];
        up.extend(self.listeners.iter().map(|name| set(name, "2")));
        up.push(format!("sysctl -qw {}=1", Self::KEY));
        let mut down = vec![format!("sysctl -qw {}=0", Self::KEY)];
        down.extend(self.listeners.iter().map(|name| set(name, "1")));
        down.push("nft 'delete element inet minet closed { ipv6 }'".to_owned());
        Explanation {
            what: "turn on IPv6 forwarding".into(),
            why: "A container's packets pass through the host like through a router; what is not minet's is dropped, and interfaces that learn their own routes from router advertisements go on doing so.".into(),
            up,
            down,
        }
    }
}
