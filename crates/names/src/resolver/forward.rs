//! Asking the servers outside.

use super::{
    upstream::{Server, Upstreams},
    wire::{Question, Transport},
};
use hickory_proto::op::ResponseCode;
use rustix::net::{RecvFlags, recv};
use std::{io, os::fd::OwnedFd, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout_at},
};

/// How long all servers together may take. The C libraries give up after five seconds and
/// ask again; whoever answers later than that answers nobody.
const PATIENCE: Duration = Duration::from_millis(4500);

/// More than a server sends: who wants more asks over TCP.
const LONGEST_DATAGRAM: usize = 8192;

/// Who opens sockets on the side from which a server is asked.
pub trait Dial: Send + Sync {
    /// A socket to this server: for UDP a connected one, so that the kernel drops what comes
    /// from elsewhere, under a random port; for TCP one that may still be connecting.
    fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd>;
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The answer for who asked.
    pub bytes: Vec<u8>,
    /// Whose it is; none if nobody answered.
    pub server: Option<Server>,
}

/// Asks one server after the other, until one answers; that none did is an answer too.
///
/// The time that is left is shared by the servers that are left, so that the last one is
/// still asked in time. An error of the server (SERVFAIL, REFUSED) makes the next one be
/// asked; that there is no such name is an answer.
pub async fn forward(question: &Question, upstreams: &Upstreams, dial: &dyn Dial) -> Forwarded {
    let end = Instant::now() + PATIENCE;
    let servers = upstreams.turns();
    let mut no = Forwarded {
        bytes: question.unanswered(),
        server: None,
    };
    for (at, server) in servers.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(servers.len() - at).unwrap_or(1);
        let asked = ask(question, *server, dial, Instant::now() + share).await;
        match asked {
            Ok((code, answer)) => {
                let forwarded = Forwarded {
                    bytes: question.pass_on(answer),
                    server: Some(*server),
                };
                match code {
                    ResponseCode::ServFail | ResponseCode::Refused => no = forwarded,
                    _ => return forwarded,
                }
            }
            Err(_) => upstreams.failed(*server),
        }
    }
    no
}

/// The answer of one server, if it comes in time.
async fn ask(
    question: &Question,
    server: Server,
    dial: &dyn Dial,
    deadline: Instant,
) -> io::Result<(ResponseCode, Vec<u8>)> {
    let id = random_id()?;
    let bytes = question.under(id);
    let socket = dial.dial(server, question.transport())?;
    let exchange = async {
        match question.transport() {
            Transport::Udp => over_udp(question, id, &bytes, socket).await,
            Transport::Tcp => over_tcp(question, id, &bytes, socket).await,
        }
    };
    timeout_at(deadline, exchange).await?
}

fn random_id() -> io::Result<u16> {
    let random = getrandom::u32().map_err(io::Error::other)?;
    Ok((random >> 16) as u16)
}

/// What does not answer the question is dropped, as if it had not come: it may be forged.
async fn over_udp(
    question: &Question,
    id: u16,
    bytes: &[u8],
    socket: OwnedFd,
) -> io::Result<(ResponseCode, Vec<u8>)> {
    let socket = UdpSocket::from_std(socket.into())?;
    socket.send(bytes).await?;
    // That nobody listens there is an error of the socket's, and nothing to read: who waits
    // for it asks the next server at once.
    let heard = Interest::READABLE | Interest::ERROR;
    loop {
        let answer = socket.async_io(heard, || receive(&socket)).await?;
        if let Some(code) = question.is_answered_by(&answer, id) {
            return Ok((code, answer));
        }
    }
}

/// The buffer is here, not in the task: while it waits, a task is small.
fn receive(socket: &UdpSocket) -> io::Result<Vec<u8>> {
    let mut buffer = [0; LONGEST_DATAGRAM];
    let (length, _) = recv(socket, &mut buffer, RecvFlags::DONTWAIT)?;
    Ok(buffer[..length].to_vec())
}

async fn over_tcp(
    question: &Question,
    id: u16,
    bytes: &[u8],
    socket: OwnedFd,
) -> io::Result<(ResponseCode, Vec<u8>)> {
    let mut stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    send_framed(&mut stream, bytes).await?;
    let answer = receive_framed(&mut stream, usize::from(u16::MAX)).await?;
    let code = question
        .is_answered_by(&answer, id)
        .ok_or(io::ErrorKind::InvalidData)?;
    Ok((code, answer))
}

/// A message on a connection: its length, and itself (RFC 1035 section 4.2.2), in one
/// segment.
pub(super) async fn send_framed(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut framed = Vec::with_capacity(bytes.len() + 2);
    framed.extend(length.to_be_bytes());
    framed.extend(bytes);
    stream.write_all(&framed).await
}

pub(super) async fn receive_framed(stream: &mut TcpStream, longest: usize) -> io::Result<Vec<u8>> {
    let length = usize::from(stream.read_u16().await?);
    if length > longest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
