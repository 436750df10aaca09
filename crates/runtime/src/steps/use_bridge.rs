use crate::{
    Error,
    machine::Machine,
    networks::NetworkError,
    step::{Act, Explanation, Finding},
};
use minet_bridge::{address, link};
use minet_model::BridgeNetwork;
use serde::{Deserialize, Serialize};

/// A bridge that somebody else made, and that has the gateway's address already.
///
/// Nothing is changed on it here: it was there before the network and stays after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseBridge {
    /// The network it is the switch of.
    pub network: BridgeNetwork,
}

impl Act for UseBridge {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let bridge = &self.network.bridge;
        match link::find(machine.rtnl()?, bridge)? {
            Some(link) if link.kind.as_deref() != Some("bridge") => {
                Err(NetworkError::NotABridge(bridge.clone()).into())
            }
            Some(link) if !link.up => Err(NetworkError::BridgeDown(bridge.clone()).into()),
            Some(_) => Ok(()),
            None => Err(NetworkError::NoBridge(bridge.clone()).into()),
        }
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let BridgeNetwork { bridge, .. } = &self.network;
        let gateway = self.network.gateway_with_prefix();
        Ok(match link::find(machine.rtnl()?, bridge)? {
            None => Finding::Differs(format!("bridge {bridge} is missing")),
            Some(link) if !link.up => Finding::Differs(format!("bridge {bridge} is down")),
            Some(_) => {
                let has = address::list(machine.rtnl()?, bridge)?;
                Finding::expect(has.contains(&gateway), || {
                    format!("bridge {bridge} does not have the address {gateway}")
                })
            }
        })
    }

    fn explain(&self) -> Explanation {
        let BridgeNetwork { bridge, .. } = &self.network;
        let gateway = self.network.gateway_with_prefix();
        Explanation {
            what: format!("use the bridge {bridge} with its address {gateway}"),
            why: "Somebody else made this switch and plugged the host in; containers become its further ports, and it stays when they go.".into(),
            up: vec![format!("ip -brief address show dev {bridge}")],
            down: Vec::new(),
        }
    }
}
