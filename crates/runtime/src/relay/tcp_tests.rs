//! Blocking clients and servers on loopback, with the relay between them on a thread.

use super::*;
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

const SECOND: Duration = Duration::from_secs(1);

/// A relay for the time of one test.
struct TestRelay {
    address: SocketAddr,
    open: Option<tokio::sync::oneshot::Sender<()>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl TestRelay {
    fn to(server: SocketAddrV4) -> Self {
        let listener = TcpListener::bind("[::1]:0").expect("this test needs IPv6 on loopback");
        TestRelay::on(listener, server)
    }

    fn on(listener: TcpListener, server: SocketAddrV4) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (open, closed) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = Arc::new(tokio::net::TcpListener::from_std(listener).unwrap());
                tokio::select! {
                    () = tcp(listener, server, closed) => {}
                    _ = stopped => {}
                }
            });
        });
        TestRelay {
            address,
            open: Some(open),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.address, SECOND).unwrap();
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        stream.set_write_timeout(Some(10 * SECOND)).unwrap();
        stream
    }
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn server() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    match listener.local_addr().unwrap() {
        SocketAddr::V4(address) => (listener, address),
        SocketAddr::V6(_) => unreachable!(),
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(10 * SECOND)).unwrap();
    stream
}

/// Bytes in which no block is like another.
fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}

#[test]
fn a_mebibyte_goes_both_ways_at_once() {
    const LEN: usize = 1 << 20;
    let (listener, address) = server();
    let relay = TestRelay::to(address);
    let client = relay.connect();
    let inside = accept(&listener);
    let talk = |mut stream: TcpStream, sends: u32, expects: u32| {
        thread::spawn(move || {
            let mut writer = stream.try_clone().unwrap();
            let writing = thread::spawn(move || {
                writer.write_all(&pattern(LEN, sends)).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut got = Vec::new();
            stream.read_to_end(&mut got).unwrap();
            assert!(got == pattern(LEN, expects), "{} bytes differ", got.len());
            writing.join().unwrap();
        })
    };
    let both = [talk(client, 1, 2), talk(inside, 2, 1)];
    both.into_iter().for_each(|side| side.join().unwrap());
}

#[test]
fn one_direction_may_end_before_the_other() {
    let (listener, address) = server();
    let relay = TestRelay::to(address);
    let mut client = relay.connect();
    let mut inside = accept(&listener);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut question = String::new();
    // Ends only because the end of the question was passed on.
    inside.read_to_string(&mut question).unwrap();
    assert_eq!(question, "question");
    thread::sleep(Duration::from_millis(50));
    inside.write_all(b"answer").unwrap();
    drop(inside);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
}

#[test]
fn what_was_sent_before_closing_arrives() {
    let (listener, address) = server();
    let relay = TestRelay::to(address);
    let mut client = relay.connect();
    client.write_all(&pattern(300_000, 7)).unwrap();
    drop(client);
    let mut got = Vec::new();
    accept(&listener).read_to_end(&mut got).unwrap();
    assert!(got == pattern(300_000, 7));
}

#[test]
fn a_broken_connection_is_broken_on_the_other_side_too() {
    let (listener, address) = server();
    let relay = TestRelay::to(address);
    let mut client = relay.connect();
    let inside = accept(&listener);
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&inside).set_linger(linger).unwrap();
    drop(inside);
    let error = client.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_closed_port_resets_the_client() {
    let (listener, address) = server();
    drop(listener);
    let relay = TestRelay::to(address);
    // The reset may arrive before connect has returned.
    let error = TcpStream::connect_timeout(&relay.address, SECOND)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(10 * SECOND))?;
            stream.read(&mut [0; 16])
        })
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn clients_that_came_before_the_relay_are_served() {
    let (listener, address) = server();
    let outside = TcpListener::bind("[::1]:0").expect("this test needs IPv6 on loopback");
    let mut early = TcpStream::connect(outside.local_addr().unwrap()).unwrap();
    early.write_all(b"early").unwrap();
    drop(early);
    let _relay = TestRelay::on(outside, address);
    let mut got = String::new();
    accept(&listener).read_to_string(&mut got).unwrap();
    assert_eq!(got, "early");
}

#[test]
fn dropping_the_relay_ends_its_connections() {
    let (listener, address) = server();
    let relay = TestRelay::to(address);
    let mut client = relay.connect();
    let mut inside = accept(&listener);
    drop(relay);
    assert!(matches!(client.read(&mut [0; 16]), Ok(0) | Err(_)));
    assert!(matches!(inside.read(&mut [0; 16]), Ok(0) | Err(_)));
}

#[test]
fn a_closed_relay_carries_on_what_it_has_and_leaves_the_rest_to_others() {
    let (listener, address) = server();
    let (other, other_address) = server();
    let outside = TcpListener::bind("[::1]:0").expect("this test needs IPv6 on loopback");
    let shared = outside.try_clone().unwrap();
    let mut relay = TestRelay::on(outside, address);
    let mut old = relay.connect();
    let mut inside = accept(&listener);
    drop(relay.open.take());
    thread::sleep(Duration::from_millis(100));
    // Nobody lets this one in yet, and nobody turns it away.
    let mut new = relay.connect();
    let _heir = TestRelay::on(shared, other_address);
    let mut inside_other = accept(&other);
    for (client, server, word) in [
        (&mut old, &mut inside, b"old"),
        (&mut new, &mut inside_other, b"new"),
    ] {
        client.write_all(word).unwrap();
        let mut got = [0; 3];
        server.read_exact(&mut got).unwrap();
        assert_eq!(&got, word);
    }
}
