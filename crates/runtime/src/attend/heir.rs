//! Names for those who share the network of a container that has ended.
//!
//! The name server of a network namespace is the supervisor of the container that made it.
//! While others live in there it goes on after that one's end, and their supervisors inherit
//! its name server: the oldest of them, and each other one watches the one before it.

use super::watch::watch;
use crate::{
    Error, Paths, Runtime,
    admit::Admitted,
    configuration::with_name_defaults,
    find, process,
    resolve::{Answering, ContainerMind, Resolver},
};
use minet_model::{ContainerId, NetworkMode};
use minet_names::resolver::Sockets;
use minet_netns::Netns;
use minet_state::{ContainerRow, ProcessIdentity, Store};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;

/// One who may inherit a name server.
pub(crate) struct Heir {
    paths: Paths,
    /// The container whose network, and whose names, they are.
    owner: ContainerId,
    /// The heir's own place among those who share them.
    place: (u64, String),
    boot: String,
    netns: Netns,
}

impl Runtime {
    /// The heir that the supervisor of this container, this process, is; none for a container
    /// that lives in nobody else's network.
    pub(crate) fn heir(&self, admitted: &Admitted) -> Result<Option<Heir>, Error> {
        let owner = admitted.namespace.owner();
        let (Some(owner), Some(netns)) = (owner, self.machine.joined()) else {
            return Ok(None);
        };
        let me = process::identify(Pid::this());
        Ok(Some(Heir {
            paths: self.machine.paths().clone(),
            owner,
            place: (me.map_or(0, |me| me.start), admitted.id.to_string()),
            boot: self.boot.clone(),
            netns: netns.try_clone()?,
        }))
    }
}

impl Heir {
    /// Waits for its turn, and answers from then on, for as long as the event loop runs, which
    /// this must be called within.
    pub(crate) fn wait(self) {
        tokio::spawn(async move {
            // One that cannot inherit leaves them without names, and does all the rest.
            if let Ok(Some(_answering)) = self.inherit().await {
                std::future::pending::<()>().await;
            }
        });
    }

    async fn inherit(&self) -> Result<Option<Answering>, Error> {
        while let Some(before) = self.before()? {
            let ended = watch(before).map_err(Error::process("watch the supervisor before"))?;
            minet_netns::give_back_memory();
            let _ = ended.readable().await;
        }
        let Some(row) = self.read_owner()? else {
            return Ok(None);
        };
        let spec = find::spec(&row)?;
        if !matches!(spec.mode, NetworkMode::Bridge(_)) {
            return Ok(None);
        }
        let sockets = self.netns.run(Sockets::open)?;
        let sockets = sockets.map_err(Error::process("open the resolver's sockets"))?;
        let spec = with_name_defaults(&spec, &self.paths)?;
        let state_dir = self.paths.state_dir().to_owned();
        let mind = ContainerMind::new(&self.owner, spec, state_dir, self.netns.try_clone()?);
        Ok(Some(Resolver::new(sockets, mind).listen()))
    }

    /// A handle on the last supervisor in this network that began before this one and still
    /// runs.
    fn before(&self) -> Result<Option<OwnedFd>, Error> {
        let rows = self.store()?.read(|tx| {
            let mut rows = tx.guests_of(&self.owner)?;
            rows.extend(tx.container(&self.owner)?);
            Ok::<_, Error>(rows)
        })?;
        let mut before: Vec<_> = rows.iter().filter_map(|row| self.place_of(row)).collect();
        before.retain(|(place, _)| *place < self.place);
        before.sort_by(|(one, _), (other, _)| other.cmp(one));
        let mut alive = before
            .into_iter()
            .filter_map(|(_, process)| process::open(process));
        Ok(alive.next())
    }

    fn place_of(&self, row: &ContainerRow) -> Option<((u64, String), ProcessIdentity)> {
        let live = row.live.as_ref().filter(|live| live.boot == self.boot)?;
        Some(((live.supervisor.start, row.id.to_string()), live.supervisor))
    }

    fn read_owner(&self) -> Result<Option<ContainerRow>, Error> {
        self.store()?.read(|tx| Ok(tx.container(&self.owner)?))
    }

    fn store(&self) -> Result<Store, Error> {
        Ok(Store::open_to_read(self.paths.state_dir())?)
    }
}
