//! Both ends of a conversation, to find out who reaches whom and under which address.
//!
//! ```text
//! probe serve tcp:80 udp:5000 tcp:127.0.0.1:90 udp:[::]:53
//!     prints `ready`, then a line for each message: `udp 5000 from 10.0.0.3: hello`,
//!     and answers each message with the address that it came from
//! probe greet PORT WORD
//!     answers every connection with the word
//! probe ask tcp|udp ADDRESS:PORT [MESSAGE [SOURCE-PORT]]
//!     prints the answer; exit code 1 if there is none within two seconds
//! probe insist ADDRESS:PORT FILE
//!     asks over new connections as fast as it can, until there is such a file; then prints
//!     how often it asked and how often in vain: `900 asked, 0 lost`
//! probe wait ADDRESS:PORT
//!     connects, prints `connected`, and asks a second later
//! probe throw ADDRESS:PORT MESSAGE
//!     sends a UDP message three times and does not wait for anything
//! probe spray ADDRESS:PORT COUNT
//!     one UDP message from each of as many ports; prints how many were sent
//! probe idle ADDRESS:PORT COUNT
//!     connects as often, as far as it is let, prints `connected` and says nothing
//! probe ping ADDRESS
//!     one ICMP echo by an unprivileged ICMP socket; exit code 1 if nothing comes back
//! probe call NAME [ARGUMENT…]
//!     one system call with numbers as arguments; prints `done` or the error's name
//! probe forge INTERFACE arp MAC SENDER-MAC SENDER TARGET
//! probe forge INTERFACE udp MAC TO-MAC FROM TO PORT MESSAGE
//! probe forge INTERFACE plain MAC TO-MAC ETHERTYPE HEX
//!     a frame of one's own making, three times
//! probe flood INTERFACE COUNT
//!     broadcasts from as many MACs
//! probe hear INTERFACE SECONDS
//!     prints `ready`, then every frame that comes by
//! probe pester ADDRESS:PORT
//!     silent connections to a name server, and garbage; then sleeps (dns.rs)
//! probe dns ADDRESS:PORT IPV4
//!     a name server that knows this address only; prints what it is asked (dns.rs)
//! probe read pieces|whole FILE STOP
//!     reads a hosts file until STOP exists; prints what is torn, and how often it read (read.rs)
//! ```
//!
//! A server that prints what arrived is the oracle for attacks: a missing answer proves
//! nothing, because it is the way back that may be closed.

mod dns;
mod frame;
mod raw;
mod read;

use read::Manner;
use rustix::net::{self, AddressFamily, SocketType};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::ExitCode,
    thread,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["serve", ref sockets @ ..] if !sockets.is_empty() => serve(sockets),
        ["greet", port, word] => greet(port, word),
        ["insist", to, end] => insist(to, end),
        ["wait", to] => wait(to),
        ["ask", protocol, to] => ask(protocol, to, "hello", "0"),
        ["ask", protocol, to, message] => ask(protocol, to, message, "0"),
        ["ask", protocol, to, message, from] => ask(protocol, to, message, from),
        ["throw", to, message] => throw(to, message),
        ["spray", to, count] => spray(to, count),
        ["idle", to, count] => idle(to, count),
        ["ping", to] => ping(to),
        ["forge", interface, ref words @ ..] => frame::forge(interface, words),
        ["flood", interface, count] => frame::flood(interface, count),
        ["hear", interface, seconds] => frame::hear(interface, seconds),
        ["call", name, ref arguments @ ..] => call(name, arguments),
        ["pester", at] => parse(at).and_then(dns::pester),
        ["dns", at, address] => dns(at, address),
        ["read", "pieces", file, stop] => read::read(Manner::Pieces, file.as_ref(), stop.as_ref()),
        ["read", "whole", file, stop] => read::read(Manner::Whole, file.as_ref(), stop.as_ref()),
        _ => Err(io::Error::other("see the head of probe/main.rs")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(sockets: &[&str]) -> io::Result<()> {
    let mut threads = Vec::new();
    for socket in sockets {
        let (protocol, place) = socket.split_once(':').ok_or_else(|| nonsense(socket))?;
        let address = match place.parse::<u16>() {
            Ok(port) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            Err(_) => parse(place)?,
        };
        threads.push(match protocol {
            "tcp" => {
                let listener = TcpListener::bind(address)?;
                thread::spawn(move || answer_connections(&listener))
            }
            "udp" => {
                let socket = UdpSocket::bind(address)?;
                thread::spawn(move || answer_datagrams(&socket))
            }
            _ => return Err(nonsense(protocol)),
        });
    }
    println!("ready");
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("a thread panicked"));
    Ok(())
}

fn greet(port: &str, word: &str) -> io::Result<()> {
    let port: u16 = port.parse().map_err(|_| nonsense(port))?;
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?;
    println!("ready");
    for mut stream in listener.incoming().map_while(Result::ok) {
        let mut question = String::new();
        // Who has gone already, or says nothing, is not waited for.
        let _ = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| BufReader::new(&stream).read_line(&mut question))
            .and_then(|_| writeln!(stream, "{word}"));
    }
    Ok(())
}

fn answer_connections(listener: &TcpListener) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    for stream in listener.incoming().map_while(Result::ok) {
        // Who connects and says nothing must not keep the others waiting.
        thread::spawn(move || answer_connection(stream, port));
    }
}

fn answer_connection(mut stream: TcpStream, port: u16) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let peer = stream.peer_addr()?.ip().to_canonical();
    let mut message = String::new();
    BufReader::new(&stream).read_line(&mut message)?;
    println!("tcp {port} from {peer}: {}", message.trim_end());
    writeln!(stream, "{peer}")
}

fn answer_datagrams(socket: &UdpSocket) {
    let port = socket.local_addr().map_or(0, |address| address.port());
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let peer = from.ip().to_canonical();
        println!(
            "udp {port} from {peer}: {}",
            String::from_utf8_lossy(&buffer[..length]).trim_end()
        );
        // The way back may be closed: that is the asker's finding, not ours.
        let _ = socket.send_to(format!("{peer}\n").as_bytes(), from);
    }
}

fn ask(protocol: &str, to: &str, message: &str, from: &str) -> io::Result<()> {
    let to = parse(to)?;
    let source_port: u16 = from.parse().map_err(|_| nonsense(from))?;
    let answer = match protocol {
        "tcp" => ask_by_connection(to, message)?,
        "udp" => ask_by_datagram(to, message, source_port)?,
        _ => return Err(nonsense(protocol)),
    };
    println!("{}", answer.trim_end());
    Ok(())
}

fn insist(to: &str, end: &str) -> io::Result<()> {
    let to = parse(to)?;
    let (mut asked, mut lost, mut why) = (0, 0, String::new());
    while !Path::new(end).exists() {
        asked += 1;
        if let Err(error) = ask_by_connection(to, "hello") {
            lost += 1;
            why = format!(": {error}");
        }
    }
    println!("{asked} asked, {lost} lost{why}");
    Ok(())
}

fn wait(to: &str) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&parse(to)?, PATIENCE)?;
    println!("connected");
    thread::sleep(PATIENCE / 2);
    println!("{}", ask_over(stream, "hello")?.trim_end());
    Ok(())
}

fn ask_by_connection(to: SocketAddr, message: &str) -> io::Result<String> {
    ask_over(TcpStream::connect_timeout(&to, PATIENCE)?, message)
}

fn ask_over(mut stream: TcpStream, message: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{message}")?;
    let mut answer = String::new();
    match BufReader::new(&stream).read_line(&mut answer)? {
        0 => Err(io::Error::other("connected, but nobody answers")),
        _ => Ok(answer),
    }
}

fn ask_by_datagram(to: SocketAddr, message: &str, source_port: u16) -> io::Result<String> {
    let socket = UdpSocket::bind((unspecified(to), source_port))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE / 4))?;
    let mut buffer = [0; 2048];
    let mut outcome = Err(io::Error::other("never sent"));
    for _ in 0..4 {
        socket.send(message.as_bytes())?;
        outcome = socket.recv(&mut buffer);
        if outcome.is_ok() {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&buffer[..outcome?]).into_owned())
}

fn throw(to: &str, message: &str) -> io::Result<()> {
    let to = parse(to)?;
    let socket = UdpSocket::bind((unspecified(to), 0))?;
    for _ in 0..3 {
        // A refusal is an answer to the one before; keep throwing.
        let _ = socket.send_to(message.as_bytes(), to);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Each is a connection to conntrack, and none is ever answered.
fn spray(to: &str, count: &str) -> io::Result<()> {
    let (to, count) = (
        parse(to)?,
        count.parse::<u16>().map_err(|_| nonsense(count))?,
    );
    let mut sent = 0;
    for port in (10_000..=u16::MAX).take(count.into()) {
        let socket = UdpSocket::bind((unspecified(to), port))?;
        sent += usize::from(socket.send_to(b"x", to).is_ok());
    }
    println!("{sent}");
    Ok(())
}

fn idle(to: &str, count: &str) -> io::Result<()> {
    let (to, count) = (
        parse(to)?,
        count.parse::<usize>().map_err(|_| nonsense(count))?,
    );
    let connect = |_| TcpStream::connect_timeout(&to, PATIENCE / 10).ok();
    let connections: Vec<_> = (0..count).map_while(connect).collect();
    println!("connected");
    thread::sleep(5 * PATIENCE);
    drop(connections);
    Ok(())
}

/// What modern `ping` programs do: `SOCK_DGRAM` and `IPPROTO_ICMP`, for which no
/// capability is needed but a group within `net.ipv4.ping_group_range` (icmp(7)).
fn ping(to: &str) -> io::Result<()> {
    let to: IpAddr = to.parse().map_err(|_| nonsense(to))?;
    let icmp = rustix::net::ipproto::ICMP;
    let socket = net::socket(AddressFamily::INET, SocketType::DGRAM, Some(icmp))?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(PATIENCE))?;
    // Type 8 is "echo request"; the kernel fills in identifier and checksum.
    let mut message = [8, 0, 0, 0, 0, 0, 0, 1];
    socket.send_to(&message, (to, 0))?;
    socket.recv(&mut message)?;
    println!("{to} is alive");
    Ok(())
}

fn call(name: &str, arguments: &[&str]) -> io::Result<()> {
    let mut numbers = [0; 6];
    for (number, argument) in numbers.iter_mut().zip(arguments) {
        *number = argument.parse().map_err(|_| nonsense(argument))?;
    }
    match raw::call(name, numbers).ok_or_else(|| nonsense(name))? {
        Ok(()) => println!("done"),
        Err(errno) => println!("{errno:?}"),
    }
    Ok(())
}

fn dns(at: &str, address: &str) -> io::Result<()> {
    let address = address.parse().map_err(|_| nonsense(address))?;
    dns::serve(parse(at)?, address)
}

fn unspecified(like: SocketAddr) -> IpAddr {
    match like {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn parse(address: &str) -> io::Result<SocketAddr> {
    address.parse().map_err(|_| nonsense(address))
}

fn nonsense(word: &str) -> io::Error {
    io::Error::other(format!("what is {word:?}?"))
}
