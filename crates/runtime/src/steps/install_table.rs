use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_nat::{Change, Transit};
use serde::{Deserialize, Serialize};

/// The nftables table `inet minet`: fixed chains, and sets and maps that are still empty.
///
/// It stands before the bridge, the route_localnet switch and IP forwarding, so that
/// nothing is ever open that the table is there to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallTable {
    /// Whether the host passed packets on before minet came.
    pub host_was_router: bool,
}

impl InstallTable {
    /// A host that was no router before does not become one for others.
    fn transit(&self) -> Transit {
        match self.host_was_router {
            true => Transit::Untouched,
            false => Transit::Dropped,
        }
    }

    fn change(&self) -> Change {
        Change::InstallTable(self.transit())
    }

    /// How the table differs from what it should be.
    ///
    /// Another instance of minet may have installed it before, when the host was or was
    /// not yet a router; then its kind of transit holds.
    fn differences(&self, machine: &mut Machine) -> Result<(Transit, Vec<String>), Error> {
        let found = machine.firewall()?.anatomy()?;
        let own = self.transit();
        let others = match own {
            Transit::Untouched => Transit::Dropped,
            Transit::Dropped => Transit::Untouched,
        };
        let by_own = found.differences(machine.table_as_it_should_be(own)?);
        let by_others = found.differences(machine.table_as_it_should_be(others)?);
        Ok(match by_others.len() < by_own.len() {
            true => (others, by_others),
            false => (own, by_own),
        })
    }
}

impl Act for InstallTable {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(machine.firewall()?.apply(&[self.change()])?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // Other networks, of this instance or another, may still be using it.
        let firewall = machine.firewall()?;
        if firewall.networks()?.is_empty() {
            firewall.apply(&[Change::RemoveTable])?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let (_, differences) = self.differences(machine)?;
        Ok(Finding::expect(differences.is_empty(), || {
            differences.join("; ")
        }))
    }

    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        let (transit, _) = self.differences(machine)?;
        Ok(machine.firewall()?.mend_table(transit)?)
    }

    fn explain(&self) -> Explanation {
        let text = self.change().to_nft().join("\n");
        Explanation {
            what: "install the nftables table inet minet".into(),
            why: "Every rule stands in it from the beginning; networks and containers only add elements to its sets and maps, so a lookup costs the same for one port and for ten thousand.".into(),
            up: vec![format!("nft -f - <<'END'\n{text}\nEND")],
            down: vec!["nft delete table inet minet".into()],
        }
    }
}
