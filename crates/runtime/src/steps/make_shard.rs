use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::{
    Cause, Removed,
    cable::Isolation,
    link,
    switch::{self, SwitchSpec},
    trunk::{self, End, Trunk},
};
use minet_model::{BridgeNetwork, MacAddr, Neighbours};
use serde::{Deserialize, Serialize};

/// A further bridge of a network, joined to the first by a trunk: more ports, and the same
/// network.
///
/// The host is not plugged into it: it has no address there, answers no ARP, and what comes
/// to it that way is dropped (the table's chain `input`). So everything that is routed
/// passes the first bridge, whose rules judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeShard {
    /// The network that it is a bridge of.
    pub network: BridgeNetwork,
    /// Which one: 1 is the first beside the network's own.
    pub number: u16,
}

impl MakeShard {
    /// Beside those of containers (`02:42` and `fe:42`), and others for each bridge.
    fn mac(&self, first: u8) -> MacAddr {
        let [a, b, c, d] = self.network.gateway.octets();
        let number = u8::try_from(self.number).unwrap_or(u8::MAX);
        MacAddr::from_bytes([first, number, a, b, c, d])
            .expect("the first byte is even and not zero, so it is unicast")
    }

    fn alias(&self) -> String {
        self.network.label()
    }

    fn switch(&self) -> SwitchSpec {
        SwitchSpec {
            name: self.network.shard(self.number),
            mac: self.mac(0xee),
            mtu: self.network.mtu,
            alias: self.alias(),
            address: None,
        }
    }

    fn trunk(&self) -> Trunk {
        let [near, far] = self.network.trunk(self.number);
        Trunk {
            near: End {
                name: near,
                mac: self.mac(0xea),
                bridge: self.network.bridge.clone(),
            },
            far: End {
                name: far,
                mac: self.mac(0xe6),
                bridge: self.network.shard(self.number),
            },
            mtu: self.network.mtu,
            isolation: match self.network.asked.neighbours {
                Neighbours::Talk => Isolation::Open,
                Neighbours::Apart | Neighbours::Linked => Isolation::Isolated,
            },
            alias: self.alias(),
        }
    }
}

impl MakeShard {
    /// The commands that give it the network's MTU and isolation.
    pub(crate) fn settings(&self) -> Vec<String> {
        let Trunk {
            near,
            far,
            mtu,
            isolation,
            ..
        } = self.trunk();
        let isolated = match isolation {
            Isolation::Open => "off",
            Isolation::Isolated => "on",
        };
        let mtu = |name| format!("ip link set dev {name} mtu {mtu}");
        vec![
            mtu(&far.bridge),
            mtu(&near.name),
            mtu(&far.name),
            format!(
                "ip link set dev {} type bridge_slave isolated {isolated}",
                near.name
            ),
        ]
    }
}

impl Act for MakeShard {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        switch::create(machine.rtnl()?, &self.switch())?;
        trunk::lay(machine.rtnl()?, &self.trunk())?;
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        let rtnl = machine.rtnl()?;
        let cut = trunk::cut(rtnl, &self.trunk());
        for gone in [cut, switch::remove(rtnl, &self.switch())] {
            match gone {
                Ok(Removed::Now | Removed::AlreadyGone) => {}
                // Somebody else's under this name is not ours to remove.
                Err(error)
                    if matches!(
                        error.cause(),
                        Cause::NotOurs { .. } | Cause::NotABridge { .. }
                    ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let rtnl = machine.rtnl()?;
        let shard = self.network.shard(self.number);
        let trunk = self.trunk();
        let found = match link::find(rtnl, &shard)? {
            None => return Ok(Finding::Differs(format!("bridge {shard} is missing"))),
            Some(link) if !link.up => {
                return Ok(Finding::Differs(format!("bridge {shard} is down")));
            }
            Some(link) => link,
        };
        let first = link::find(rtnl, &trunk.near.bridge)?;
        for (end, bridge) in [
            (&trunk.near, first.map(|link| link.index)),
            (&trunk.far, Some(found.index)),
        ] {
            let link = link::find(rtnl, &end.name)?;
            let plugged = |link: &link::Link| link.up && link.master == bridge;
            if !link.as_ref().is_some_and(plugged) {
                let (name, bridge) = (&end.name, &end.bridge);
                return Ok(Finding::Differs(format!(
                    "the trunk's end {name} is not on {bridge}"
                )));
            }
        }
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let SwitchSpec {
            name: shard,
            mac,
            mtu,
            alias,
            ..
        } = self.switch();
        let Trunk {
            near,
            far,
            isolation,
            ..
        } = self.trunk();
        let isolated = match isolation {
            Isolation::Open => "off",
            Isolation::Isolated => "on",
        };
        let bridge = &self.network.bridge;
        Explanation {
            what: format!("make {shard} a further bridge of {bridge}"),
            why: "A Linux bridge has 1023 ports. A second switch and a cable between the two are one network all the same; the host is plugged into the first alone.".into(),
            up: vec![
                format!("ip link add name {shard} address {mac} type bridge stp_state 0"),
                format!("ip link set dev {shard} mtu {mtu} alias '{alias}' addrgenmode none"),
                format!("ip link set dev {shard} arp off"),
                format!("ip link set dev {shard} up"),
                format!(
                    "ip link add name {} address {} mtu {mtu} type veth peer name {} address {} mtu {mtu}",
                    near.name, near.mac, far.name, far.mac
                ),
                format!("ip link set dev {} master {bridge} alias '{alias}' addrgenmode none", near.name),
                format!("ip link set dev {} master {shard} alias '{alias}' addrgenmode none", far.name),
                format!("ip link set dev {} type bridge_slave isolated {isolated}", near.name),
                format!("ip link set dev {} up", near.name),
                format!("ip link set dev {} up", far.name),
            ],
            down: vec![
                format!("ip link del dev {}", near.name),
                format!("ip link del dev {shard}"),
            ],
        }
    }
}
