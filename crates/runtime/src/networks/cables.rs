//! `minet veth`: which interface of the host leads to which container.

use super::NetworkError;
use crate::{Attachment, Error, Runtime, find};
use minet_bridge::link;
use minet_model::{ContainerId, ContainerName, IfName};
use minet_state::{ContainerRow, Status};

/// A cable between the host and a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCable {
    /// The container.
    pub container: ContainerName,
    /// Its identity.
    pub id: ContainerId,
    /// Both ends, the address and the switch.
    pub attachment: Attachment,
    /// How the kernel sees the host's end.
    pub state: CableState,
}

/// How the kernel sees the host's end of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CableState {
    /// On, and so is the other end; the number is the kernel's for it.
    Up(u32),
    /// There, and off on one side.
    Down(u32),
    /// Not there.
    Missing,
}

impl Runtime {
    /// The cables of all running containers; or those of one container, or the one that
    /// the host knows by this interface.
    pub fn cables(&mut self, of: Option<&str>) -> Result<Vec<ListedCable>, Error> {
        let rows = self.store.read(|tx| tx.live_containers())?;
        let running = rows.iter().filter(|row| row.status == Status::Running);
        let mut cables = Vec::new();
        for row in running {
            cables.extend(self.cables_of(row)?);
        }
        let Some(text) = of else {
            return Ok(cables);
        };
        // As `ip link` prints it: veth3fa91c20@if2.
        let interface = text.split('@').next().unwrap_or(text);
        if let Some(cable) = cables
            .iter()
            .find(|cable| cable.attachment.host_end.as_str() == interface)
        {
            return Ok(vec![cable.clone()]);
        }
        let row = match self.store.read(|tx| find::container(tx, text)) {
            Err(Error::NoSuchContainer(_)) => return Err(self.explain_interface(interface)?),
            row => row?,
        };
        cables.retain(|cable| cable.id == row.id);
        Ok(cables)
    }

    fn cables_of(&mut self, row: &ContainerRow) -> Result<Vec<ListedCable>, Error> {
        let attachments = find::settings(row)?.attachments;
        let rtnl = self.machine.rtnl()?;
        let mut cables = Vec::new();
        for attachment in attachments {
            let state = match link::find(rtnl, &attachment.host_end)? {
                Some(link) if link.up && link.carrier => CableState::Up(link.index),
                Some(link) => CableState::Down(link.index),
                None => CableState::Missing,
            };
            cables.push(ListedCable {
                container: row.name.clone(),
                id: row.id.clone(),
                attachment,
                state,
            });
        }
        Ok(cables)
    }

    /// Neither a container nor a cable of ours: what is it?
    fn explain_interface(&mut self, text: &str) -> Result<Error, Error> {
        let Ok(name) = text.parse::<IfName>() else {
            return Ok(Error::NoSuchContainer(text.to_owned()));
        };
        let link = link::find(self.machine.rtnl()?, &name)?;
        Ok(match link {
            Some(link) => NetworkError::NotACable {
                interface: name,
                kind: link.kind.unwrap_or_else(|| "device".to_owned()),
            }
            .into(),
            None => Error::NoSuchContainer(text.to_owned()),
        })
    }
}
