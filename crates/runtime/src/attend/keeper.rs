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
    io,
    net::SocketAddrV4,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::oneshot,
    task::AbortHandle,
};

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
    Held(Hold),
    /// By a task that accepts connections, until the sender is dropped; then it carries on
    /// those that it has.
    RelayedTcp(Arc<TcpListener>, #[expect(dead_code)] oneshot::Sender<()>),
    /// By a task that copies what comes.
    RelayedUdp(Arc<UdpSocket>, AbortHandle),
}

impl How {
    /// Begins to keep a port.
    fn begin(hold: Hold, target: Option<SocketAddrV4>) -> io::Result<Self> {
        match (hold, target) {
            (Hold::RelayTcp(listener), Some(target)) => {
                listener.set_nonblocking(true)?;
                let listener = Arc::new(TcpListener::from_std(listener)?);
                let (open, closed) = oneshot::channel();
                tokio::spawn(relay::tcp(listener.clone(), target, closed));
                Ok(How::RelayedTcp(listener, open))
            }
            (Hold::RelayUdp(socket), Some(target)) => {
                socket.set_nonblocking(true)?;
                let socket = Arc::new(UdpSocket::from_std(socket)?);
                let task = tokio::spawn(relay::udp(socket.clone(), target));
                Ok(How::RelayedUdp(socket, task.abort_handle()))
            }
            (hold, _) => Ok(How::Held(hold)),
        }
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            How::Held(hold) => hold.socket(),
            How::RelayedTcp(listener, _) => Some(listener.as_fd()),
            How::RelayedUdp(socket, _) => Some(socket.as_fd()),
        }
    }
}

impl Drop for How {
    fn drop(&mut self) {
        if let How::RelayedUdp(_, task) = self {
            task.abort();
        }
    }
}

impl Keeper {
    /// Keeps these ports, and takes calls on the control socket if there is one. Must be
    /// called within the event loop.
    pub(super) fn keep(relays: Vec<Relay>, control: Option<OwnedFd>) -> Result<Self, Error> {
        let keeper = Keeper::default();
        for relay in relays {
            let added = keeper.add(relay);
            added.map_err(Error::process("watch a published port"))?;
        }
        if let Some(control) = control {
            let calls = keeper.take_calls(control);
            calls.map_err(Error::process("listen on the control socket"))?;
        }
        Ok(keeper)
    }

    fn add(&self, relay: Relay) -> io::Result<()> {
        let Relay {
            held: HeldPort { port, hold },
            target,
        } = relay;
        let how = How::begin(hold, target)?;
        self.lock().push(Kept { port, how });
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(&self, request: Request, socket: Option<OwnedFd>) -> (Answer, Option<OwnedFd>) {
        let answer = |outcome: io::Result<Option<OwnedFd>>| match outcome {
            Ok(socket) => (Answer::Done, socket),
            Err(error) => (Answer::Failed(error.to_string()), None),
        };
        answer(match request {
            Request::Hold(port, to) => {
                let target = to.map(|to| SocketAddrV4::new(to, port.container_port));
                let held = control::held(port, socket);
                self.add(Relay { held, target }).map(|()| None)
            }
            Request::Release(port) => {
                // What is not held is let go already.
                self.lock().retain(|kept| kept.port != port);
                Ok(None)
            }
            Request::Lend(port) => self.lend(port),
        })
    }

    /// One more descriptor of a port's socket; none, if it is not held or by nothing.
    fn lend(&self, port: PublishedPort) -> io::Result<Option<OwnedFd>> {
        let kept = self.lock();
        let kept = kept.iter().find(|kept| kept.port == port);
        let socket = kept.and_then(|kept| kept.how.socket());
        socket.map(|socket| socket.try_clone_to_owned()).transpose()
    }

    /// Takes calls for as long as the event loop runs.
    fn take_calls(&self, listener: OwnedFd) -> io::Result<()> {
        let keeper = self.clone();
        let listener = watch(listener)?;
        tokio::spawn(async move {
            while let Ok(mut ready) = listener.readable().await {
                let answer = |request, socket| keeper.act(request, socket);
                match control::take_call(ready.get_inner().as_fd(), answer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
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
