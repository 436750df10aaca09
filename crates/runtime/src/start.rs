//! `minet start`: a container that has ended runs again, as the same one.

use crate::{
    Error, Narrator, Runtime,
    attend::{Background, Logged},
    find,
    run::RunRequest,
};
use minet_netns::StartupReport;
use minet_state::{ContainerRow, Status};

impl Runtime {
    /// Starts a container with its identity, name, address and ports, and watches over it
    /// until it ends for good. One that runs already is left as it is.
    pub fn start(
        &mut self,
        container: &str,
        narrator: &mut dyn Narrator,
        report: StartupReport,
    ) -> Result<(), Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        let told = format!("{container}\n");
        if row.status != Status::Exited {
            return Ok(report.ready(&told)?);
        }
        let row = self.settled(row)?;
        let request = RunRequest {
            spec: find::spec(&row)?,
            fail_after: None,
        };
        let streams = Logged::new(request.spec.terminal);
        let (up, background) =
            self.make(&request, Some(&row), &streams, Background::listen, narrator)?;
        self.watch_over(&request.spec, up, background, streams, report, &told)
    }

    /// Waits for its last end, or finishes what that left undone.
    fn settled(&mut self, row: ContainerRow) -> Result<ContainerRow, Error> {
        if row.live.is_none() {
            return Ok(row);
        }
        if self.has_living_guests(&row.id)? {
            return Err(Error::GuestsRemain(row.name.to_string()));
        }
        self.wait_for_the_end(&row)?;
        self.store.read(|tx| find::container(tx, row.id.as_str()))
    }
}
