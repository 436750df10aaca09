//! The resolver before it listens: sockets that were opened inside, and a mind.

use super::{
    ContainerMind,
    door::{Answering, Door},
};
use crate::{Error, configuration::with_name_defaults, machine::Machine};
use minet_model::{ContainerId, ContainerSpec};
use minet_names::resolver::Sockets;
use std::sync::Arc;

/// A container's name server that is about to listen.
pub(crate) struct Resolver {
    sockets: Sockets,
    mind: Arc<ContainerMind>,
}

impl Resolver {
    /// The one whose sockets the container's plan has opened; none for a container without
    /// cables.
    pub(crate) fn of(
        machine: &mut Machine,
        id: &ContainerId,
        spec: &ContainerSpec,
    ) -> Result<Option<Self>, Error> {
        let Some(sockets) = machine.take_resolver() else {
            return Ok(None);
        };
        let netns = machine.netns_inside()?.try_clone()?;
        let state_dir = machine.paths().state_dir().to_owned();
        let spec = with_name_defaults(spec, machine.paths())?;
        let mind = ContainerMind::new(id, spec, state_dir, netns);
        Ok(Some(Resolver::new(sockets, mind)))
    }

    /// One that has these sockets and knows this.
    pub(crate) fn new(sockets: Sockets, mind: ContainerMind) -> Self {
        Resolver {
            sockets,
            mind: Arc::new(mind),
        }
    }

    /// Begins to answer. Must be called within the event loop.
    pub(crate) fn listen(self) -> Answering {
        Door::new(self.sockets, self.mind).open()
    }
}
