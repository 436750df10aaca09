use super::{MakeBridge, publish_ports::nft_commands};
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::survey;
use minet_model::{BridgeNetwork, Masquerade, Neighbours, Reach};
use minet_nat::{Change, NetworkRules};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The network's elements in the sets of the table: who is at home where, who may talk
/// to whom, who is masqueraded on the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitNetwork {
    /// The network.
    pub network: BridgeNetwork,
}

impl AdmitNetwork {
    pub(crate) fn rules(&self) -> NetworkRules {
        let routes = self.network.asked.routes.iter();
        NetworkRules {
            bridge: self.network.bridge.clone(),
            subnet: self.network.subnet,
            subnet6: self.network.ipv6.map(|ipv6| ipv6.subnet),
            gateway: self.network.gateway,
            router: self
                .network
                .has_own_bridge()
                .then(|| MakeBridge::mac_of(&self.network)),
            owner: self.network.name.clone(),
            masquerade: self.network.asked.masquerade,
            outbound: self.network.asked.outbound_address,
            outbound6: self.network.asked.outbound_address6,
            behind: routes.map(|route| route.destination).collect(),
            reach: self.network.asked.reach,
            neighbours: self.network.asked.neighbours,
            connections: self.network.asked.connections,
        }
    }
}

impl AdmitNetwork {
    /// The address under which connections leave, if the host does not have it.
    fn lost_address(&self, machine: &mut Machine) -> Result<Option<IpAddr>, Error> {
        let mut wanted = self.network.asked.outbound_addresses().peekable();
        if wanted.peek().is_none() {
            return Ok(None);
        }
        let has = survey::addresses(machine.rtnl()?)?;
        Ok(wanted.find(|address| !has.contains(address)))
    }
}

impl Act for AdmitNetwork {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(machine
            .firewall()?
            .apply(&[Change::AddNetwork(self.rules())])?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(machine
            .firewall()?
            .apply(&[Change::RemoveNetwork(self.rules())])?)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let wanted = [Change::AddNetwork(self.rules())];
        let missing = machine.firewall()?.lacks(&wanted)?;
        if let Some(address) = self.lost_address(machine)? {
            let name = &self.network.name;
            return Ok(Finding::Differs(format!(
                "its connections leave under {address}, which this host has no longer, so no answer comes back: ip addr add {address} dev INTERFACE, or minet network set --outbound-address ADDRESS {name}"
            )));
        }
        Ok(Finding::expect(missing.is_empty(), || {
            format!("not in table inet minet: {}", missing.join(", "))
        }))
    }

    fn explain(&self) -> Explanation {
        let BridgeNetwork {
            bridge,
            subnet,
            asked,
            ..
        } = &self.network;
        let mut why = match (asked.reach, asked.masquerade) {
            (Reach::InternalOnly, _) => "Nothing leaves the network and nothing enters it",
            (Reach::Outside, Masquerade::On) => "Packets that leave the subnet take the host's address (masquerade), and nothing from outside may address a container directly",
            (Reach::Outside, Masquerade::Off) => "Packets leave under the container's own address, which somebody has to route back, and nothing from outside may address a container directly",
        }
        .to_owned();
        let outbound: Vec<String> = asked
            .outbound_addresses()
            .map(|address| address.to_string())
            .collect();
        if let ([_, ..], Reach::Outside, Masquerade::On) =
            (&outbound[..], asked.reach, asked.masquerade)
        {
            why = format!(
                "Connections that leave the subnet do so under {} (source NAT), and nothing from outside may address a container directly",
                outbound.join(" and ")
            );
        }
        match asked.neighbours {
            Neighbours::Talk => {}
            Neighbours::Apart => why.push_str("; its containers do not reach each other"),
            Neighbours::Linked => why.push_str("; its containers reach nobody but along links"),
        }
        Explanation {
            what: format!("admit {bridge} ({subnet}) to the table"),
            why: format!("{why}."),
            up: nft_commands(&Change::AddNetwork(self.rules())),
            down: nft_commands(&Change::RemoveNetwork(self.rules())),
        }
    }
}
