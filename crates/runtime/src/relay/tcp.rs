//! TCP: accept, connect, copy both ways.

use super::{
    crowd::Crowd,
    room::{Guests, Room},
};
use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};

/// Connections at a time, if there are descriptors for so many; further clients wait in the
/// listener's backlog, and one that has half of them already is turned away.
pub const MAX_CONNECTIONS: usize = 4096;

/// The container is one bridge away; what does not answer by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait when there is no descriptor or memory left for another client.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes per copy and direction.
const BUFFER: usize = 16 * 1024;

/// Serves `listener` until `closed` is ready: each client is connected to `to`. Then nobody
/// is let in any more, and it ends with the last connection.
///
/// The listener may have other owners, who go on to listen.
pub async fn tcp(listener: Arc<TcpListener>, to: SocketAddrV4, closed: impl Future) {
    let mut relay = Relay {
        to,
        room: Room::take(),
        guests: Guests::default(),
        crowd: Crowd::default(),
        connections: JoinSet::new(),
    };
    relay.let_in(&listener, closed).await;
    drop(listener);
    while let Some(ended) = relay.connections.join_next().await {
        relay.see_off(ended);
    }
}

struct Relay {
    to: SocketAddrV4,
    room: Room,
    guests: Guests,
    crowd: Crowd,
    /// Each ends with the address of its client.
    connections: JoinSet<IpAddr>,
}

impl Relay {
    async fn let_in(&mut self, listener: &TcpListener, closed: impl Future) {
        tokio::pin!(closed);
        loop {
            // One descriptor towards each side.
            let places = self.room.clients(2, MAX_CONNECTIONS);
            tokio::select! {
                Some(ended) = self.connections.join_next() => self.see_off(ended),
                client = listener.accept(), if self.connections.len() < places => {
                    self.receive(client, places).await;
                }
                _ = &mut closed => return,
            }
        }
    }

    async fn receive(&mut self, client: io::Result<(TcpStream, SocketAddr)>, places: usize) {
        match client {
            Ok((client, from)) if self.guests.admit(from.ip(), places) => {
                let to = self.to;
                self.connections.spawn(async move {
                    serve(client, to).await;
                    from.ip()
                });
                self.crowd.one_more(self.connections.len());
            }
            Ok((one_too_many, _)) => drop(one_too_many.set_zero_linger()),
            Err(error) if concerns_one_client(&error) => {}
            Err(_) => sleep(PAUSE).await,
        }
    }

    fn see_off(&mut self, ended: Result<IpAddr, JoinError>) {
        if let Ok(client) = ended {
            self.guests.leave(client);
        }
        self.crowd.one_less(self.connections.len());
    }
}

/// Errors that `accept` hands on from a connection that is already over (`man 2 accept`).
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

async fn serve(mut client: TcpStream, to: SocketAddrV4) {
    let Ok(Ok(mut server)) = timeout(CONNECT_TIMEOUT, TcpStream::connect(to)).await else {
        // The client shall see a reset, as if it had reached the closed port itself.
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (tune(&client), tune(&server));
    if exchange(&mut client, &mut server).await.is_err() {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// What is copied is sent at once, and a peer that vanished is noticed in the end.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_keepalive(true)
}

/// Copies until both directions have ended.
///
/// # Errors
///
/// When one side broke off. Both must then be reset: a plain end would make the other
/// side believe that it has everything.
async fn exchange(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<()> {
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    tokio::try_join!(
        copy(client_reads, server_writes),
        copy(server_reads, client_writes),
    )?;
    Ok(())
}

/// Copies one direction until its source ends, and passes the end on.
///
/// When the destination no longer takes anything that is no error: it may have said all
/// it had to say and left, and the other direction still carries that.
async fn copy(source: ReadHalf<'_>, mut destination: WriteHalf<'_>) -> io::Result<()> {
    loop {
        source.readable().await?;
        // Allocated for what is there now, so that an idle connection has no buffer.
        let mut buffer = vec![0; BUFFER];
        loop {
            match source.try_read(&mut buffer) {
                Ok(0) => {
                    let _ = destination.shutdown().await;
                    return Ok(());
                }
                Ok(len) => {
                    if destination.write_all(&buffer[..len]).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
