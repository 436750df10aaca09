//! Clients on `[::1]`, a server on 127.0.0.1, the relay between them in the same runtime.

use super::*;
use std::{future::Future, net::SocketAddr};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(test);
}

/// A server on loopback, and the address of a relay in front of it.
async fn relay(max_sessions: usize) -> (UdpSocket, SocketAddr) {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let SocketAddr::V4(to) = server.local_addr().unwrap() else {
        unreachable!()
    };
    let outside = UdpSocket::bind("[::]:0").await;
    let outside = outside.expect("this test needs IPv6 on loopback");
    let port = outside.local_addr().unwrap().port();
    tokio::spawn(serve(Arc::new(outside), to, max_sessions));
    (server, SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port))
}

async fn client(relay: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("[::1]:0").await.unwrap();
    // Connected: only what comes from the relay's own address is received.
    socket.connect(relay).await.unwrap();
    socket
}

async fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; LONGEST];
    let received = timeout(2 * SECOND, socket.recv_from(&mut buffer)).await;
    let (len, from) = received.expect("no datagram came").unwrap();
    (buffer[..len].to_vec(), from)
}

#[test]
fn two_clients_get_their_own_answers() {
    run(async {
        let (server, relay) = relay(8).await;
        let (one, two) = (client(relay).await, client(relay).await);
        one.send(b"one").await.unwrap();
        two.send(b"two").await.unwrap();
        for _ in 0..2 {
            let (question, from) = next(&server).await;
            server
                .send_to(&[b"re ", &*question].concat(), from)
                .await
                .unwrap();
        }
        assert_eq!(next(&two).await.0, b"re two");
        assert_eq!(next(&one).await.0, b"re one");
    });
}

#[test]
fn a_client_keeps_its_session_and_the_server_may_speak_twice() {
    run(async {
        let (server, relay) = relay(8).await;
        let client = client(relay).await;
        client.send(b"1").await.unwrap();
        let (_, first) = next(&server).await;
        client.send(b"2").await.unwrap();
        let (_, second) = next(&server).await;
        assert_eq!(first, second);
        for answer in [b"a", b"b"] {
            server.send_to(answer, first).await.unwrap();
            assert_eq!(next(&client).await.0, answer);
        }
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    run(async {
        let (server, relay) = relay(8).await;
        let client = client(relay).await;
        for len in [0, 1, 1500, 65_000] {
            client.send(&vec![7; len]).await.unwrap();
            let (question, from) = next(&server).await;
            assert_eq!(question.len(), len);
            server.send_to(&question, from).await.unwrap();
            assert_eq!(next(&client).await.0.len(), len);
        }
    });
}

#[test]
fn when_all_places_are_taken_the_unanswered_go_first() {
    run(async {
        let (server, relay) = relay(2).await;
        let answered = client(relay).await;
        answered.send(b"x").await.unwrap();
        let (_, from) = next(&server).await;
        server.send_to(b"y", from).await.unwrap();
        next(&answered).await;
        for _ in 0..20 {
            let forged = client(relay).await;
            forged.send(b"flood").await.unwrap();
            next(&server).await;
        }
        answered.send(b"still there").await.unwrap();
        assert_eq!(next(&server).await, (b"still there".to_vec(), from));
    });
}

#[test]
fn a_server_that_is_not_there_yet_is_found_later() {
    run(async {
        let (server, relay) = relay(8).await;
        let SocketAddr::V4(address) = server.local_addr().unwrap() else {
            unreachable!()
        };
        drop(server);
        let client = client(relay).await;
        client.send(b"lost").await.unwrap();
        tokio::time::sleep(SECOND / 20).await;
        let server = UdpSocket::bind(address).await.unwrap();
        // The first send may only collect the error of the lost one.
        client.send(b"again").await.unwrap();
        client.send(b"again").await.unwrap();
        assert_eq!(next(&server).await.0, b"again");
    });
}

#[test]
fn silence_ends_a_session() {
    let socket = |runtime: &tokio::runtime::Runtime| {
        let _inside = runtime.enter();
        connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9)).unwrap()
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let session = Session::new(socket(&runtime));
    let unanswered = session.deadline();
    session.replied();
    assert!(session.deadline() >= unanswered + Duration::from_secs(90));
}
