//! A resolver on loopback, asked by sockets, in front of servers on loopback.

use super::*;
use crate::resolver::{Access, Others, Server, answer, framed, meaning::tests::world, show};
use hickory_proto::{
    op::{Message, Query},
    rr::{Name, RecordType},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{net::UdpSocket as StdUdpSocket, os::fd::OwnedFd};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

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
            Transport::Tcp => {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
                socket.connect(&server.address.into())?;
                socket.set_nonblocking(true)?;
                socket
            }
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
            let question = asked(server).await;
            assert_ne!(question.0[..2], [0, 7], "the number is not the asker's");
            answer_with(server, code, question).await;
        }
        assert_eq!(next(&asker).await, (7, "NXDOMAIN".to_owned()));
    });
}

/// A server on loopback, and the questions that it gets.
async fn server() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    (socket, at)
}

/// The next question that a server gets, and from where.
async fn asked(server: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 512];
    let heard = timeout(4 * SECOND, server.recv_from(&mut buffer)).await;
    let (length, from) = heard.expect("nobody asked").unwrap();
    (buffer[..length].to_vec(), from)
}

async fn answer_with(server: &UdpSocket, code: u8, (mut question, from): (Vec<u8>, SocketAddr)) {
    question[2] |= 0x80;
    question[3] = code;
    server.send_to(&question, from).await.unwrap();
}

/// The first takes longer than its share; the other, asked meanwhile, knows nothing.
#[test]
fn a_late_answer_is_an_answer() {
    run(async {
        let ((slow, slow_at), (no, no_at)) = (server().await, server().await);
        let (_service, at) = resolver(vec![slow_at, no_at]);
        let asker = asker(at).await;
        asker.send(&question("a.example.", 7)).await.unwrap();
        let question = asked(&slow).await;
        let refused = asked(&no).await;
        answer_with(&no, 5, refused).await;
        sleep(SECOND / 2).await;
        answer_with(&slow, 3, question).await;
        assert_eq!(next(&asker).await, (7, "NXDOMAIN".to_owned()));
    });
}

/// Whoever is asked while another is late need not wait for it; the late one is asked last
/// from then on.
#[test]
fn who_is_late_holds_up_nobody() {
    run(async {
        let ((silent, silent_at), (yes, yes_at)) = (server().await, server().await);
        let (_service, at) = resolver(vec![silent_at, yes_at]);
        let asker = asker(at).await;
        asker.send(&question("a.example.", 7)).await.unwrap();
        let question_to_yes = asked(&yes).await;
        answer_with(&yes, 3, question_to_yes).await;
        assert_eq!(next(&asker).await, (7, "NXDOMAIN".to_owned()));
        asked(&silent).await;
        let began = Instant::now();
        asker.send(&question("b.example.", 8)).await.unwrap();
        let question_to_yes = asked(&yes).await;
        answer_with(&yes, 3, question_to_yes).await;
        assert_eq!(next(&asker).await, (8, "NXDOMAIN".to_owned()));
        assert!(began.elapsed() < SECOND);
    });
}

#[test]
fn that_nobody_knows_is_what_the_last_one_said() {
    run(async {
        let ((fails, fails_at), (silent, silent_at)) = (server().await, server().await);
        let (_service, at) = resolver(vec![fails_at, silent_at]);
        let asker = asker(at).await;
        let began = Instant::now();
        asker.send(&question("a.example.", 7)).await.unwrap();
        let question = asked(&fails).await;
        answer_with(&fails, 5, question).await;
        asked(&silent).await;
        assert_eq!(next(&asker).await, (7, "REFUSED".to_owned()));
        assert!(began.elapsed() < 5 * SECOND);
    });
}

#[test]
fn a_datagram_that_is_lost_is_sent_again() {
    run(async {
        let (server, server_at) = server().await;
        let (_service, at) = resolver(vec![server_at]);
        let asker = asker(at).await;
        asker.send(&question("a.example.", 7)).await.unwrap();
        let lost = asked(&server).await;
        let again = asked(&server).await;
        assert_eq!(lost, again, "an answer to either is one");
        answer_with(&server, 3, again).await;
        assert_eq!(next(&asker).await, (7, "NXDOMAIN".to_owned()));
    });
}

/// Of a connection on which much is asked at once, each answer comes when it is there.
#[test]
fn a_slow_answer_holds_up_no_other_on_its_connection() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_service, at) = resolver(vec![listener.local_addr().unwrap()]);
        let mut asker = TcpStream::connect(at).await.unwrap();
        for (id, name) in ["slow.example.", "b.example.", "db."].iter().enumerate() {
            let bytes = question(name, u16::try_from(id).unwrap());
            framed::send(&mut asker, &bytes).await.unwrap();
        }
        let mut upstream = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = timeout(SECOND, listener.accept()).await.unwrap().unwrap();
            let mut bytes = framed::receive(&mut stream, 4096).await.unwrap();
            bytes[2] |= 0x80;
            upstream.push((stream, bytes));
        }
        // The first byte of the name is the length of its first label.
        upstream.sort_by_key(|(_, bytes)| bytes[12] != 4);
        let (mut slow, slow_bytes) = upstream.remove(0);
        let (mut quick, quick_bytes) = upstream.remove(0);
        framed::send(&mut quick, &quick_bytes).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..2 {
            let answer = timeout(SECOND, framed::receive(&mut asker, 4096)).await;
            ids.push(answer.unwrap().unwrap()[1]);
        }
        ids.sort_unstable();
        assert_eq!(ids, [1, 2]);
        // Longer than a connection may be silent.
        sleep(SECOND * 7 / 2).await;
        framed::send(&mut slow, &slow_bytes).await.unwrap();
        let answer = timeout(SECOND, framed::receive(&mut asker, 4096)).await;
        assert_eq!(answer.unwrap().unwrap()[1], 0);
    });
}

/// As `dig +tcp` through `nc -N`: it has asked, and says that it asks no more.
#[test]
fn who_asks_no_more_is_answered_all_the_same() {
    run(async {
        use tokio::io::AsyncWriteExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_service, at) = resolver(vec![listener.local_addr().unwrap()]);
        let mut asker = TcpStream::connect(at).await.unwrap();
        framed::send(&mut asker, &question("a.example.", 9))
            .await
            .unwrap();
        asker.shutdown().await.unwrap();
        let (mut upstream, _) = timeout(SECOND, listener.accept()).await.unwrap().unwrap();
        let mut bytes = framed::receive(&mut upstream, 4096).await.unwrap();
        bytes[2] |= 0x80;
        framed::send(&mut upstream, &bytes).await.unwrap();
        let answer = timeout(SECOND, framed::receive(&mut asker, 4096)).await;
        assert_eq!(answer.unwrap().unwrap()[1], 9);
        let end = timeout(SECOND, framed::receive(&mut asker, 4096)).await;
        assert!(end.unwrap().is_err());
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
        framed::send(newest, &question("db.", 5)).await.unwrap();
        let answer = timeout(SECOND, framed::receive(newest, 4096)).await;
        assert_eq!(show(&answer.unwrap().unwrap()).unwrap().0, "NOERROR");
        // And another on the same connection.
        framed::send(newest, &question("a.example.", 6))
            .await
            .unwrap();
        let answer = timeout(SECOND, framed::receive(newest, 4096)).await;
        assert_eq!(show(&answer.unwrap().unwrap()).unwrap().0, "SERVFAIL");
        let oldest = timeout(SECOND, framed::receive(&mut held[0], 4096)).await;
        assert!(oldest.expect("the oldest is still kept").is_err());
    });
}
