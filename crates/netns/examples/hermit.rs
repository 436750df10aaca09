//! A hermit that tries to get out; for `tests/kernel/hermit.rs`, which reads what it says.
//!
//! It is started as `hermit`, gets one end of a socket pair and two more sockets, closes the
//! door, and says on the line which of its attempts did not fail.

#![expect(clippy::print_stdout, reason = "an example is a program")]

use minet_netns::{HermitFiles, Retreat, retreat};
use rustix::{
    io::dup,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketType, recv, send, sendto, socket,
    },
    process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit},
};
use std::{
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    os::fd::{AsFd, OwnedFd},
    process::Command,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    match std::env::args().next().as_deref() {
        Some("hermit") => be_one(),
        _ => watch_one(),
    }
}

fn be_one() -> Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let files = Retreat::begin(c"hermit")?.close_the_door()?;
    let line = files.line.as_fd();
    let told: Vec<&str> = status
        .lines()
        .filter(|line| line.starts_with("Cap") || line.starts_with("NoNewPrivs"))
        .collect();
    send(line, told.join("\n").as_bytes(), SendFlags::empty())?;
    for (name, attempt) in attempts() {
        let said = match attempt(&files) {
            Ok(()) => format!("{name} succeeded"),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
            Err(error) => format!("{name}: {error}"),
        };
        send(line, said.as_bytes(), SendFlags::empty())?;
    }
    send(line, b"done", SendFlags::empty())?;
    Ok(())
}

type Attempt = fn(&HermitFiles) -> io::Result<()>;

fn attempts() -> [(&'static str, Attempt); 11] {
    [
        ("read a file", |_| File::open("/etc/passwd").map(drop)),
        ("write a file", |_| File::create("/tmp/hermit").map(drop)),
        ("list a directory", |_| std::fs::read_dir("/").map(drop)),
        ("make a socket", |_| {
            UdpSocket::bind("127.0.0.1:0").map(drop)
        }),
        ("connect", |_| TcpStream::connect("127.0.0.1:9").map(drop)),
        ("make a UNIX socket", |_| {
            Ok(socket(AddressFamily::UNIX, SocketType::STREAM, None).map(drop)?)
        }),
        ("execute", |_| Command::new("/bin/true").status().map(drop)),
        ("send a signal", |_| {
            Ok(kill_process(Pid::INIT, Signal::CONT)?)
        }),
        ("duplicate a file", |files| Ok(dup(&files.other).map(drop)?)),
        ("send elsewhere", |files| {
            let elsewhere = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
            let elsewhere = SocketAddrAny::from(elsewhere);
            Ok(sendto(&files.other, b"x", SendFlags::empty(), &elsewhere).map(drop)?)
        }),
        ("change its limits", |_| {
            let limit = Rlimit {
                current: Some(8),
                maximum: Some(8),
            };
            Ok(setrlimit(Resource::Nofile, limit)?)
        }),
    ]
}

fn watch_one() -> Result<()> {
    let (line, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // Somebody listens, so that a way out would be one.
    let _listens = TcpListener::bind("127.0.0.1:9");
    let udp = || -> io::Result<OwnedFd> { Ok(UdpSocket::bind("127.0.0.1:0")?.into()) };
    let files = HermitFiles {
        line: theirs,
        answers: udp()?,
        other: udp()?,
    };
    let _hermit = retreat(files, c"hermit")?;
    let mut space = [0; 4096];
    loop {
        let (length, _) = recv(&line, &mut space, RecvFlags::empty())?;
        match std::str::from_utf8(&space[..length])? {
            "" => return Err("the hermit has died".into()),
            "done" => return Ok(()),
            said => println!("{said}"),
        }
    }
}
