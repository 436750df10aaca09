//! The published ports of a running container: held, relayed, and changed on request.

use super::{Relay, watch::watch};
use crate::{
    Error,
    control::{self, Answer, Request},
    ports::{HeldPort, Hold},
    relay,
};
use minet_model::PublishedPort;
use std::{
    net::SocketAddrV4,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::AbortHandle;

/// All ports of one container. They are free again when the last clone is dropped.
#[derive(Clone, Default)]
pub(super) struct Keeper {
    kept: Arc<Mutex<Vec<Kept>>>,
}

struct Kept {
    port: PublishedPort,
    how: How,
}

/// How a port is kept from others.
enum How {
    /// By a socket into which nothing gets.
    Held { _hold: Hold },
    /// By a task that owns the socket and copies what comes.
    Relayed(AbortHandle),
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let How::Relayed(task) = &self.how {
            task.abort();
        }
    }
}

impl Keeper {
    /// Keeps these ports, and takes calls on the control socket if there is one. Must be
    /// called within the event loop.
    pub(super) fn keep(relays: Vec<Relay>, control: Option<OwnedFd>) -> Result<Self, Error> {
        let keeper = Keeper::default();
        relays.into_iter().for_each(|relay| keeper.add(relay));
        if let Some(control) = control {
            let calls = keeper.take_calls(control);
            calls.map_err(Error::process("listen on the control socket"))?;
        }
        Ok(keeper)
    }

    fn add(&self, relay: Relay) {
        let Relay {
            held: HeldPort { port, hold },
            target,
        } = relay;
        let how = match (hold, target) {
            (Hold::RelayTcp(listener), Some(target)) => {
                How::Relayed(tokio::spawn(relay::tcp(listener, target)).abort_handle())
            }
            (Hold::RelayUdp(socket), Some(target)) => {
                How::Relayed(tokio::spawn(relay::udp(socket, target)).abort_handle())
            }
            (hold, _) => How::Held { _hold: hold },
        };
        self.lock().push(Kept { port, how });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(&self, request: Request, socket: Option<OwnedFd>) -> Answer {
        match request {
            Request::Hold(port, to) => {
                let target = Some(SocketAddrV4::new(to, port.container_port));
                let held = control::held(port, socket);
                self.add(Relay { held, target });
                Answer::Done
            }
            Request::Release(port) => {
                // What is not held is let go already.
                self.lock().retain(|kept| kept.port != port);
                Answer::Done
            }
        }
    }

    /// Takes calls for as long as the event loop runs.
    fn take_calls(&self, listener: OwnedFd) -> std::io::Result<()> {
        let keeper = self.clone();
        let listener = watch(listener)?;
        tokio::spawn(async move {
            while let Ok(mut ready) = listener.readable().await {
                let answer = |request, socket| keeper.act(request, socket);
                match control::take_call(ready.get_inner().as_fd(), answer) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        ready.clear_ready();
                    }
                    // A caller that breaks off harms itself alone.
                    Ok(()) | Err(_) => {}
                }
            }
        });
        Ok(())
    }
}
