//! Listening, and never more than there is room for.

use super::{
    ADDRESS, LISTENS,
    connection::attend,
    exchange::Dial,
    forward::forward,
    question::Question,
    upstream::Upstreams,
    wire::{Outcome, Transport},
};
use std::{collections::VecDeque, io, net::SocketAddr, ops::Range, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::Semaphore,
    task::AbortHandle,
};

/// So many questions may be under way outside; more are refused.
const UNDER_WAY: usize = 512;
/// So many connections are open; one more, and the oldest goes.
const CONNECTIONS: usize = 64;
/// How long is waited when no connection can be accepted.
const OUT_OF_BREATH: Duration = Duration::from_millis(300);
/// Longer than any question: a name has 255 bytes at most, EDNS options are few.
pub(super) const LONGEST_QUESTION: usize = 4096;
/// So many bytes of datagrams are taken before they are answered, and others have their turn.
const BURST: usize = 2 * LONGEST_QUESTION;

/// The sockets of a container's resolver, which stay in the namespace in which they were
/// opened.
#[derive(Debug)]
pub struct Sockets {
    udp: std::net::UdpSocket,
    tcp: std::net::TcpListener,
}

impl Sockets {
    /// Opens them in the namespace of the calling thread, whose loopback must be up.
    ///
    /// # Errors
    /// As `bind` has them; `EADDRINUSE` where they are open already.
    pub fn open() -> io::Result<Self> {
        let udp = std::net::UdpSocket::bind((ADDRESS, LISTENS))?;
        udp.set_nonblocking(true)?;
        let tcp = std::net::TcpListener::bind((ADDRESS, LISTENS))?;
        tcp.set_nonblocking(true)?;
        Ok(Sockets { udp, tcp })
    }
}

impl From<(std::net::UdpSocket, std::net::TcpListener)> for Sockets {
    /// Sockets of a resolver that another process has opened.
    fn from((udp, tcp): (std::net::UdpSocket, std::net::TcpListener)) -> Self {
        Sockets { udp, tcp }
    }
}

impl From<Sockets> for (std::net::UdpSocket, std::net::TcpListener) {
    fn from(sockets: Sockets) -> Self {
        (sockets.udp, sockets.tcp)
    }
}

/// Who knows what names mean, and whom to ask.
pub trait Mind: Dial {
    /// What is to be done with each of these questions, in their order. All of them were
    /// there before this is called, so what is looked up now is true for all of them.
    fn answer(&self, questions: &[&[u8]], transport: Transport) -> Vec<Outcome>;

    /// The servers to ask.
    fn upstreams(&self) -> Arc<Upstreams>;
}

/// A resolver that listens; it stops when this is dropped.
#[derive(Debug)]
pub struct Service {
    tasks: [AbortHandle; 2],
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What the tasks share.
pub(super) struct Shared {
    pub(super) mind: Arc<dyn Mind>,
    under_way: Semaphore,
}

impl Service {
    /// Answers what comes on these sockets. Must be called within an event loop.
    ///
    /// # Errors
    /// When the sockets cannot be watched.
    pub fn start(sockets: Sockets, mind: Arc<dyn Mind>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            mind,
            under_way: Semaphore::new(UNDER_WAY),
        });
        let udp = Arc::new(UdpSocket::from_std(sockets.udp)?);
        let tcp = TcpListener::from_std(sockets.tcp)?;
        Ok(Service {
            tasks: [
                tokio::spawn(take_datagrams(udp, Arc::clone(&shared))).abort_handle(),
                tokio::spawn(take_connections(tcp, shared)).abort_handle(),
            ],
        })
    }
}

async fn take_datagrams(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        take_burst(&socket, &shared);
        tokio::task::yield_now().await;
    }
}

/// Takes what has come, and then answers it: what is true is looked up once for all of it.
fn take_burst(socket: &Arc<UdpSocket>, shared: &Arc<Shared>) {
    let mut buffer = [0; BURST];
    let mut came: Vec<(Range<usize>, SocketAddr)> = Vec::new();
    let mut end = 0;
    while BURST - end >= LONGEST_QUESTION {
        match socket.try_recv_from(&mut buffer[end..]) {
            Ok((length, asker)) => {
                came.push((end..end + length, asker));
                // An empty one takes no room, and must not be taken for ever.
                end += length.max(1);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // An earlier answer found nobody any more.
            Err(_) => end += 1,
        }
    }
    let questions: Vec<&[u8]> = came.iter().map(|(at, _)| &buffer[at.clone()]).collect();
    let outcomes = shared.mind.answer(&questions, Transport::Udp);
    for (outcome, (_, asker)) in outcomes.into_iter().zip(came) {
        settle(socket, shared, outcome, asker);
    }
}

fn settle(socket: &Arc<UdpSocket>, shared: &Arc<Shared>, outcome: Outcome, asker: SocketAddr) {
    match outcome {
        // Who does not take its answers asks again.
        Outcome::Reply(reply) => drop(socket.try_send_to(&reply, asker)),
        Outcome::Silence => {}
        Outcome::Forward(question) => {
            if !shared.has_room() {
                drop(socket.try_send_to(&question.refused(), asker));
                return;
            }
            let (socket, shared) = (Arc::clone(socket), Arc::clone(shared));
            tokio::spawn(async move {
                let answer = shared.ask(&question).await;
                drop(socket.try_send_to(&answer, asker));
            });
        }
    }
}

impl Shared {
    /// Whether one more question may be asked outside.
    pub(super) fn has_room(&self) -> bool {
        self.under_way.available_permits() > 0
    }

    /// Asks outside, if there is room for one more.
    pub(super) async fn ask(&self, question: &Question) -> Vec<u8> {
        let Ok(_room) = self.under_way.try_acquire() else {
            return question.refused();
        };
        let forwarded = forward(question, &self.mind.upstreams(), &*self.mind).await;
        forwarded.bytes
    }
}

async fn take_connections(listener: TcpListener, shared: Arc<Shared>) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of descriptors, say: whoever is connected may finish meanwhile.
                tokio::time::sleep(OUT_OF_BREATH).await;
                continue;
            }
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let shared = Arc::clone(&shared);
        let connection = tokio::spawn(async move {
            // One that breaks has ended.
            let _ = attend(stream, shared).await;
        });
        open.push_back(connection.abort_handle());
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
