use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::{
    Cause, Removed, address, link,
    switch::{self, SwitchSpec},
};
use minet_model::{BridgeNetwork, MacAddr};
use serde::{Deserialize, Serialize};

/// The bridge: a switch in the kernel, with the host plugged in as the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeBridge {
    /// The network it is the switch of.
    pub network: BridgeNetwork,
}

impl MakeBridge {
    /// The MAC is given, because a bridge without one changes it with every port that
    /// comes and goes (it takes the lowest of its ports'), and containers would remember
    /// a gateway that has moved.
    pub(crate) fn mac_of(network: &BridgeNetwork) -> MacAddr {
        MacAddr::for_ipv4(network.gateway)
    }

    fn mac(&self) -> MacAddr {
        Self::mac_of(&self.network)
    }

    fn spec(&self) -> SwitchSpec {
        SwitchSpec {
            name: self.network.bridge.clone(),
            mac: self.mac(),
            mtu: self.network.mtu,
            alias: self.alias(),
            address: Some(self.network.gateway_with_prefix()),
        }
    }

    /// The alias by which minet knows its own bridges again.
    fn alias(&self) -> String {
        self.network.label()
    }
}

impl Act for MakeBridge {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        switch::create(machine.rtnl()?, &self.spec())?;
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        match switch::remove(machine.rtnl()?, &self.spec()) {
            Ok(Removed::Now | Removed::AlreadyGone) => Ok(()),
            // A bridge of this name that somebody else made is not ours to remove.
            Err(error)
                if matches!(
                    error.cause(),
                    Cause::NotOurs { .. } | Cause::NotABridge { .. }
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let BridgeNetwork { bridge, .. } = &self.network;
        let differs = |difference: String| Ok(Finding::Differs(difference));
        let rtnl = machine.rtnl()?;
        match link::find(rtnl, bridge)? {
            None => return differs(format!("bridge {bridge} is missing")),
            Some(link) if !link.up => return differs(format!("bridge {bridge} is down")),
            Some(link) if link.alias != Some(self.alias()) => {
                return differs(format!("bridge {bridge} is not the one that minet made"));
            }
            Some(link) if link.mac != Some(self.mac()) => {
                return differs(format!(
                    "bridge {bridge} has another MAC than {}",
                    self.mac()
                ));
            }
            Some(_) => {}
        }
        let gateway = self.network.gateway_with_prefix();
        let addressed = address::list(rtnl, bridge)?.contains(&gateway);
        Ok(Finding::expect(addressed, || {
            format!("bridge {bridge} does not have the address {gateway}")
        }))
    }

    fn explain(&self) -> Explanation {
        let BridgeNetwork { bridge, mtu, .. } = &self.network;
        let (mac, gateway) = (self.mac(), self.network.gateway_with_prefix());
        Explanation {
            what: format!("make the bridge {bridge} with the address {gateway}"),
            why: "A bridge is a switch in the kernel; the host plugs itself in with an address and so becomes the containers' gateway.".into(),
            up: vec![
                format!("ip link add name {bridge} address {mac} type bridge stp_state 0"),
                format!("ip link set dev {bridge} mtu {mtu} alias '{}' addrgenmode none", self.alias()),
                format!("ip addr add {gateway} broadcast + dev {bridge}"),
                format!("ip link set dev {bridge} up"),
            ],
            down: vec![format!("ip link del dev {bridge}")],
        }
    }
}
