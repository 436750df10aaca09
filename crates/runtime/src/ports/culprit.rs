//! Who has a port. Only asked when something went wrong: it reads all of `/proc`.
//!
//! ```text
//! /proc/thread-self/net/tcp   0100007F:1F90 … 0A (LISTEN) … inode 48211
//! /proc/812/fd/6 -> socket:[48211]
//! /proc/812/stat              812 (nginx) …
//! ```
//!
//! It is what `ss -ltnp 'sport = 8080'` does.

use super::overlap;
use minet_model::Protocol;
use procfs::{
    FromReadSI, ProcResult, current_system_info,
    net::{TcpNetEntries, TcpNetEntry, TcpState, UdpNetEntries, UdpNetEntry},
    process::{FDTarget, Process, all_processes},
};
use std::{
    fmt, fs,
    net::{IpAddr, SocketAddr},
};

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Culprit {
    /// A container of minet, by its name.
    Container(String),
    /// Another port of the same request.
    Itself,
    /// A process of the host.
    Process {
        /// Its name as `ps -o comm` prints it.
        command: String,
        /// Its number.
        pid: i32,
        /// Its user's name, or number where there is no name.
        user: String,
    },
    /// A process that cannot be seen from here, or the kernel itself.
    Unknown,
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Culprit::Container(name) => write!(f, "container \"{name}\""),
            Culprit::Itself => f.write_str("another -p of the same container"),
            // It holds the port first and records it afterwards; or the books are others.
            Culprit::Process { command, pid, .. } if command == "minet" => {
                write!(
                    f,
                    "a container that is being started, or one of another --root (minet, PID {pid})"
                )
            }
            Culprit::Process { command, pid, user } => {
                write!(f, "{command} (PID {pid}, user {user})")
            }
            Culprit::Unknown => f.write_str("a process that cannot be seen from here"),
        }
    }
}

/// The process whose socket keeps others from binding `host`, in this thread's network
/// namespace. Of several that share the socket, the first one started.
pub(super) fn find(protocol: Protocol, host: SocketAddr) -> Culprit {
    sockets_at(protocol, host)
        .into_iter()
        .find_map(owner)
        .unwrap_or(Culprit::Unknown)
}

/// The inodes of sockets that meet `host`, listening ones first.
fn sockets_at(protocol: Protocol, host: SocketAddr) -> Vec<u64> {
    let mut sockets: Vec<Bound> = match protocol {
        Protocol::Tcp => {
            read_table::<TcpNetEntries>("tcp", |t| t.0.iter().map(Bound::tcp).collect())
        }
        Protocol::Udp => {
            read_table::<UdpNetEntries>("udp", |t| t.0.iter().map(Bound::udp).collect())
        }
        // `/proc/net/sctp` has a form of its own, and such a conflict is rarer than rare.
        Protocol::Sctp => Vec::new(),
    };
    sockets.retain(|socket| socket.inode != 0 && blocks(socket.local, host));
    sockets.sort_by_key(|socket| !socket.listens);
    sockets.iter().map(|socket| socket.inode).collect()
}

/// A line of a socket table.
struct Bound {
    local: SocketAddr,
    listens: bool,
    inode: u64,
}

impl Bound {
    fn tcp(entry: &TcpNetEntry) -> Self {
        Bound {
            local: entry.local_address,
            listens: entry.state == TcpState::Listen,
            inode: entry.inode,
        }
    }

    fn udp(entry: &UdpNetEntry) -> Self {
        Bound {
            local: entry.local_address,
            listens: true,
            inode: entry.inode,
        }
    }
}

/// Both families' tables; one that is not there has no sockets.
fn read_table<T: FromReadSI>(name: &str, lines: impl Fn(T) -> Vec<Bound>) -> Vec<Bound> {
    let read = |path: String| -> ProcResult<T> { T::from_file(path, current_system_info()) };
    // Of the thread and not of the process: its network namespace may be another.
    ["", "6"]
        .into_iter()
        .filter_map(|family| read(format!("/proc/thread-self/net/{name}{family}")).ok())
        .flat_map(lines)
        .collect()
}

/// Whether a socket on `local` stands in the way of one on `wanted`. One on `[::]` takes
/// the IPv4 port too, unless it said `IPV6_V6ONLY`, which the tables do not show.
fn blocks(local: SocketAddr, wanted: SocketAddr) -> bool {
    let dual_stack = wanted.is_ipv4() && local.ip() == IpAddr::from([0u16; 8]);
    let mapped = local.ip().to_canonical();
    local.port() == wanted.port() && (dual_stack || overlap(mapped, wanted.ip()))
}

/// Processes come in the order of their numbers, so a server comes before its workers.
fn owner(inode: u64) -> Option<Culprit> {
    let mut processes = all_processes().ok()?.filter_map(Result::ok);
    let process = processes.find(|process| has_socket(process, inode))?;
    Some(Culprit::Process {
        command: process.stat().map(|stat| stat.comm).unwrap_or_default(),
        pid: process.pid(),
        user: process.uid().map(user_name).unwrap_or_default(),
    })
}

fn has_socket(process: &Process, inode: u64) -> bool {
    let Ok(descriptors) = process.fd() else {
        return false;
    };
    descriptors
        .flatten()
        .any(|descriptor| matches!(descriptor.target, FDTarget::Socket(n) if n == inode))
}

fn user_name(uid: u32) -> String {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    name_of_user(&String::from_utf8_lossy(&passwd), uid).unwrap_or_else(|| uid.to_string())
}

/// `www-data:x:33:33:…` (`man 5 passwd`).
fn name_of_user(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    /// As `/proc` counts, which may have been mounted in an outer PID namespace.
    pub(in crate::ports) fn own_pid() -> i32 {
        let own = fs::read_link("/proc/self").expect("this test needs /proc");
        own.to_string_lossy().parse().unwrap()
    }

    #[track_caller]
    fn finds_this_process(protocol: Protocol, host: SocketAddr) {
        let culprit = find(protocol, host);
        let Culprit::Process { pid, .. } = culprit else {
            panic!("{host}: {culprit}");
        };
        assert_eq!(pid, own_pid(), "{host}");
    }

    #[test]
    fn this_process_is_found_by_its_sockets() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = tcp.local_addr().unwrap();
        finds_this_process(Protocol::Tcp, host);
        finds_this_process(
            Protocol::Tcp,
            SocketAddr::new([0, 0, 0, 0].into(), host.port()),
        );
        let udp = UdpSocket::bind("[::1]:0").expect("this test needs IPv6 on loopback");
        finds_this_process(Protocol::Udp, udp.local_addr().unwrap());
        drop(tcp);
        assert_eq!(find(Protocol::Tcp, host), Culprit::Unknown);
    }

    #[test]
    fn sockets_that_stand_in_the_way() {
        let host = |text: &str| text.parse::<SocketAddr>().unwrap();
        for (local, wanted, want) in [
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("[::]:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("[::1]:80", "127.0.0.1:80", false),
            ("[::1]:80", "[::]:80", true),
            ("0.0.0.0:80", "[::]:80", false),
        ] {
            assert_eq!(blocks(host(local), host(wanted)), want, "{local} {wanted}");
        }
    }

    #[test]
    fn users_have_names() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nwww-data:x:33:33::/:/bin/false\n";
        assert_eq!(name_of_user(passwd, 33).as_deref(), Some("www-data"));
        assert_eq!(name_of_user(passwd, 3), None);
    }
}
