//! Reading datagrams and cutting them into messages.

use crate::Cause;
use netlink_packet_core::{NLM_F_DUMP_INTR, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::Socket;
use std::io;

/// The kernel fills at most 32 KiB per datagram (`netlink_dump`), less than that if the
/// reader has never offered so much.
const DATAGRAM_BYTES: usize = 32 * 1024;
const HEADER_BYTES: usize = 16;

/// The place where datagrams arrive, allocated once.
pub(super) struct Inbox {
    buffer: Vec<u8>,
}

/// One message from the kernel.
pub(super) struct Answer {
    pub(super) sequence: u32,
    pub(super) flags: u16,
    pub(super) payload: NetlinkPayload<RouteNetlinkMessage>,
}

impl Answer {
    /// Whether the list was changed while the kernel was handing it out.
    pub(super) fn is_interrupted(&self) -> bool {
        self.flags & NLM_F_DUMP_INTR != 0
    }
}

impl Inbox {
    pub(super) fn new() -> Self {
        Inbox {
            buffer: Vec::with_capacity(DATAGRAM_BYTES),
        }
    }

    /// The messages of the next datagram.
    pub(super) fn receive(&mut self, socket: &Socket) -> Result<Vec<Answer>, Cause> {
        let length = self.next_datagram(socket)?;
        if length > self.buffer.len() {
            return Err(Cause::Malformed(format!(
                "a datagram of {length} bytes, more than {DATAGRAM_BYTES}"
            )));
        }
        messages(&self.buffer)
    }

    /// Throws away whatever is queued.
    pub(super) fn discard(&mut self, socket: &Socket) {
        // Bounded, because a dump that is still running refills the queue.
        for _ in 0..1024 {
            if self.next_datagram(socket).is_err() {
                return;
            }
        }
    }

    fn next_datagram(&mut self, socket: &Socket) -> Result<usize, Cause> {
        loop {
            self.buffer.clear();
            match socket.recv(&mut self.buffer, libc::MSG_TRUNC | libc::MSG_DONTWAIT) {
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Cause::Malformed("no answer".to_owned()));
                }
                Err(error) => return Err(Cause::Socket(error)),
            }
        }
    }
}

fn messages(datagram: &[u8]) -> Result<Vec<Answer>, Cause> {
    let mut answers = Vec::new();
    let mut rest = datagram;
    while rest.len() >= HEADER_BYTES {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
            .map_err(|error| Cause::Malformed(error.to_string()))?;
        let length = message.header.length as usize;
        if length < HEADER_BYTES {
            return Err(Cause::Malformed(format!("a message of {length} bytes")));
        }
        answers.push(Answer {
            sequence: message.header.sequence_number,
            flags: message.header.flags,
            payload: message.payload,
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An acknowledgement as the kernel sends it: header, errno, echoed header.
    fn acknowledgement(sequence: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(36u32.to_ne_bytes());
        bytes.extend(2u16.to_ne_bytes());
        bytes.extend(0u16.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4 + 4 + 16]);
        bytes
    }

    #[test]
    fn several_messages_in_one_datagram() {
        let datagram = [acknowledgement(7), acknowledgement(8)].concat();
        let sequences: Vec<u32> = messages(&datagram)
            .unwrap()
            .iter()
            .map(|answer| answer.sequence)
            .collect();
        assert_eq!(sequences, [7, 8]);
    }

    #[test]
    fn a_length_that_lies_is_an_error_and_never_a_loop() {
        let mut long = acknowledgement(1);
        long[0] = 200;
        assert!(matches!(messages(&long), Err(Cause::Malformed(_))));
        let mut short = acknowledgement(1);
        short[0] = 3;
        assert!(messages(&short).is_err());
    }
}
