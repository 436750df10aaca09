//! The socket to nf_tables and to conntrack.

use super::attribute::{Attributes, Incoming, messages, u32_at};
use super::ffi;
use crate::error::Error;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Room for one datagram from the kernel, which sends at most 32 KiB at once.
const DATAGRAM: usize = 64 * 1024;
/// Transactions of some ten thousand elements, and as many complaints about them.
const BUFFER: usize = 16 * 1024 * 1024;
/// `NLMSGERR_ATTR_MSG` of the kernel's `netlink.h`.
const NLMSGERR_ATTR_MSG: u16 = 1;
/// `NLM_F_ACK_TLVS`: attributes follow the error.
const NLM_F_ACK_TLVS: u16 = 0x200;

/// An open netfilter socket, tied to the network namespace in which it was opened.
pub(crate) struct Socket {
    fd: OwnedFd,
    next_seq: u32,
}

/// What the kernel says against one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The number of the message.
    pub(crate) seq: u32,
    /// Why.
    pub(crate) errno: Errno,
    /// Why, in the kernel's words, if it has any.
    pub(crate) words: Option<String>,
}

/// Everything that the kernel sent back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// What was asked for.
    pub(crate) messages: Vec<Incoming>,
    /// What was wrong.
    pub(crate) complaints: Vec<Complaint>,
}

impl Socket {
    /// Opens a socket that no child process inherits.
    pub(crate) fn open() -> Result<Self, Errno> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        // A whole transaction has to fit; without the privilege, as much as is allowed.
        if setsockopt(&fd, sockopt::SndBufForce, &BUFFER).is_err() {
            setsockopt(&fd, sockopt::SndBuf, &BUFFER)?;
        }
        if setsockopt(&fd, sockopt::RcvBufForce, &BUFFER).is_err() {
            setsockopt(&fd, sockopt::RcvBuf, &BUFFER)?;
        }
        // Kernels before 4.12 have no words for their errors; the numbers will do.
        let _ = ffi::want_explanations(fd.as_fd());
        Ok(Socket { fd, next_seq: 1 })
    }

    /// The number for the next message.
    pub(crate) fn next_seq(&self) -> u32 {
        self.next_seq
    }

    /// Sends bytes whose messages are numbered below `next_seq`, and collects what comes back.
    ///
    /// The kernel works a netfilter message off inside `sendmsg`; once that returns, every
    /// answer is in the queue and nothing has to be waited for.
    pub(crate) fn exchange(&mut self, bytes: &[u8], next_seq: u32) -> Result<Answer, Errno> {
        self.next_seq = next_seq;
        send(self.fd.as_raw_fd(), bytes, MsgFlags::empty())?;
        let mut answer = Answer::default();
        let mut datagram = vec![0; DATAGRAM];
        loop {
            match recv(self.fd.as_raw_fd(), &mut datagram, MsgFlags::MSG_DONTWAIT) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(answer),
                Ok(len) => messages(&datagram[..len])
                    .into_iter()
                    .for_each(|message| answer.sort_in(message)),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl Complaint {
    /// The error, when the complaint has no happy meaning.
    pub(crate) fn into_error(self, act: &str, what: &str) -> Error {
        Error::refused(act, what, self.errno, self.words)
    }
}

impl Answer {
    fn sort_in(&mut self, message: Incoming) {
        match i32::from(message.kind) {
            libc::NLMSG_ERROR => self.complaints.extend(complaint(&message)),
            libc::NLMSG_DONE => {}
            _ => self.messages.push(message),
        }
    }
}

/// An error message; one with the number 0 is praise, not a complaint.
fn complaint(message: &Incoming) -> Option<Complaint> {
    let errno = (u32_at(&message.payload, 0) as i32).wrapping_neg();
    // The error number, then the header of our own message, then the kernel's words.
    let words = match message.flags & NLM_F_ACK_TLVS {
        0 => None,
        _ => Attributes(message.payload.get(20..).unwrap_or_default()).get(NLMSGERR_ATTR_MSG),
    };
    (errno != 0).then(|| Complaint {
        seq: message.seq,
        errno: Errno::from_raw(errno),
        words: words.map(|text| {
            let text = String::from_utf8_lossy(text);
            text.trim_end_matches('\0').to_owned()
        }),
    })
}

impl AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        socket.fd
    }
}
