//! A name server to be asked by a resolver under test.
//!
//! It prints `udp asks example.org 1`, with the number of the type (and ` edns 1232` if the
//! question has that), and behaves by the first label of the name:
//!
//! | label | answer |
//! | --- | --- |
//! | `refuse`, `fail` | REFUSED, SERVFAIL |
//! | `no` | there is no such name |
//! | `silent` | none |
//! | `slow` | the address, after half a second |
//! | `lie` | first 6.6.6.6 with another number, for another name, from another port |
//! | `cut` | over UDP nothing but "truncated", over TCP the address |
//! | any other | the address |

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// Answers for ever with this address.
pub(crate) fn serve(at: SocketAddr, address: Ipv4Addr) -> io::Result<()> {
    let udp = UdpSocket::bind(at)?;
    let tcp = TcpListener::bind(at)?;
    println!("ready");
    thread::spawn(move || {
        for stream in tcp.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_connection(stream, address));
        }
    });
    let mut buffer = [0; 4096];
    loop {
        let (length, from) = udp.recv_from(&mut buffer)?;
        let (udp, bytes) = (udp.try_clone()?, buffer[..length].to_vec());
        thread::spawn(move || answer_datagram(&udp, &bytes, from, address));
    }
}

/// What a question says.
struct Question<'a> {
    bytes: &'a [u8],
    /// Where the question section ends.
    end: usize,
    label: String,
}

impl<'a> Question<'a> {
    fn read(transport: &str, bytes: &'a [u8]) -> Option<Self> {
        let mut labels = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).into_owned());
            at += length;
        }
        let kind = u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]);
        let end = at + 4;
        // An OPT record's class is how much the asker takes (RFC 6891).
        let edns = match bytes.get(end..end + 5) {
            Some([0, 0, 41, high, low]) => format!(" edns {}", u16::from_be_bytes([*high, *low])),
            _ => String::new(),
        };
        println!("{transport} asks {} {kind}{edns}", labels.join("."));
        Some(Question {
            bytes,
            end,
            label: labels.first().cloned().unwrap_or_default(),
        })
    }

    fn is_for_an_address(&self) -> bool {
        self.bytes[self.end - 4..self.end] == [0, 1, 0, 1]
    }

    /// A response with these low bits of the flags, and perhaps an address.
    fn answer(&self, high: u8, code: u8, address: Option<Ipv4Addr>) -> Vec<u8> {
        let address = address.filter(|_| self.is_for_an_address());
        let mut answer = self.bytes[..self.end].to_vec();
        answer[2] = 0x80 | high;
        answer[3] = 0x80 | code;
        answer[4..12].copy_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
        if let Some(address) = address {
            // The name of the question, an A record of the Internet, 60 s, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            answer.extend(address.octets());
        }
        answer
    }

    fn honest(&self, address: Ipv4Addr) -> Option<Vec<u8>> {
        match self.label.as_str() {
            "refuse" => Some(self.answer(0, 5, None)),
            "fail" => Some(self.answer(0, 2, None)),
            "no" => Some(self.answer(0, 3, None)),
            "silent" => None,
            "slow" => {
                thread::sleep(Duration::from_millis(500));
                Some(self.answer(0, 0, Some(address)))
            }
            _ => Some(self.answer(0, 0, Some(address))),
        }
    }
}

fn answer_datagram(
    socket: &UdpSocket,
    bytes: &[u8],
    from: SocketAddr,
    address: Ipv4Addr,
) -> io::Result<()> {
    let Some(question) = Question::read("udp", bytes) else {
        return Ok(());
    };
    if question.label == "lie" {
        lie(socket, &question, from)?;
    }
    let answer = match question.label.as_str() {
        "cut" => Some(question.answer(2, 0, None)),
        _ => question.honest(address),
    };
    match answer {
        Some(answer) => socket.send_to(&answer, from).map(drop),
        None => Ok(()),
    }
}

/// What a forger would try: another number, another name, another sender.
fn lie(socket: &UdpSocket, question: &Question<'_>, to: SocketAddr) -> io::Result<()> {
    let forged = question.answer(0, 0, Some(Ipv4Addr::new(6, 6, 6, 6)));
    let mut other_number = forged.clone();
    other_number[0] ^= 1;
    socket.send_to(&other_number, to)?;
    let mut other_name = forged.clone();
    other_name[13] ^= 2;
    socket.send_to(&other_name, to)?;
    UdpSocket::bind((socket.local_addr()?.ip(), 0))?.send_to(&forged, to)?;
    socket.send_to(b"\0", to)?;
    Ok(())
}

fn answer_connection(mut stream: TcpStream, address: Ipv4Addr) -> io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    let answer = Question::read("tcp", &bytes).and_then(|question| question.honest(address));
    let answer = answer.ok_or(io::ErrorKind::InvalidData)?;
    let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), &answer[..]].concat())
}

/// Connections that say nothing, and datagrams that mean nothing, for whoever shall bear
/// them; then sleeps.
pub(crate) fn pester(at: SocketAddr) -> io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(TcpStream::connect_timeout(&at, Duration::from_secs(2))?);
    }
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let mut noise = 1_u64;
    for length in (0..600).step_by(7) {
        let byte = |_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise as u8
        };
        let bytes: Vec<u8> = (0..length).map(byte).collect();
        udp.send_to(&bytes, at)?;
    }
    // A name that points at itself.
    let loops = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
    udp.send_to(&loops, at)?;
    // The longest message there can be, which never comes.
    let last = held.last_mut().expect("two hundred");
    last.write_all(b"\xff\xff")?;
    println!("ready");
    thread::sleep(Duration::from_secs(60));
    Ok(())
}
