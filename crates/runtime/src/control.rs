//! The line to a container's supervisor: what it can be asked while the container runs.
//!
//! A host port is held by a socket, and a socket by a process that lives as long as the
//! container. So who publishes one more port binds it, and hands the socket over:
//!
//! ```text
//!  minet publish web 8080:80                     supervisor of web
//!    bind 0.0.0.0:8080 ── Hold + SCM_RIGHTS ──▶  keeps it, or relays it
//!    nft: one element more
//!
//!  minet publish --take api 8080:80
//!    Lend              ──────────────────────▶  web: shares its socket
//!    Hold + SCM_RIGHTS ──────────────────────▶  api: the very same one
//!    Release           ──────────────────────▶  web
//! ```
//!
//! And who stands guard tells a supervisor to look inside (`attend/inside.rs`).
//!
//! A port that is taken over is never free in between, and whoever waits in the backlog of
//! its socket is not turned away.
//!
//! The line is a sequenced-packet socket beside the container's generated files, where only
//! root comes (`etc_dir.rs`); and the supervisor looks who is calling (`SO_PEERCRED`).

use crate::{
    Error, etc_dir,
    messages::{receive, send},
    ports::{HeldPort, Hold},
    settings::Settings,
};
use minet_model::{Protocol, PublishedPort};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen,
    socket_with, sockopt,
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
    time::Duration,
};

/// What a supervisor is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Keep this port, whose socket comes along, and relay it there if the kernel cannot;
    /// without an address, let whoever comes wait.
    Hold(PublishedPort, Option<Ipv4Addr>),
    /// Let go of this port. Connections that came by it go on.
    Release(PublishedPort),
    /// Share this port's socket, for another supervisor to hold as well.
    Lend(PublishedPort),
    /// Look which addresses there are inside: something is said to have changed.
    Look,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It is so.
    Done,
    /// It is not, and why.
    Failed(String),
}

/// More than any message needs.
const LONGEST: usize = 4096;

/// How long either side waits for the other, which only has to look and answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A directory's socket has a path of any length through the directory's descriptor,
/// where a socket's own path ends after 107 bytes (unix(7)).
fn address(dir: &OwnedFd) -> io::Result<SocketAddrUnix> {
    let path = format!("/proc/self/fd/{}/control", dir.as_raw_fd());
    Ok(SocketAddrUnix::new(path)?)
}

fn socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}

/// Opens the supervisor's end. It goes with the directory.
fn open(dir: &Path) -> Result<OwnedFd, Error> {
    let open = || -> io::Result<OwnedFd> {
        let listener = socket(SocketFlags::NONBLOCK)?;
        bind(&listener, &address(&etc_dir::open(dir)?)?)?;
        listen(&listener, 8)?;
        Ok(listener)
    };
    open().map_err(Error::file("open the control socket in", dir))
}

/// The supervisor's end for a container with cables: only that has ports that can come
/// and go.
pub(crate) fn open_for(settings: &Settings) -> Result<Option<OwnedFd>, Error> {
    let wired = !settings.attachments.is_empty();
    wired.then(|| open(&settings.etc_dir)).transpose()
}

/// Takes one call, if it is root's and the line is free; and answers all of its requests.
pub(crate) fn take_call(
    listener: BorrowedFd<'_>,
    mut act: impl FnMut(Request, Option<OwnedFd>) -> (Answer, Option<OwnedFd>),
) -> io::Result<()> {
    let line = accept_with(listener, SocketFlags::CLOEXEC)?;
    if !sockopt::socket_peercred(&line)?.uid.is_root() {
        return Ok(());
    }
    be_patient(line.as_fd())?;
    while let Some((request, descriptor)) = receive(line.as_fd(), &mut [0; LONGEST])? {
        let (answer, descriptor) = act(request, descriptor);
        send(line.as_fd(), &answer, descriptor.as_ref().map(AsFd::as_fd))?;
    }
    Ok(())
}

fn be_patient(line: BorrowedFd<'_>) -> io::Result<()> {
    sockopt::set_socket_timeout(line, sockopt::Timeout::Recv, Some(PATIENCE))?;
    Ok(sockopt::set_socket_timeout(
        line,
        sockopt::Timeout::Send,
        Some(PATIENCE),
    )?)
}

/// Tells the supervisor whose generated files are in this directory to look inside. It does
/// so when it comes to it, since it may be this very process.
pub(crate) fn tell_to_look(dir: &Path) -> io::Result<()> {
    let socket = socket(SocketFlags::NONBLOCK)?;
    connect(&socket, &address(&etc_dir::open(dir)?)?)?;
    send(socket.as_fd(), &Request::Look, None)
}

/// The calling end.
pub(crate) struct Line {
    socket: OwnedFd,
    name: String,
}

impl Line {
    /// Calls the supervisor whose generated files are in this directory.
    pub(crate) fn call(dir: &Path, name: &str) -> Result<Self, Error> {
        let call = || -> io::Result<OwnedFd> {
            let socket = socket(SocketFlags::empty())?;
            connect(&socket, &address(&etc_dir::open(dir)?)?)?;
            be_patient(socket.as_fd())?;
            Ok(socket)
        };
        let socket = call().map_err(Error::file("call the supervisor in", dir))?;
        Ok(Line {
            socket,
            name: name.to_owned(),
        })
    }

    /// Hands a held port over.
    pub(crate) fn hold(&self, held: &HeldPort, to: Option<Ipv4Addr>) -> Result<(), Error> {
        self.ask(&Request::Hold(held.port, to), held.hold.socket())
    }

    /// Has a port let go.
    pub(crate) fn release(&self, port: PublishedPort) -> Result<(), Error> {
        self.ask(&Request::Release(port), None)
    }

    /// A port as it is held now, if it is, by a socket that both hold from then on.
    pub(crate) fn borrow(&self, port: PublishedPort) -> Result<Option<HeldPort>, Error> {
        match self.exchange(&Request::Lend(port), None) {
            // A supervisor of an older minet hangs up on what it does not understand.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            answered => {
                let socket = self.understand(answered)?;
                Ok(socket.map(|socket| held(port, Some(socket))))
            }
        }
    }

    fn ask(&self, request: &Request, descriptor: Option<BorrowedFd<'_>>) -> Result<(), Error> {
        self.understand(self.exchange(request, descriptor))
            .map(drop)
    }

    fn exchange(
        &self,
        request: &Request,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<(Answer, Option<OwnedFd>)> {
        send(self.socket.as_fd(), request, descriptor)?;
        receive(self.socket.as_fd(), &mut [0; LONGEST])?
            .ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    fn understand(
        &self,
        answered: io::Result<(Answer, Option<OwnedFd>)>,
    ) -> Result<Option<OwnedFd>, Error> {
        match answered.map_err(Error::process("speak with the supervisor"))? {
            (Answer::Done, descriptor) => Ok(descriptor),
            (Answer::Failed(why), _) => Err(Error::Supervisor {
                container: self.name.clone(),
                why,
            }),
        }
    }
}

/// A held port made of a socket that came over the line.
pub(crate) fn held(port: PublishedPort, socket: Option<OwnedFd>) -> HeldPort {
    let hold = match (socket, port.host_ip.is_ipv4(), port.protocol) {
        (None, ..) => Hold::Nobody,
        (Some(socket), true, _) | (Some(socket), false, Protocol::Sctp) => Hold::Nat(socket.into()),
        (Some(socket), false, Protocol::Tcp) => Hold::RelayTcp(socket.into()),
        (Some(socket), false, Protocol::Udp) => Hold::RelayUdp(socket.into()),
    };
    HeldPort { port, hold }
}
