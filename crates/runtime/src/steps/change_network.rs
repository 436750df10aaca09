use super::{AdmitNetwork, MakeBridge, MakeShard, publish_ports::nft_commands};
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::link;
use minet_model::BridgeNetwork;
use minet_nat::Change;
use serde::{Deserialize, Serialize};

/// A network that stands gets other settings. Afterwards its plan is that of a network
/// which always had them, so this step is in no plan that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNetwork {
    /// As it was.
    pub before: Box<BridgeNetwork>,
    /// As it is to be.
    pub after: Box<BridgeNetwork>,
    /// The numbers of its further bridges.
    #[serde(default)]
    pub shards: Vec<u16>,
}

impl ChangeNetwork {
    fn rules(from: &BridgeNetwork, to: &BridgeNetwork) -> Change {
        let rules = |network: &BridgeNetwork| {
            let network = network.clone();
            AdmitNetwork { network }.rules()
        };
        Change::ReplaceNetwork(rules(from), rules(to))
    }

    /// Another's bridge keeps its MTU.
    fn changes_mtu(&self) -> bool {
        self.before.mtu != self.after.mtu && self.after.has_own_bridge()
    }

    fn change(
        &self,
        machine: &mut Machine,
        (from, to): (&BridgeNetwork, &BridgeNetwork),
    ) -> Result<(), Error> {
        machine.firewall()?.apply(&[Self::rules(from, to)])?;
        if self.changes_mtu() {
            link::set_mtu(machine.rtnl()?, &to.bridge, to.mtu)?;
        }
        for shard in self.shards_of(to) {
            shard.apply(machine)?;
        }
        Ok(())
    }

    /// Their MTU follows, and whether what comes from them reaches containers.
    fn shards_of(&self, network: &BridgeNetwork) -> Vec<MakeShard> {
        let same = self.before.mtu == self.after.mtu
            && self.before.asked.neighbours == self.after.asked.neighbours;
        let numbers = self.shards.iter().filter(|_| !same);
        let shard = |number: &u16| MakeShard {
            network: network.clone(),
            number: *number,
        };
        numbers.map(shard).collect()
    }

    fn commands(&self, from: &BridgeNetwork, to: &BridgeNetwork) -> Vec<String> {
        let mut commands = nft_commands(&Self::rules(from, to));
        if self.changes_mtu() {
            commands.push(format!("ip link set dev {} mtu {}", to.bridge, to.mtu));
        }
        for shard in self.shards_of(to) {
            commands.extend(shard.settings());
        }
        commands
    }
}

impl Act for ChangeNetwork {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        self.change(machine, (&self.before, &self.after))
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        self.change(machine, (&self.after, &self.before))
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let network = BridgeNetwork::clone(&self.after);
        match (MakeBridge {
            network: network.clone(),
        })
        .check(machine)?
        {
            Finding::AsPlanned => AdmitNetwork { network }.check(machine),
            differs => Ok(differs),
        }
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: format!("change the settings of network {}", self.after.name),
            why: "Only the elements that are different are taken out and put in, in one transaction: connections that were made before go on.".into(),
            up: self.commands(&self.before, &self.after),
            down: self.commands(&self.after, &self.before),
        }
    }
}
