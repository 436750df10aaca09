use crate::{
    Error,
    machine::{Inside, Machine},
    step::{Act, Explanation, Finding},
};
use minet_bridge::{
    cable::{self, Cable, Isolation},
    link,
};
use minet_model::{ContainerName, IfName, InstanceTag, MacAddr, Neighbours};
use serde::{Deserialize, Serialize};
use std::os::fd::AsFd;

/// A veth pair: what goes in at one end comes out at the other.
///
/// Born in place by one message: the host end on the bridge and up, the other end inside
/// the namespace under its final name. Nothing is moved or renamed afterwards, so there
/// is no moment at which half a cable is visible to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayCable {
    /// The container, for the explanation and the alias.
    pub name: ContainerName,
    /// The end on the bridge.
    pub host_end: IfName,
    /// The end inside, `eth0`.
    pub container_end: IfName,
    /// The MAC of the end inside.
    pub mac: MacAddr,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// The switch.
    pub bridge: IfName,
    /// Whether it may talk to the others on the switch.
    pub neighbours: Neighbours,
    /// Which instance's it is, where that is not the usual one.
    #[serde(default)]
    pub instance: Option<InstanceTag>,
}

/// With this, and the container's name, a cable's alias begins.
const OWNER: &str = "minet container ";

impl LayCable {
    /// Tells whoever looks at the host's interfaces what this one is.
    fn alias(&self) -> String {
        let words = format!("{OWNER}{} {}", self.name, self.container_end);
        InstanceTag::label(self.instance.as_ref(), &words)
    }

    /// The container of the cable that bears this alias, if it is this instance's.
    pub(crate) fn whose<'a>(instance: Option<&InstanceTag>, alias: &'a str) -> Option<&'a str> {
        let words = InstanceTag::words_of(instance, alias)?;
        words.strip_prefix(OWNER)?.split(' ').next()
    }

    fn cable(&self) -> Cable {
        Cable {
            host_end: self.host_end.clone(),
            container_end: self.container_end.clone(),
            mac: self.mac,
            mtu: self.mtu,
            bridge: self.bridge.clone(),
            isolation: match self.neighbours {
                Neighbours::Talk => Isolation::Open,
                Neighbours::Apart | Neighbours::Linked => Isolation::Isolated,
            },
            alias: self.alias(),
        }
    }
}

impl Act for LayCable {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let (rtnl, netns) = machine.host_and_inside()?;
        Ok(cable::lay(rtnl, &self.cable(), netns.as_fd())?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // Both ends go with the namespace, in the background; cutting the cable by hand
        // would make the user wait for it. Until then nobody may speak through it.
        if matches!(machine.inside(), Inside::Dying) {
            cable::switch_off(machine.rtnl()?, &self.host_end)?;
            return Ok(());
        }
        cable::cut(machine.rtnl()?, &self.host_end)?;
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let LayCable {
            host_end, bridge, ..
        } = self;
        let switch = link::find(machine.rtnl()?, bridge)?.map(|link| link.index);
        Ok(match link::find(machine.rtnl()?, host_end)? {
            None => Finding::Differs(format!("interface {host_end} is missing")),
            Some(link) if !link.up => Finding::Differs(format!("interface {host_end} is down")),
            Some(link) => Finding::expect(link.master.is_some() && link.master == switch, || {
                format!("interface {host_end} is not on {bridge}")
            }),
        })
    }

    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        // A cable that was pulled is plugged in again; one that was cut is laid anew.
        match link::find(machine.rtnl()?, &self.host_end)? {
            Some(_) => Ok(cable::plug(machine.rtnl()?, &self.cable())?),
            None => self.apply(machine),
        }
    }

    fn explain(&self) -> Explanation {
        let LayCable {
            name,
            host_end,
            container_end,
            mac,
            mtu,
            bridge,
            neighbours,
            instance: _,
        } = self;
        let host_mac = cable::host_mac(*mac);
        let isolated = match neighbours {
            Neighbours::Talk => "",
            Neighbours::Apart | Neighbours::Linked => " isolated on",
        };
        Explanation {
            what: format!("lay a cable from {bridge} to {container_end} of {name}"),
            why: "A veth pair is a patch cable: one end is plugged into the bridge, the other is the container's network card.".into(),
            up: vec![
                format!("ip link add name {host_end} address {host_mac} mtu {mtu} master {bridge} type veth peer name {container_end} address {mac} mtu {mtu} netns {name}"),
                format!("ip link set dev {host_end} alias '{}'", self.alias()),
                format!("ip link set dev {host_end} type bridge_slave hairpin on{isolated}"),
                format!("ip link set dev {host_end} addrgenmode none"),
                format!("ip link set dev {host_end} up"),
            ],
            down: vec![format!("ip link del dev {host_end}")],
        }
    }
}
