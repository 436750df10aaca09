//! One socket on one address: the system calls, in the order that matters.
//!
//! ```text
//! socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC)
//! setsockopt(SO_ATTACH_FILTER, [ret 0])     before bind: from then on packets arrive
//! bind(0.0.0.0:8080)                        nobody else can bind it now
//!   EADDRINUSE? setsockopt(SO_REUSEADDR), bind, listen(1): perhaps it is only an old
//!   connection in TIME_WAIT; two sockets may share a port then until one listens
//! … the port is published: clients do not come here any more …
//! listen(1)                                 so that `ss -l` shows who has the port
//! ```
//!
//! Why not listen at once: a client that comes before the port is published would be kept
//! waiting, and the kernel would send its later attempts the same way (connection tracking
//! remembers that the first one was not redirected). Refused, it simply tries again.

use super::{HeldPort, Hold};
use minet_model::Protocol;
use rustix::io::Errno;
use socket2::{Domain, SockFilter, Socket, Type};
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
};

/// `BPF_RET | BPF_K` (`<linux/bpf_common.h>`): keep this many bytes of the packet.
const BPF_RET: u16 = 0x06;

/// A classic BPF program of one instruction: keep nothing of any packet.
const DROP_EVERYTHING: SockFilter = SockFilter::new(BPF_RET, 0, 0, 0);

/// As many waiting clients as the kernel allows (`net.core.somaxconn`).
const LONGEST_BACKLOG: i32 = i32::MAX;

/// Takes `host` for as long as the result lives.
///
/// # Errors
///
/// Those of `bind` and `listen`; `EADDRINUSE` when somebody has the port.
pub(super) fn take(protocol: Protocol, host: SocketAddr) -> io::Result<Hold> {
    match (host.ip(), protocol) {
        (IpAddr::V4(_), _) => hold_for_nat(protocol, host),
        (IpAddr::V6(_), Protocol::Udp) => {
            let socket = open_v6(Type::DGRAM)?;
            socket.bind(&host.into())?;
            Ok(Hold::RelayUdp(socket.into()))
        }
        (IpAddr::V6(_), Protocol::Tcp) => {
            let socket = open_v6(Type::STREAM)?;
            socket.set_reuse_address(true)?;
            socket.bind(&host.into())?;
            socket.listen(LONGEST_BACKLOG)?;
            Ok(Hold::RelayTcp(socket.into()))
        }
        (IpAddr::V6(_), Protocol::Sctp) => Err(Errno::PROTONOSUPPORT.into()),
    }
}

fn hold_for_nat(protocol: Protocol, host: SocketAddr) -> io::Result<Hold> {
    let (kind, number) = match protocol {
        Protocol::Tcp => (Type::STREAM, socket2::Protocol::TCP),
        Protocol::Udp => (Type::DGRAM, socket2::Protocol::UDP),
        Protocol::Sctp => (Type::STREAM, socket2::Protocol::SCTP),
    };
    let socket = match Socket::new(Domain::IPV4, kind, Some(number)) {
        Err(error) if protocol == Protocol::Sctp && is_unknown_protocol(&error) => {
            return Ok(Hold::Nobody);
        }
        other => other?,
    };
    socket.attach_filter(&[DROP_EVERYTHING])?;
    match socket.bind(&host.into()) {
        Err(error) if protocol == Protocol::Tcp && error.kind() == ErrorKind::AddrInUse => {
            socket.set_reuse_address(true)?;
            socket.bind(&host.into())?;
            socket.listen(1)?;
        }
        bound => bound?,
    }
    Ok(Hold::Nat(socket))
}

/// Lets everybody see who has the ports that are published by now.
pub(crate) fn show(held: &[HeldPort]) {
    for held in held {
        if let (Hold::Nat(socket), Protocol::Tcp | Protocol::Sctp) =
            (&held.hold, held.port.protocol)
        {
            // For the eye only: the port is held and published without it.
            let _ = socket.listen(1);
        }
    }
}

fn open_v6(kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, kind, None)?;
    // IPv4 has a socket of its own on the same port.
    socket.set_only_v6(true)?;
    // The relay waits for it together with everything else.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn is_unknown_protocol(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PROTONOSUPPORT | Errno::SOCKTNOSUPPORT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use minet_model::PublishedPort;
    use std::{
        net::{TcpListener, TcpStream, UdpSocket},
        time::Duration,
    };

    fn anywhere(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 0)
    }

    fn nat_socket(protocol: Protocol) -> (Socket, SocketAddr) {
        let Hold::Nat(socket) = take(protocol, anywhere("127.0.0.1")).unwrap() else {
            panic!("IPv4 is served by NAT");
        };
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    }

    #[test]
    fn nobody_gets_into_a_held_tcp_port() {
        let (socket, address) = nat_socket(Protocol::Tcp);
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        let error = connect().unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ConnectionRefused,
            "not published yet"
        );
        let port = PublishedPort {
            protocol: Protocol::Tcp,
            container_port: 80,
            host_ip: address.ip(),
            host_port: address.port(),
        };
        let held = HeldPort {
            port,
            hold: Hold::Nat(socket.try_clone().unwrap()),
        };
        show(&[held]);
        assert_eq!(connect().unwrap_err().kind(), ErrorKind::TimedOut);
        socket.set_nonblocking(true).unwrap();
        assert_eq!(
            socket.accept().unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }

    #[test]
    fn nothing_gets_into_a_held_udp_port() {
        let (socket, address) = nat_socket(Protocol::Udp);
        let client = UdpSocket::bind(anywhere("127.0.0.1")).unwrap();
        client.send_to(b"hello", address).unwrap();
        let receiver: UdpSocket = socket.into();
        let timeout = Some(Duration::from_millis(200));
        receiver.set_read_timeout(timeout).unwrap();
        let error = receiver.recv(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_held_port_is_taken_for_everybody() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let (_socket, address) = nat_socket(protocol);
            let error = take(protocol, address).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{protocol}");
        }
        let (_socket, address) = nat_socket(Protocol::Tcp);
        let error = TcpListener::bind(address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn all_sockets_close_on_exec() {
        use rustix::io::{FdFlags, fcntl_getfd};
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let (socket, _) = nat_socket(protocol);
            assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
        }
        let v6 = take(Protocol::Tcp, anywhere("::1")).expect("this test needs IPv6 on loopback");
        let Hold::RelayTcp(socket) = v6 else {
            panic!("IPv6 is relayed, not {v6:?}");
        };
        assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
    }
}
