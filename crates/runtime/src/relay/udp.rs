//! UDP: a socket of its own towards the container for every client, so that answers find
//! their way back.
//!
//! The host may have several addresses, and a client only takes an answer that comes
//! from the one it asked. So each datagram's destination is read from its `IPV6_PKTINFO`
//! (RFC 3542 section 6), and answers are sent with the same.
//!
//! A datagram that cannot be passed on at once is lost, as on any full link. Answers of
//! ICMP, such as "port unreachable", are not passed on.

use super::{
    room::Room,
    sessions::{Key, Session, Sessions},
};
use nix::{
    cmsg_space,
    sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt,
        sockopt::Ipv6RecvPacketInfo,
    },
};
use std::{
    convert::Infallible,
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    net::{Ipv4Addr, Ipv6Addr, SocketAddrV4},
    os::fd::AsRawFd,
    sync::Arc,
};
use tokio::{
    io::Interest,
    net::UdpSocket,
    task::JoinSet,
    time::{Duration, sleep, timeout_at},
};

/// Clients at a time on one port.
pub const MAX_SESSIONS: usize = 1024;

/// The longest datagram (RFC 768: a 16-bit length).
const LONGEST: usize = 65536;

/// Datagrams in a row before others have their turn.
const BURST: usize = 64;

/// After an error of the socket itself, such as no memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `socket` until this is dropped: each client's datagrams go to `to`.
///
/// # Errors
///
/// When the socket cannot tell where datagrams were sent; never later.
pub async fn udp(socket: Arc<UdpSocket>, to: SocketAddrV4) -> io::Result<Infallible> {
    serve(socket, to, MAX_SESSIONS).await
}

async fn serve(
    socket: Arc<UdpSocket>,
    to: SocketAddrV4,
    max_sessions: usize,
) -> io::Result<Infallible> {
    setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
    let mut relay = Relay {
        room: Room::take(),
        clients: socket,
        to,
        sessions: Sessions::new(max_sessions),
        tasks: JoinSet::new(),
    };
    loop {
        tokio::select! {
            // First, so that no datagram goes to a session that nobody reads any more.
            biased;
            Some(ended) = relay.tasks.join_next_with_id() => {
                if let Ok((id, key)) = ended {
                    relay.sessions.remove(&key, id);
                }
            }
            ready = relay.clients.readable() => {
                if ready.is_err() || relay.forward().is_err() {
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

struct Relay {
    room: Room,
    clients: Arc<UdpSocket>,
    to: SocketAddrV4,
    sessions: Sessions,
    tasks: JoinSet<Key>,
}

impl Relay {
    /// Passes on what clients have sent, up to a [`BURST`].
    fn forward(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        for _ in 0..BURST {
            let receive = || receive(&self.clients, &mut buffer);
            let (len, key) = match self.clients.try_io(Interest::READABLE, receive) {
                Ok((len, Some(key))) => (len, key),
                Ok((_, None)) => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            // Without a descriptor for another client its datagram is lost.
            if let Ok(session) = self.session(key) {
                session.asked();
                // Not through tokio, which does not know yet that a new socket is writable.
                let _ = nix::sys::socket::send(
                    session.socket.as_raw_fd(),
                    &buffer[..len],
                    MsgFlags::MSG_DONTWAIT,
                );
            }
        }
        Ok(())
    }

    fn session(&mut self, key: Key) -> io::Result<Arc<Session>> {
        if let Some(session) = self.sessions.get(&key) {
            return Ok(session.clone());
        }
        self.sessions.make_room(self.room.clients(1, MAX_SESSIONS));
        let session = Arc::new(Session::new(connect(self.to)?));
        let answers = answer(self.clients.clone(), session.clone(), key);
        let task = self.tasks.spawn(answers);
        self.sessions.insert(key, session.clone(), task);
        Ok(session)
    }
}

/// A connected socket: the kernel then drops whatever comes from elsewhere.
fn connect(to: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Sends the container's datagrams back to the client until both are silent.
async fn answer(clients: Arc<UdpSocket>, session: Arc<Session>, key: Key) -> Key {
    loop {
        let deadline = session.deadline();
        match timeout_at(deadline, session.socket.readable()).await {
            Ok(Ok(())) => answer_burst(&clients, &session, &key),
            Ok(Err(_)) => return key,
            // The client may have sent something meanwhile.
            Err(_) if session.deadline() > deadline => {}
            Err(_) => return key,
        }
    }
}

fn answer_burst(clients: &UdpSocket, session: &Session, key: &Key) {
    let mut buffer = vec![0; LONGEST];
    for _ in 0..BURST {
        match session.socket.try_recv(&mut buffer) {
            Ok(len) => {
                session.replied();
                let _ = send(clients, &buffer[..len], key);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            // `ECONNREFUSED`: nobody listens in the container, perhaps not yet.
            Err(_) => {}
        }
    }
}

/// One datagram with its sender and the address to which it was sent; no key where the
/// kernel did not tell one of them.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<Key>)> {
    let mut control = cmsg_space!(nix::libc::in6_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrIn6>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let info = message.cmsgs()?.find_map(|message| {
        let ControlMessageOwned::Ipv6PacketInfo(info) = message else {
            return None;
        };
        Some(info)
    });
    let key = message.address.zip(info).map(|(client, info)| Key {
        client: client.into(),
        local: Ipv6Addr::from(info.ipi6_addr.s6_addr),
        interface: info.ipi6_ifindex,
    });
    Ok((message.bytes, key))
}

/// One datagram to the client, from the address that it knows.
fn send(socket: &UdpSocket, datagram: &[u8], key: &Key) -> io::Result<()> {
    // Elsewhere the routing table chooses the way out, which need not be the way in.
    let interface = match key.local.is_unicast_link_local() {
        true => key.interface,
        false => 0,
    };
    let info = nix::libc::in6_pktinfo {
        ipi6_addr: nix::libc::in6_addr {
            s6_addr: key.local.octets(),
        },
        ipi6_ifindex: interface,
    };
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(datagram)],
        &[ControlMessage::Ipv6PacketInfo(&info)],
        MsgFlags::MSG_DONTWAIT,
        Some(&SockaddrIn6::from(key.client)),
    )?;
    Ok(())
}

#[cfg(test)]
#[path = "udp_tests.rs"]
mod tests;
