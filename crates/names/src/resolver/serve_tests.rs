//! A resolver on loopback, asked by sockets, in front of servers on loopback.

use super::*;
use crate::resolver::{
    Access, Server, answer,
    meaning::tests::world,
    wire::{Others, show},
};
use hickory_proto::{
    op::{Message, Query},
    rr::{Name, RecordType},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{net::UdpSocket as StdUdpSocket, os::fd::OwnedFd};

const SECOND: Duration = Duration::from_secs(1);

/// Knows the world of the other tests; asks the given servers.
struct TestMind {
    servers: Arc<Upstreams>,
}

impl Mind for TestMind {
    fn answer(&self, questions: &[&[u8]], transport: Transport) -> Vec<Outcome> {
        let mut world = world(&["red"]);
        let answer = |bytes: &&[u8]| answer(bytes, &mut world, Others::Asked, transport, 3);
        questions.iter().map(answer).collect()
    }

    fn upstreams(&self) -> Arc<Upstreams> {
        Arc::clone(&self.servers)
    }
}

impl Dial for TestMind {
    fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd> {
        let socket = match transport {
            Transport::Udp => {
                let socket =
                    Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
                socket.connect(&server.address.into())?;
                socket
            }
            Transport::Tcp => Socket::new(
                Domain::IPV4,
                Type::STREAM.nonblocking(),
                Some(Protocol::TCP),
            )?,
        };
        Ok(socket.into())
    }
}

/// A resolver in front of these servers, and where it listens.
fn resolver(servers: Vec<SocketAddr>) -> (Service, SocketAddr) {
    let udp = StdUdpSocket::bind("127.0.0.1:0").unwrap();
    let at = udp.local_addr().unwrap();
    let tcp = std::net::TcpListener::bind(at).unwrap();
    udp.set_nonblocking(true).unwrap();
    tcp.set_nonblocking(true).unwrap();
    let server = |address| Server {
        address,
        access: Access::Host,
    };
    let servers = Upstreams::of(servers.into_iter().map(server).collect());
    let mind = TestMind {
        servers: Arc::new(servers),
    };
    let service = Service::start(Sockets { udp, tcp }, Arc::new(mind)).unwrap();
    (service, at)
}

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(test);
}

fn question(name: &str, id: u16) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = id;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.to_vec().unwrap()
}

async fn asker(at: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(at).await.unwrap();
    socket
}

/// The number of the next answer, and its code.
async fn next(socket: &UdpSocket) -> (u16, String) {
    let mut buffer = [0; 4096];
    let length = timeout(6 * SECOND, socket.recv(&mut buffer)).await;
    let length = length.expect("no answer came").unwrap();
    let id = u16::from_be_bytes([buffer[0], buffer[1]]);
    (id, show(&buffer[..length]).unwrap().0)
}

#[test]
fn no_more_than_so_many_questions_are_under_way() {
    run(async {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (_service, at) = resolver(vec![silent.local_addr().unwrap()]);
        let asker = asker(at).await;
        let mut refused = 0;
        let mut sent = 0_u16;
        while refused < 20 {
            assert!(usize::from(sent) < UNDER_WAY + 200, "{refused} of {sent}");
            asker.send(&question("a.example.", sent)).await.unwrap();
            sent += 1;
            // Those that wait have no answer; one that is refused has it at once.
            if usize::from(sent) > UNDER_WAY {
                let (id, code) = next(&asker).await;
                assert!(usize::from(id) >= UNDER_WAY, "{id} was refused");
                assert_eq!(code, "REFUSED");
                refused += 1;
            } else {
                tokio::task::yield_now().await;
            }
        }
        // What is known here is answered all the same.
        asker.send(&question("db.", 9999)).await.unwrap();
        assert_eq!(next(&asker).await, (9999, "NOERROR".to_owned()));
    });
}

#[test]
fn the_next_server_is_asked_when_one_is_down_or_says_no() {
    run(async {
        let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let gone_at = gone.local_addr().unwrap();
        drop(gone);
        let no = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let yes = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (_service, at) = resolver(vec![
            gone_at,
            no.local_addr().unwrap(),
            yes.local_addr().unwrap(),
        ]);
        let asker = asker(at).await;
        asker.send(&question("a.example.", 7)).await.unwrap();
        for (server, code) in [(&no, 2), (&yes, 3)] {
            let mut buffer = [0; 512];
            let heard = timeout(SECOND, server.recv_from(&mut buffer)).await;
            let (length, from) = heard.expect("nobody asked").unwrap();
            assert_ne!(buffer[..2], [0, 7], "the number is not the asker's");
            buffer[2] |= 0x80;
            buffer[3] = code;
            server.send_to(&buffer[..length], from).await.unwrap();
        }
        assert_eq!(next(&asker).await, (7, "NXDOMAIN".to_owned()));
    });
}

#[test]
fn connections_beyond_the_limit_push_out_the_oldest() {
    run(async {
        let (_service, at) = resolver(Vec::new());
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS + 5 {
            held.push(TcpStream::connect(at).await.unwrap());
        }
        let newest = held.last_mut().unwrap();
        forward::send_framed(newest, &question("db.", 5))
            .await
            .unwrap();
        let answer = timeout(SECOND, forward::receive_framed(newest, 4096)).await;
        assert_eq!(show(&answer.unwrap().unwrap()).unwrap().0, "NOERROR");
        // And another on the same connection.
        forward::send_framed(newest, &question("a.example.", 6))
            .await
            .unwrap();
        let answer = timeout(SECOND, forward::receive_framed(newest, 4096)).await;
        assert_eq!(show(&answer.unwrap().unwrap()).unwrap().0, "SERVFAIL");
        let oldest = timeout(SECOND, forward::receive_framed(&mut held[0], 4096)).await;
        assert!(oldest.expect("the oldest is still kept").is_err());
    });
}
