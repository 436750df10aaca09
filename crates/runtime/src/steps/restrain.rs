use super::publish_ports::nft_commands;
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{IfName, NetworkName};
use minet_nat::{Change, Restraint};
use serde::{Deserialize, Serialize};

/// Containers stay out of the bridges of others.
///
/// Behind those are containers and virtual machines of other tools, and on many a host
/// nothing keeps anybody from them: what Docker drops, it drops only where it turned
/// forwarding on itself. What their owner publishes is reached, and so is what lies behind
/// a bridge that leads out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restrain {
    /// The network's bridge.
    pub bridge: IfName,
    /// The network's name.
    pub network: NetworkName,
    /// Interfaces that lead out; a bridge may be among them.
    pub exits: Vec<IfName>,
}

impl Restrain {
    pub(crate) fn restraint(&self) -> Restraint {
        Restraint {
            bridge: self.bridge.clone(),
            owner: self.network.clone(),
            exits: self.exits.clone(),
        }
    }
}

impl Act for Restrain {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(machine
            .firewall()?
            .apply(&[Change::Restrain(self.restraint())])?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(machine
            .firewall()?
            .apply(&[Change::Release(self.restraint())])?)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let wanted = [Change::Restrain(self.restraint())];
        let missing = machine.firewall()?.lacks(&wanted)?;
        Ok(Finding::expect(missing.is_empty(), || {
            format!("not in table inet minet: {}", missing.join(", "))
        }))
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: format!("keep {} out of others' bridges", self.bridge),
            why: "Containers and virtual machines of other tools are reached by what their owner publishes, as minet's are by what it publishes; bridges that lead out stay open.".into(),
            up: nft_commands(&Change::Restrain(self.restraint())),
            down: nft_commands(&Change::Release(self.restraint())),
        }
    }
}
