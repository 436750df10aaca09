//! The transport: one socket, requests out, verdicts in.
//!
//! The kernel handles a request within the `send` call itself (`netlink_rcv_skb`), so
//! when it returns, the answers are already queued. Hence reading never waits: an empty
//! queue means a lost answer, and that is an error, not a hang.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an answer is of the one expected kind, or it is an error, whatever else it is"
)]

mod ack;
mod dump;
mod receive;

use crate::{Cause, Error, Refusal, error::During};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use receive::Inbox;
use std::io;

/// How often a request is sent again when the kernel was short of memory for it.
const SENDINGS: u32 = 5;
/// Plenty for the answers to a batch and for a dump; the kernel may cap it at
/// `net.core.rmem_max`, which is fine too.
const RECEIVE_BUFFER_BYTES: libc::c_int = 1 << 20;

/// A connection to the routing half of the kernel, in one network namespace.
///
/// A netlink socket belongs for ever to the namespace in which it was opened, whichever
/// thread uses it later. That is the whole trick by which minet configures the inside of
/// a container from outside: a thread enters the namespace, opens an `Rtnl`, hands it out
/// and dies. Nobody else ever has to enter.
pub struct Rtnl {
    socket: Socket,
    sequence: u32,
    inbox: Inbox,
}

/// One message of a batch and the flags that make it create, replace or plainly change.
pub(crate) struct Request {
    flags: u16,
    message: RouteNetlinkMessage,
}

impl Request {
    pub(crate) fn new(message: RouteNetlinkMessage) -> Self {
        Request { flags: 0, message }
    }

    pub(crate) fn with_flags(message: RouteNetlinkMessage, flags: u16) -> Self {
        Request { flags, message }
    }
}

/// The kernel's verdict on one message of a batch.
pub(crate) type Verdict = Result<(), Refusal>;

impl Rtnl {
    /// Opens a socket in the network namespace of the calling thread.
    ///
    /// It is closed on exec. It is connected to the kernel (port 0), so that no other
    /// process can slip an answer into it. Extended acknowledgements give the kernel's
    /// reason in words; strict checking makes it honour filters in requests.
    ///
    /// # Errors
    ///
    /// [`Cause::Socket`] when there are no more file descriptors, or on a kernel before
    /// 4.20, which lacks `NETLINK_GET_STRICT_CHK`.
    pub fn open() -> Result<Self, Error> {
        fn connected() -> io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?;
            socket.set_netlink_get_strict_chk(true)?;
            socket.set_rx_buf_sz(RECEIVE_BUFFER_BYTES)?;
            Ok(socket)
        }
        let socket = connected()
            .map_err(Cause::Socket)
            .during(|| "open a netlink socket".to_owned())?;
        Ok(Rtnl {
            socket,
            sequence: 0,
            inbox: Inbox::new(),
        })
    }

    /// Sends a batch of changes in one system call; returns one verdict per message, in
    /// order.
    ///
    /// The kernel goes on with the next message after it refused one. So a batch must
    /// only hold messages that do no harm when an earlier one failed: a `SETLINK` by name
    /// after a `NEWLINK` that found the name taken would write on somebody else's link.
    pub(crate) fn request(&mut self, batch: Vec<Request>) -> Result<Vec<Verdict>, Cause> {
        let first = self.sequence.wrapping_add(1);
        let count = batch.len();
        let mut bytes = Vec::with_capacity(256 * count);
        for Request { flags, message } in batch {
            self.append(&mut bytes, message, NLM_F_REQUEST | NLM_F_ACK | flags);
        }
        self.send(&bytes)?;

        let mut verdicts = Vec::with_capacity(count);
        while verdicts.len() < count {
            for answer in self.inbox.receive(&self.socket)? {
                if is_stale(answer.sequence, first) {
                    continue;
                }
                let expected = first.wrapping_add(verdicts.len() as u32);
                if answer.sequence != expected {
                    return Err(out_of_order(expected, answer.sequence));
                }
                match answer.payload {
                    NetlinkPayload::Error(error) => {
                        verdicts.push(ack::verdict(answer.flags, &error));
                    }
                    other => return Err(unexpected(&other)),
                }
            }
        }
        Ok(verdicts)
    }

    /// [`Rtnl::request`] for a batch of known length.
    pub(crate) fn request_all<const N: usize>(
        &mut self,
        batch: [Request; N],
    ) -> Result<[Verdict; N], Cause> {
        self.request(batch.into())?
            .try_into()
            .map_err(|_| Cause::Malformed("fewer acknowledgements than messages".to_owned()))
    }

    /// Sends one change and returns its verdict.
    pub(crate) fn request_one(&mut self, request: Request) -> Result<Verdict, Cause> {
        let [verdict] = self.request_all([request])?;
        Ok(verdict)
    }

    /// Asks for one thing by name or index: the answer, or the kernel's refusal.
    pub(crate) fn get(
        &mut self,
        question: RouteNetlinkMessage,
    ) -> Result<Result<RouteNetlinkMessage, Refusal>, Cause> {
        let mut bytes = Vec::with_capacity(64);
        self.append(&mut bytes, question, NLM_F_REQUEST);
        self.send(&bytes)?;
        loop {
            for answer in self.inbox.receive(&self.socket)? {
                if is_stale(answer.sequence, self.sequence) {
                    continue;
                }
                return match answer.payload {
                    NetlinkPayload::InnerMessage(message) => Ok(Ok(message)),
                    NetlinkPayload::Error(error) => match ack::verdict(answer.flags, &error) {
                        Err(refusal) => Ok(Err(refusal)),
                        Ok(()) => Err(Cause::Malformed("an empty answer".to_owned())),
                    },
                    other => Err(unexpected(&other)),
                };
            }
        }
    }

    fn append(&mut self, bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let start = bytes.len();
        // NLMSG_ALIGNTO is 4; the length in the header does not count the padding.
        bytes.resize((start + message.buffer_len()).next_multiple_of(4), 0);
        message.serialize(&mut bytes[start..]);
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let mut shortages = 0;
        loop {
            match self.socket.send(bytes, 0) {
                Ok(_) => return Ok(()),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR) => {}
                    Some(libc::ENOBUFS | libc::ENOMEM) if shortages < SENDINGS => shortages += 1,
                    _ => return Err(Cause::Socket(error)),
                },
            }
        }
    }
}

/// Whether an answer belongs to a request before `first`, one whose reading was given up.
fn is_stale(sequence: u32, first: u32) -> bool {
    // Serial numbers compare by the sign of their difference (RFC 1982).
    (sequence.wrapping_sub(first) as i32) < 0
}

fn out_of_order(expected: u32, found: u32) -> Cause {
    Cause::Malformed(format!(
        "an answer to message {found} instead of message {expected}"
    ))
}

fn unexpected(payload: &NetlinkPayload<RouteNetlinkMessage>) -> Cause {
    Cause::Malformed(format!("a message of type {}", payload.message_type()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn may_be_opened_on_one_thread_and_used_on_another() {
        fn sendable<T: Send>() {}
        sendable::<Rtnl>();
    }

    #[test]
    fn stale_answers_are_recognised_across_the_wrap() {
        assert!(is_stale(4, 5));
        assert!(!is_stale(5, 5));
        assert!(!is_stale(6, 5));
        assert!(is_stale(u32::MAX, 0));
        assert!(!is_stale(0, u32::MAX));
    }
}
