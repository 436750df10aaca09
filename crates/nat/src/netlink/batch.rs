//! Many messages, one transaction: all of them take effect, or none does.

use super::attribute;
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

    /// An empty transaction that the kernel refuses (`ERESTART`) if anything has changed
    /// since this generation of the ruleset.
    pub(crate) fn begin_at(seq: u32, generation: u32) -> Self {
        /// `NFNL_BATCH_GENID` of the kernel's `nfnetlink.h`.
        const GENERATION: u16 = 1;
        let mut batch = Batch::begin(seq);
        attribute::put(&mut batch.bytes, GENERATION, &generation.to_be_bytes());
        batch.bytes = attribute::finish(batch.bytes);
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
        let header = attribute::header(kind as u16, 0, seq, 0, subsystem);
        self.bytes.extend(attribute::finish(header));
    }
}

/// A message on its own, for questions, and the first number that is free again.
pub(crate) fn single(message: &Message, seq: u32) -> (Vec<u8>, u32) {
    let mut bytes = Vec::new();
    Scratch::new().write(message, seq, &mut bytes);
    (bytes, seq + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, IfPresent};
    use crate::netlink::attribute::messages;
    use crate::netlink::encode::encode;
    use crate::table::{Element, Transit, Value, layout};
    use minet_model::Protocol;

    fn publish() -> Message {
        let table = layout(Transit::Untouched);
        encode(&Command::AddElement {
            set: table.set("publish").unwrap().clone(),
            element: Element {
                key: vec![Value::Proto(Protocol::Tcp), Value::Port(8080)],
                data: vec![Value::Ipv4([172, 17, 0, 2].into()), Value::Port(80)],
                comment: "web".to_owned(),
            },
            if_present: IfPresent::Fail,
        })
    }

    #[test]
    fn a_transaction_is_framed_and_numbered() {
        let mut batch = Batch::begin(5);
        assert_eq!(batch.push(&publish()), 6);
        let (bytes, next) = batch.end();
        let messages = messages(&bytes);
        let found: Vec<_> = messages.iter().map(|m| (m.kind, m.seq)).collect();
        // NFNL_MSG_BATCH_BEGIN, NFT_MSG_NEWSETELEM of subsystem 10, NFNL_MSG_BATCH_END
        assert_eq!(found, [(0x10, 5), (0xa0c, 6), (0x11, 7)]);
        assert_eq!(next, 8);
        // NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
        assert_eq!(messages[1].flags, 0x1 | 0x400 | 0x200);
    }

    #[test]
    fn an_element_carries_key_data_and_comment() {
        let (bytes, _) = single(&publish(), 1);
        let message = messages(&bytes).remove(0);
        let element = message.attributes().inside(3).unwrap().inside(1).unwrap();
        let value = |kind| element.inside(kind).unwrap().get(1).unwrap();
        assert_eq!(value(1), [6, 0, 0, 0, 0x1f, 0x90, 0, 0]);
        assert_eq!(value(2), [172, 17, 0, 2, 0, 80, 0, 0]);
        assert_eq!(element.get(6).unwrap(), b"\x00\x04web\x00");
    }
}
