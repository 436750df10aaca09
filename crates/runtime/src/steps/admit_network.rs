use super::publish_ports::nft_commands;
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{BridgeNetwork, Masquerade, Neighbours, Reach};
use minet_nat::{Change, NetworkRules};
use serde::{Deserialize, Serialize};

/// The network's elements in the sets of the table: who is at home where, who may talk
/// to whom, who is masqueraded on the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitNetwork {
    /// The network.
    pub network: BridgeNetwork,
}

impl AdmitNetwork {
    pub(crate) fn rules(&self) -> NetworkRules {
        NetworkRules {
            bridge: self.network.bridge.clone(),
            subnet: self.network.subnet,
            gateway: self.network.gateway,
            owner: self.network.name.clone(),
            masquerade: self.network.asked.masquerade,
            reach: self.network.asked.reach,
            neighbours: self.network.asked.neighbours,
            connections: self.network.asked.connections,
        }
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
        if asked.neighbours == Neighbours::Apart {
            why.push_str("; its containers do not reach each other");
        }
        Explanation {
            what: format!("admit {bridge} ({subnet}) to the table"),
            why: format!("{why}."),
            up: nft_commands(&Change::AddNetwork(self.rules())),
            down: nft_commands(&Change::RemoveNetwork(self.rules())),
        }
    }
}
