//! `minet check`: is what was made still so in the kernel?

use crate::{
    Error, Finding, Plan, Runtime, find, foreign, network, orphans, step::Step,
    steps::TurnOnForwarding, strays,
};
use minet_model::NetworkName;
use minet_state::{ContainerRow, Status};
use serde::Serialize;

/// A step whose work is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose step it was: "container web", "network bridge".
    pub owner: String,
    /// The step, as its explanation calls it.
    pub step: String,
    /// What is different.
    pub found: String,
}

impl Runtime {
    /// Checks every step of a running container's plan and of its network's; of all
    /// containers and networks if none is named.
    pub fn check(&mut self, container: Option<&str>) -> Result<Vec<Difference>, Error> {
        let rows = self.store.read(|tx| match container {
            Some(name) => Ok::<_, Error>(vec![find::container(tx, name)?]),
            None => Ok(tx.live_containers()?),
        })?;
        let mut differences = self.check_networks(container.map(|_| &rows[..]))?;
        for row in rows.iter().filter(|row| row.status == Status::Running) {
            let owner = format!("container {}", row.name);
            match self.check_container(row) {
                Ok(found) => differences.extend(found),
                // One that cannot be looked at does not keep the others from it.
                Err(error) => differences.push(Difference {
                    owner,
                    step: "look at it".to_owned(),
                    found: error.chain(),
                }),
            }
        }
        if container.is_none() {
            let orphans = orphans::find(self)?.into_iter();
            differences.extend(orphans.map(|orphan| Difference {
                owner: "this machine".to_owned(),
                step: "hold what is planned, and nothing else".to_owned(),
                found: orphan.describe(),
            }));
            let strays = strays::find_strays(self)?;
            differences.extend(strays.iter().map(|element| Difference {
                owner: "table inet minet".to_owned(),
                step: "hold what is planned, and nothing else".to_owned(),
                found: strays::describe(element),
            }));
        }
        Ok(differences)
    }

    /// The networks of these containers, or all that are up.
    fn check_networks(&mut self, of: Option<&[ContainerRow]>) -> Result<Vec<Difference>, Error> {
        let mut wanted = Vec::new();
        for row in of.unwrap_or_default() {
            wanted.extend(
                find::settings(row)?
                    .attachments
                    .into_iter()
                    .map(|attachment| attachment.network),
            );
        }
        let mut differences = Vec::new();
        for (name, plan) in network::standing(self)? {
            if of.is_none() || wanted.contains(&name) {
                differences.extend(self.check_plan(&format!("network {name}"), &plan)?);
                differences.extend(foreign::check_unforeseen(self, &name, &plan)?);
                differences.extend(forwarding_is_off(&name, &plan));
            }
        }
        Ok(differences)
    }

    fn check_container(&mut self, row: &ContainerRow) -> Result<Vec<Difference>, Error> {
        let netns = self.netns_of(row)?;
        let holder = row.live.as_ref().map_or(0, |live| live.supervisor.pid);
        self.machine.look_inside(netns, holder)?;
        let mut found = self.check_plan(&format!("container {}", row.name), &find::plan(row)?)?;
        let lost = self.lost_files(row)?;
        found.extend(lost.iter().map(|lost| lost.difference(row)));
        Ok(found)
    }

    fn check_plan(&mut self, owner: &str, plan: &Plan) -> Result<Vec<Difference>, Error> {
        let mut differences = Vec::new();
        for step in &plan.steps {
            let found = match step.act().check(&mut self.machine) {
                Ok(Finding::AsPlanned) => None,
                Ok(Finding::Differs(found)) => Some(found),
                Err(error) => Some(error.chain()),
            };
            if let Some(found) = found {
                differences.push(Difference {
                    owner: owner.to_owned(),
                    step: step.act().explain().what,
                    found,
                });
            }
        }
        Ok(differences)
    }
}

/// A network that found forwarding on has no step of its own for it.
fn forwarding_is_off(network: &NetworkName, plan: &Plan) -> Option<Difference> {
    let turns_on = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
    let missed = !TurnOnForwarding::is_on() && !plan.steps.iter().any(turns_on);
    missed.then(|| Difference {
        owner: format!("network {network}"),
        step: "find IPv4 forwarding on".to_owned(),
        found: "IPv4 forwarding is off".to_owned(),
    })
}
