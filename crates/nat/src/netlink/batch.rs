//! Many messages, one transaction: all of them take effect, or none does.

use super::ffi::Scratch;
use super::message::Message;
use nix::libc;

/// A transaction being written. The kernel takes it from one single `sendmsg`.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    scratch: Scratch,
    next_seq: u32,
}

impl Batch {
    /// An empty transaction; its messages are numbered after `seq`.
    pub(crate) fn begin(seq: u32) -> Self {
        let mut batch = Batch {
            bytes: Vec::new(),
            scratch: Scratch::new(),
            next_seq: seq,
        };
        batch.mark(libc::NFNL_MSG_BATCH_BEGIN);
        batch
    }

    /// Appends a message and says by which number the kernel will refer to it.
    pub(crate) fn push(&mut self, message: &Message) -> u32 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.scratch.write(message, seq, &mut self.bytes);
        seq
    }

    /// The bytes to send, and the first number that is free again.
    pub(crate) fn end(mut self) -> (Vec<u8>, u32) {
        self.mark(libc::NFNL_MSG_BATCH_END);
        (self.bytes, self.next_seq)
    }

    fn mark(&mut self, kind: i32) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let subsystem = libc::NFNL_SUBSYS_NFTABLES as u16;
        let header = super::attribute::header(kind as u16, 0, seq, 0, subsystem);
        self.bytes.extend(super::attribute::finish(header));
    }
}

/// A message on its own, for questions, and the first number that is free again.
pub(crate) fn single(message: &Message, seq: u32) -> (Vec<u8>, u32) {
    let mut bytes = Vec::new();
    Scratch::new().write(message, seq, &mut bytes);
    (bytes, seq + 1)
}
