//! The supervisor's side of its container's resolver: it waits until somebody asks, starts the
//! process that reads, and tells that what it needs to know.
//!
//! ```text
//!  container        supervisor (root)                        reader (UID 0, no rights)
//!  a question ──▶ │ door.rs: it can be read; it is not read
//!                 │ retreat ───────────────────────────────▶ reader.rs: takes it
//!                 │ "what does db mean?"  ◀───────────────── line.rs
//!                 │ mind.rs, the store    ─────────────────▶ "172.18.0.3"
//!          ◀───────────────────────────────────────────────  the answer
//! ```
//!
//! So nobody who is root parses what a container sends, or what servers outside answer; and
//! while nobody asks, there is no process but the supervisor.

use super::{
    ContainerMind,
    line::{Ask, LONGEST_ASK, Told},
    reader,
};
use crate::{
    Error,
    attend::watch::watch,
    messages::{receive, send},
};
use minet_names::resolver::Sockets;
use minet_netns::{HermitFiles, retreat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::{
    io::ioctl_fionbio,
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
};
use std::{
    io,
    net::{TcpListener, UdpSocket},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    time::Duration,
};
use tokio::{task::AbortHandle, time::sleep};

/// Between a reader that has failed and the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// A resolver that answers, until this is dropped.
pub(crate) struct Answering(AbortHandle);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What waits for questions.
pub(super) struct Door {
    udp: UdpSocket,
    tcp: TcpListener,
    mind: Arc<ContainerMind>,
}

impl Door {
    pub(super) fn new(sockets: Sockets, mind: Arc<ContainerMind>) -> Self {
        let (udp, tcp) = sockets.into();
        Door { udp, tcp, mind }
    }

    /// Begins to wait. Must be called within the event loop.
    pub(super) fn open(self) -> Answering {
        let keep = async move {
            loop {
                let kept = match self.wait().await {
                    Ok(()) => self.let_in().await,
                    failed => failed,
                };
                minet_netns::give_back_memory();
                // One that has failed because of what it read would fail again at once.
                if kept.is_err() {
                    sleep(PAUSE).await;
                }
            }
        };
        Answering(tokio::spawn(keep).abort_handle())
    }

    /// Until there is something to read. Nobody is woken up by more of it, for as long as
    /// somebody reads.
    async fn wait(&self) -> io::Result<()> {
        let udp = watch(self.udp.try_clone()?.into())?;
        let tcp = watch(self.tcp.try_clone()?.into())?;
        while !(can_be_read(self.udp.as_fd())? || can_be_read(self.tcp.as_fd())?) {
            tokio::select! {
                ready = udp.readable() => ready?.clear_ready(),
                ready = tcp.readable() => ready?.clear_ready(),
            }
        }
        Ok(())
    }

    /// Starts a reader and tells it what it asks, until it ends.
    async fn let_in(&self) -> io::Result<()> {
        let (line, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        // Only on this side: the other one waits for its answers.
        ioctl_fionbio(&line, true)?;
        let files = HermitFiles {
            line: theirs,
            answers: self.udp.try_clone()?.into(),
            other: self.tcp.try_clone()?.into(),
        };
        let _reader = retreat(files, reader::NAME).map_err(io::Error::other)?;
        // While it starts the store is opened, which takes as long; what is in the way of that
        // is told to whoever asks.
        let _ = self.mind.meanings(&[]);
        self.tell(line).await
    }

    async fn tell(&self, line: OwnedFd) -> io::Result<()> {
        let line = watch(line)?;
        let mut space = vec![0; LONGEST_ASK];
        loop {
            let mut ready = line.readable().await?;
            let asked = receive(line.get_ref().as_fd(), &mut space);
            // It waits for its answer before it asks again: there is nothing more to be read,
            // and others have their turn.
            ready.clear_ready();
            match asked {
                Ok(Some((ask, _))) => {
                    let (told, socket) = self.answer(ask);
                    let socket = socket.as_ref().map(OwnedFd::as_fd);
                    send(line.get_ref().as_fd(), &told, socket)?;
                }
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&self, ask: Ask) -> (Told, Option<OwnedFd>) {
        let told = match ask {
            Ask::Meanings(names) => self.mind.meanings(&names),
            Ask::Servers => Ok(Told::Servers(self.mind.upstreams().servers().to_vec())),
            Ask::Dial(server, transport) => match self.mind.dial(server, transport) {
                Ok(socket) => return (Told::Dialed, Some(socket)),
                Err(error) => Err(Error::process("dial")(error)),
            },
        };
        (told.unwrap_or(Told::Failed), None)
    }
}

fn can_be_read(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut sockets = [PollFd::new(socket, PollFlags::POLLIN)];
    Ok(poll(&mut sockets, PollTimeout::ZERO)? > 0)
}
