use super::publish_ports::nft_commands;
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{IfName, NetworkName};
use minet_nat::{ChainFamily, Change, ForeignChain, Passage, Restraint};
use serde::{Deserialize, Serialize};

/// Accepting rules in chains of other firewalls that drop what they do not know.
///
/// In the plan of a network only where there is such a chain; `minet_nat`'s `foreign`
/// module tells why nothing else helps, and what keeps others' containers closed.
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
    /// The interfaces by which a default route leads out.
    pub exits: Vec<IfName>,
}

impl PassForeignDrop {
    fn passage(&self) -> Passage {
        Passage {
            bridge: self.bridge.clone(),
            network: self.network.clone(),
        }
    }

    pub(crate) fn restraint(&self) -> Restraint {
        Restraint {
            bridge: self.bridge.clone(),
            owner: self.network.clone(),
            exits: self.exits.clone(),
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

    /// A chain that drops what the network carries, if there is one.
    pub(crate) fn dropping(&self, machine: &mut Machine) -> Result<Option<String>, Error> {
        let firewall = machine.firewall()?;
        let bridge = &self.bridge;
        for chain in firewall.foreign_drops()? {
            if !self.meets(&chain) {
                continue;
            }
            if !self.chains.contains(&chain) || !firewall.passes(&self.passage(), &chain)? {
                return Ok(Some(format!(
                    "{chain} drops what it does not know, and does not know {bridge}; minet repair tells it"
                )));
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
        let firewall = machine.firewall()?;
        // What is closed is closed before it is opened.
        firewall.apply(&[Change::Restrain(self.restraint())])?;
        for chain in &self.chains {
            firewall.let_pass(&self.passage(), chain)?;
        }
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        let firewall = machine.firewall()?;
        for chain in &self.chains {
            firewall.withdraw(&self.passage(), chain)?;
        }
        Ok(firewall.apply(&[Change::Release(self.restraint())])?)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        if let Some(dropping) = self.dropping(machine)? {
            return Ok(Finding::Differs(dropping));
        }
        let wanted = [Change::Restrain(self.restraint())];
        let missing = machine.firewall()?.lacks(&wanted)?;
        Ok(Finding::expect(missing.is_empty(), || {
            format!("not in table inet minet: {}", missing.join(", "))
        }))
    }

    fn explain(&self) -> Explanation {
        let (bridge, places) = (&self.bridge, self.places());
        let lines = |chain| self.passage().to_nft(chain);
        let rules = self.chains.iter().flat_map(lines);
        let mut up = nft_commands(&Change::Restrain(self.restraint()));
        up.extend(rules.map(|line| format!("nft '{line}'")));
        let withdrawals = self.chains.iter().map(|chain| self.to_withdraw(chain));
        let mut down: Vec<String> = withdrawals.collect();
        down.extend(nft_commands(&Change::Release(self.restraint())));
        Explanation {
            what: format!("let {bridge} pass {places}"),
            why: "Another firewall drops what it does not know, and a drop is final whatever minet's table accepts; its own rules still come first, and the bridges of others stay closed.".into(),
            up,
            down,
        }
    }
}
