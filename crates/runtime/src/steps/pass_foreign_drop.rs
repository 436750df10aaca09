use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{BridgeNetwork, IfName, NetworkName};
use minet_nat::{ChainFamily, ForeignChain, Passage, Passing};
use serde::{Deserialize, Serialize};

/// Accepting rules in chains of other firewalls that drop what they do not know.
///
/// In the plan of a network only where there is such a chain; `minet_nat`'s `foreign`
/// module tells why nothing else helps. Others' containers stay closed by
/// [`super::Restrain`], which comes before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassForeignDrop {
    /// The network's bridge.
    pub bridge: IfName,
    /// The network's name.
    pub network: NetworkName,
    /// Whether the network has IPv6, so that chains for IPv6 are in its way.
    #[serde(default)]
    pub ipv6: bool,
    /// The chains that drop.
    pub chains: Vec<ForeignChain>,
}

impl PassForeignDrop {
    /// For one of a network's bridges, and no chain yet.
    pub(crate) fn of(network: &BridgeNetwork, bridge: &IfName) -> Self {
        PassForeignDrop {
            bridge: bridge.clone(),
            network: network.name.clone(),
            ipv6: network.ipv6.is_some(),
            chains: Vec::new(),
        }
    }

    fn passage(&self) -> Passage {
        Passage {
            bridge: self.bridge.clone(),
            network: self.network.clone(),
        }
    }

    /// The chains by name: "ip filter FORWARD and inet site forward".
    pub(crate) fn places(&self) -> String {
        let chains: Vec<_> = self.chains.iter().map(ForeignChain::to_string).collect();
        chains.join(" and ")
    }

    /// Whether what the network carries comes by this chain.
    pub(crate) fn meets(&self, chain: &ForeignChain) -> bool {
        self.ipv6 || chain.family != ChainFamily::Ip6
    }

    /// The chains that drop what the network carries, and can be told not to.
    pub(crate) fn drops(&self, machine: &mut Machine) -> Result<Vec<ForeignChain>, Error> {
        let mut drops = machine.firewall()?.foreign_drops(&self.bridge)?;
        drops.retain(|chain| self.meets(chain));
        Ok(drops)
    }

    /// Those that only their owner can tell.
    pub(crate) fn locked_drops(&self, machine: &mut Machine) -> Result<Vec<ForeignChain>, Error> {
        let mut drops = machine.firewall()?.locked_drops(&self.bridge)?;
        drops.retain(|chain| self.meets(chain));
        Ok(drops)
    }

    /// What is wrong with a chain that drops what the network carries, if one does.
    pub(crate) fn dropping(&self, machine: &mut Machine) -> Result<Option<String>, Error> {
        let bridge = &self.bridge;
        for chain in self.drops(machine)? {
            let passing = machine.firewall()?.passing(&self.passage(), &chain)?;
            match passing {
                Passing::Through if self.chains.contains(&chain) => {}
                Passing::BeforeOthers => {
                    return Ok(Some(format!(
                        "in {chain}, rules of another firewall stand behind those for {bridge} and never have a word; minet repair puts them first"
                    )));
                }
                Passing::Through | Passing::Dropped => {
                    return Ok(Some(format!(
                        "{chain} drops what it does not know, and does not know {bridge}; minet repair tells it"
                    )));
                }
            }
        }
        Ok(None)
    }

    /// The chain and its rules, to be deleted by their comment.
    fn to_withdraw(&self, chain: &ForeignChain) -> String {
        let comment = self.passage().comment();
        format!(
            "nft -a list chain {chain} | sed -n 's/.*comment \"{comment}\" # handle //p' | \
             while read -r handle; do nft delete rule {chain} handle \"$handle\"; done"
        )
    }
}

impl Act for PassForeignDrop {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        for chain in &self.chains {
            machine.firewall()?.let_pass(&self.passage(), chain)?;
        }
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        for chain in &self.chains {
            machine.firewall()?.withdraw(&self.passage(), chain)?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        Ok(match self.dropping(machine)? {
            Some(dropping) => Finding::Differs(dropping),
            None => Finding::AsPlanned,
        })
    }

    fn explain(&self) -> Explanation {
        let (bridge, places) = (&self.bridge, self.places());
        let lines = |chain| self.passage().to_nft(chain);
        let rules = self.chains.iter().flat_map(lines);
        let withdrawals = self.chains.iter().map(|chain| self.to_withdraw(chain));
        Explanation {
            what: format!("let {bridge} pass {places}"),
            why: "Another firewall drops what it does not know, and a drop is final whatever minet's table accepts; its own rules still come first, and the bridges of others stay closed.".into(),
            up: rules.map(|line| format!("nft '{line}'")).collect(),
            down: withdrawals.collect(),
        }
    }
}
