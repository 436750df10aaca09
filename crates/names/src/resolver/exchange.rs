//! One question to one server, and its answer.

use super::{framed, question::Question, upstream::Server, wire::Transport};
use hickory_proto::op::ResponseCode;
use rustix::net::{RecvFlags, recv};
use std::{io, os::fd::OwnedFd, time::Duration};
use tokio::{
    io::Interest,
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// More than a server sends: who wants more asks over TCP.
const LONGEST_DATAGRAM: usize = 8192;

/// A datagram, or its answer, may be lost. After so long it is sent again, then after twice
/// as long; under the same number from the same port, so that a late answer is one, too.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Who opens sockets on the side from which a server is asked.
pub trait Dial: Send + Sync {
    /// A socket to this server: for UDP a connected one, so that the kernel drops what comes
    /// from elsewhere, under a random port; for TCP one that may still be connecting.
    fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd>;
}

/// Asks, and waits for the answer for as long as it is let.
pub(super) async fn exchange(
    question: &Question,
    server: Server,
    dial: &dyn Dial,
) -> io::Result<(ResponseCode, Vec<u8>)> {
    let asked = Asked::new(question)?;
    let socket = dial.dial(server, question.transport())?;
    match question.transport() {
        Transport::Udp => asked.over_udp(socket).await,
        Transport::Tcp => asked.over_tcp(socket).await,
    }
}

/// A question under a number of its own, which a forger would have to guess.
struct Asked<'q> {
    question: &'q Question,
    id: u16,
    bytes: Vec<u8>,
}

impl<'q> Asked<'q> {
    fn new(question: &'q Question) -> io::Result<Self> {
        let random = getrandom::u32().map_err(io::Error::other)?;
        let id = (random >> 16) as u16;
        Ok(Asked {
            question,
            id,
            bytes: question.under(id),
        })
    }

    async fn over_udp(&self, socket: OwnedFd) -> io::Result<(ResponseCode, Vec<u8>)> {
        let socket = UdpSocket::from_std(socket.into())?;
        let mut patience = AGAIN_AFTER;
        loop {
            socket.send(&self.bytes).await?;
            if let Ok(heard) = timeout(patience, self.hear(&socket)).await {
                return heard;
            }
            patience *= 2;
        }
    }

    /// What does not answer the question is dropped, as if it had not come: it may be forged.
    async fn hear(&self, socket: &UdpSocket) -> io::Result<(ResponseCode, Vec<u8>)> {
        // That nobody listens there is an error of the socket's, and nothing to read: who
        // waits for it asks the next server at once.
        let heard = Interest::READABLE | Interest::ERROR;
        loop {
            let answer = socket.async_io(heard, || receive(socket)).await?;
            if let Some(code) = self.question.is_answered_by(&answer, self.id) {
                return Ok((code, answer));
            }
        }
    }

    async fn over_tcp(&self, socket: OwnedFd) -> io::Result<(ResponseCode, Vec<u8>)> {
        let mut stream = TcpStream::from_std(socket.into())?;
        stream.writable().await?;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        framed::send(&mut stream, &self.bytes).await?;
        let answer = framed::receive(&mut stream, usize::from(u16::MAX)).await?;
        let code = self.question.is_answered_by(&answer, self.id);
        Ok((code.ok_or(io::ErrorKind::InvalidData)?, answer))
    }
}

/// The buffer is here, not in the task: while it waits, a task is small.
fn receive(socket: &UdpSocket) -> io::Result<Vec<u8>> {
    let mut buffer = [0; LONGEST_DATAGRAM];
    let (length, _) = recv(socket, &mut buffer, RecvFlags::DONTWAIT)?;
    Ok(buffer[..length].to_vec())
}
