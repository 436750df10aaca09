use crate::{
    Error, forwarding,
    machine::Machine,
    step::{Act, Explanation, Finding},
    steps::TurnOnForwarding,
};
use minet_model::IfName;
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
    /// Where it did not: bridges and cables that were there then and stay unrouted.
    #[serde(default)]
    pub older: Vec<IfName>,
    /// There, too: the network's own bridge, which is closed until its rules stand.
    #[serde(default)]
    pub bridge: Option<IfName>,
}

impl InstallTable {
    /// A host that was no router before does not become one for others.
    fn transit(&self) -> Transit {
        match self.host_was_router {
            true => Transit::Untouched,
            false => Transit::Dropped,
        }
    }

    pub(crate) fn changes(&self) -> [Change; 2] {
        let older = self.older.iter().chain(&self.bridge).cloned().collect();
        let older = Change::NameOlder(older);
        [Change::InstallTable(self.transit()), older]
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
        let mark = machine.paths().new_table_mark();
        std::fs::write(&mark, b"").map_err(Error::file("write", &mark))?;
        Ok(machine.firewall()?.apply(&self.changes())?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        let mark = machine.paths().new_table_mark();
        std::fs::remove_file(&mark).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(Error::file("remove", &mark)(error)),
        })?;
        // Other networks, of this instance or another, may still be using it. And without it,
        // what stays on for another tool would make this host a router for all.
        let is_used = !machine.firewall()?.networks()?.is_empty();
        let stays_on = !self.host_was_router && TurnOnForwarding::is_on();
        let last = match is_used || stays_on && !forwarding::relying(machine)?.is_empty() {
            true => Change::ForgetOlder(self.bridge.iter().cloned().collect()),
            false => Change::RemoveTable,
        };
        Ok(machine.firewall()?.apply(&[last])?)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let (_, mut differences) = self.differences(machine)?;
        if differences.is_empty() {
            let lacks = machine.firewall()?.lacks(&self.changes()[1..])?;
            differences.extend(lacks.iter().map(|lack| format!("{lack} is missing")));
        }
        Ok(Finding::expect(differences.is_empty(), || {
            differences.join("; ")
        }))
    }

    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        let (transit, _) = self.differences(machine)?;
        let firewall = machine.firewall()?;
        firewall.mend_table(transit)?;
        Ok(firewall.apply(&self.changes()[1..])?)
    }

    fn explain(&self) -> Explanation {
        let lines = self
            .changes()
            .iter()
            .flat_map(Change::to_nft)
            .collect::<Vec<_>>();
        let text = lines.join("\n");
        Explanation {
            what: "install the nftables table inet minet".into(),
            why: "Every rule stands in it from the beginning; networks and containers only add elements to its sets and maps, so a lookup costs the same for one port and for ten thousand.".into(),
            up: vec![format!("nft -f - <<'END'\n{text}\nEND")],
            down: vec!["nft delete table inet minet".into()],
        }
    }
}
