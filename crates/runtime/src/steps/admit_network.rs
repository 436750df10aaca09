use super::publish_ports::nft_commands;
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::BridgeNetwork;
use minet_nat::{Change, Masquerade, Neighbours, NetworkRules, Reach};
use serde::{Deserialize, Serialize};

/// The network's elements in the sets of the table: who is at home where, who may talk
/// to whom, who is masqueraded on the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitNetwork {
    /// The network.
    pub network: BridgeNetwork,
}

impl AdmitNetwork {
    fn rules(&self) -> NetworkRules {
        NetworkRules {
            bridge: self.network.bridge.clone(),
            subnet: self.network.subnet,
            gateway: self.network.gateway,
            owner: self.network.name.clone(),
            masquerade: Masquerade::On,
            reach: Reach::Outside,
            neighbours: Neighbours::Talk,
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
        let bridge = &self.network.bridge;
        let installed = machine.firewall()?.network_is_installed(bridge)?;
        Ok(Finding::expect(installed, || {
            format!("{bridge} is not in the sets of table inet minet")
        }))
    }

    fn explain(&self) -> Explanation {
        let BridgeNetwork { bridge, subnet, .. } = &self.network;
        Explanation {
            what: format!("admit {bridge} ({subnet}) to the table"),
            why: "Packets that leave the subnet take the host's address (masquerade), and nothing from outside may address a container directly.".into(),
            up: nft_commands(&Change::AddNetwork(self.rules())),
            down: nft_commands(&Change::RemoveNetwork(self.rules())),
        }
    }
}
