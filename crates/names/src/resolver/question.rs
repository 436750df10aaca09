//! A question that goes to servers outside, and comes back as an answer.

use super::wire::{Outcome, Transport, finish, limit};
use hickory_proto::{
    op::{Header, Message, MessageType, OpCode, Query, ResponseCode},
    serialize::binary::{BinDecodable, BinDecoder},
};

/// A question for others.
#[derive(Debug, Clone)]
pub struct Question {
    message: Message,
    bytes: Vec<u8>,
    transport: Transport,
}

impl Question {
    /// The question of this message, which came as these bytes.
    pub(super) fn new(message: Message, bytes: &[u8], transport: Transport) -> Self {
        Question {
            message,
            bytes: bytes.to_vec(),
            transport,
        }
    }

    /// How it came, and is to be asked on.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The question as it came, under another number.
    pub fn under(&self, id: u16) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        bytes
    }

    /// Whether these bytes answer this question under that number, and how.
    pub fn is_answered_by(&self, bytes: &[u8], id: u16) -> Option<ResponseCode> {
        let mut decoder = BinDecoder::new(bytes);
        let header = Header::read(&mut decoder).ok()?;
        let metadata = header.metadata;
        let is_answer = metadata.id == id
            && metadata.message_type == MessageType::Response
            && metadata.op_code == OpCode::Query;
        // Some say only "no", and repeat nothing.
        let only_no = header.counts.queries == 0
            && header.counts.answers == 0
            && metadata.response_code != ResponseCode::NoError;
        let mut same = || {
            header.counts.queries == 1
                && Query::read(&mut decoder).is_ok_and(|query| query == self.message.queries[0])
        };
        (is_answer && (only_no || same())).then_some(metadata.response_code)
    }

    /// An answer of somebody else's, as the asker gets it.
    pub fn pass_on(&self, mut answer: Vec<u8>) -> Vec<u8> {
        if answer.len() > limit(self.transport, self.message.edns.as_ref()) {
            // It is asked again over TCP.
            return self.fail(ResponseCode::NoError, Truncated::Yes);
        }
        answer[..2].copy_from_slice(&self.message.id.to_be_bytes());
        answer
    }

    /// Nobody answered.
    pub(super) fn unanswered(&self) -> Vec<u8> {
        self.fail(ResponseCode::ServFail, Truncated::No)
    }

    /// So many questions are under way that this one is not asked.
    pub(super) fn refused(&self) -> Vec<u8> {
        self.fail(ResponseCode::Refused, Truncated::No)
    }

    fn fail(&self, code: ResponseCode, truncated: Truncated) -> Vec<u8> {
        let mut message = Message::response(self.message.id, OpCode::Query);
        message.metadata.recursion_desired = self.message.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.response_code = code;
        message.metadata.truncation = matches!(truncated, Truncated::Yes);
        message.add_queries(self.message.queries.iter().cloned());
        match finish(message, self.transport, self.message.edns.as_ref()) {
            Outcome::Reply(bytes) => bytes,
            Outcome::Forward(_) | Outcome::Silence => Vec::new(),
        }
    }
}

enum Truncated {
    Yes,
    No,
}
