//! One question over the network, and who seemed to ask it.

use minet_model::Protocol;
use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for an answer that should come: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for one that should not. Everything is on one machine.
const DOUBT: Duration = Duration::from_millis(250);
/// How often a server looks whether it is still wanted.
const MOMENT: Duration = Duration::from_millis(5);

/// What the asker expects, which decides how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Answer,
    Silence,
}

/// Runs the closure in a named namespace, on a thread that then dies.
pub(crate) fn inside<T: Send>(name: &str, run: impl FnOnce() -> T + Send) -> T {
    let enter = || {
        let netns = File::open(format!("/run/netns/{name}")).expect("a named namespace");
        setns(netns, CloneFlags::CLONE_NEWNET).expect("enter a namespace");
        run()
    };
    let result = thread::scope(|scope| scope.spawn(enter).join());
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A client in one namespace asks `target`; a server in another waits on `port`.
///
/// The address that the server saw, or nothing if no answer came.
pub(crate) fn ask(
    client: &str,
    target: SocketAddrV4,
    (server, port): (&str, u16),
    protocol: Protocol,
    expect: Expect,
) -> Option<IpAddr> {
    let patience = match expect {
        Expect::Answer => PATIENCE,
        Expect::Silence => DOUBT,
    };
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        let (ready, is_ready) = channel();
        let serving = scope.spawn(move || {
            inside(server, || match protocol {
                Protocol::Tcp => serve_tcp(port, ready, over),
                Protocol::Udp => serve_udp(port, ready, over),
                Protocol::Sctp => panic!("the standard library has no SCTP"),
            })
        });
        is_ready.recv().expect("the server listens");
        let answered = inside(client, || match protocol {
            Protocol::Tcp => ask_tcp(target, patience),
            Protocol::Udp | Protocol::Sctp => ask_udp(target, patience),
        });
        over.store(true, Ordering::Relaxed);
        let seen = serving.join().expect("the server does not panic");
        answered.then_some(seen).flatten()
    })
}

/// The socket of the server before may live a moment longer: in a child that another test
/// has forked and that has not executed its program yet.
fn bound<S>(bind: impl Fn() -> std::io::Result<S>) -> S {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match bind() {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(MOMENT);
            }
            result => return result.expect("bind"),
        }
    }
}

fn serve_tcp(port: u16, ready: Sender<()>, over: &AtomicBool) -> Option<IpAddr> {
    let listener = bound(|| TcpListener::bind(("0.0.0.0", port)));
    listener.set_nonblocking(true).expect("not to block");
    ready.send(()).expect("somebody waits");
    while !over.load(Ordering::Relaxed) {
        if let Ok((mut stream, peer)) = listener.accept() {
            stream.write_all(b"answer").ok()?;
            return Some(peer.ip());
        }
        thread::sleep(MOMENT);
    }
    None
}

fn ask_tcp(target: SocketAddrV4, patience: Duration) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&target.into(), patience) else {
        return false;
    };
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).is_ok()
}

fn serve_udp(port: u16, ready: Sender<()>, over: &AtomicBool) -> Option<IpAddr> {
    let socket = bound(|| UdpSocket::bind(("0.0.0.0", port)));
    socket.set_read_timeout(Some(MOMENT)).expect("a timeout");
    ready.send(()).expect("somebody waits");
    while !over.load(Ordering::Relaxed) {
        if let Ok((_, peer)) = socket.recv_from(&mut [0; 16]) {
            socket.send_to(b"answer", peer).ok()?;
            return Some(peer.ip());
        }
    }
    None
}

fn ask_udp(target: SocketAddrV4, patience: Duration) -> bool {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind");
    socket.set_read_timeout(Some(patience)).expect("a timeout");
    // A refusal (ICMP) ends the waiting: nothing came through.
    let mut answer = [0; 16];
    socket.connect(target).is_ok()
        && socket.send(b"question").is_ok()
        && socket.recv(&mut answer).is_ok()
}

/// Sends one datagram under this source address.
pub(crate) fn send_from(source: &str, target: &str) {
    let socket = UdpSocket::bind((source, 0)).expect("bind to the address");
    socket.send_to(b"spoof", target).expect("send");
}

/// Sends a TCP segment with RST from port 80 to port 80, of a connection that never was.
pub(crate) fn send_reset(target: &str) {
    const SEGMENT: [u8; 20] = [
        0, 80, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x04, 0, 0, 0, 0, 0, 0,
    ];
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(socket2::Protocol::TCP));
    let target = SocketAddrV4::new(target.parse().expect("an address"), 0);
    let sent = socket
        .expect("a raw socket")
        .send_to(&SEGMENT, &target.into());
    assert_eq!(sent.expect("send"), SEGMENT.len());
}
