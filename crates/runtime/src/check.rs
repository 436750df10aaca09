//! `minet check`: is what was made still so in the kernel?

use crate::{Error, Finding, Runtime, find, machine::Inside};
use minet_bridge::Rtnl;
use minet_state::{ContainerRow, Status};

/// A step whose work is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The container.
    pub container: String,
    /// The step, as its explanation calls it.
    pub step: String,
    /// What is different.
    pub found: String,
}

impl Runtime {
    /// Checks every step of a running container's plan, or of all containers'.
    pub fn check(&mut self, container: Option<&str>) -> Result<Vec<Difference>, Error> {
        let rows = self.store.read(|tx| match container {
            Some(name) => Ok::<_, Error>(vec![find::container(tx, name)?]),
            None => Ok(tx.live_containers()?),
        })?;
        let mut differences = Vec::new();
        for row in rows.iter().filter(|row| row.status == Status::Running) {
            differences.extend(self.check_one(row)?);
        }
        Ok(differences)
    }

    fn check_one(&mut self, row: &ContainerRow) -> Result<Vec<Difference>, Error> {
        let netns = find::netns(row)?;
        let rtnl = netns.run(Rtnl::open)??;
        self.machine.set_inside(Inside::Held { netns, rtnl });
        let mut differences = Vec::new();
        for step in find::plan(row)?.steps {
            if let Finding::Differs(found) = step.act().check(&mut self.machine)? {
                differences.push(Difference {
                    container: row.name.to_string(),
                    step: step.act().explain().what,
                    found,
                });
            }
        }
        Ok(differences)
    }
}
