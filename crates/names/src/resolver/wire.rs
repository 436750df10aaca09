//! From the bytes of a question to the bytes of an answer.

use super::{
    decide::{Decision, Others, decide},
    meaning::{Directory, Reason},
    question::Question,
};
use hickory_proto::{
    op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record, RecordType,
        rdata::{A, AAAA, PTR},
    },
    serialize::binary::{BinDecodable, BinDecoder},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How a question came, which limits how long the answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// In a datagram: 512 bytes, or as many as the asker says (RFC 6891).
    Udp,
    /// Over a connection.
    Tcp,
}

/// A datagram that is longer goes in pieces even over the loopback's large packets.
const LONGEST_DATAGRAM: usize = 4096;
const SHORTEST_DATAGRAM: usize = 512;

/// An A record whose name is a pointer to the question (RFC 1035 sections 3.2.1, 4.1.4).
const SHORTEST_RECORD: usize = 16;

/// What is to be done with what came.
#[derive(Debug)]
pub enum Outcome {
    /// Send these bytes back.
    Reply(Vec<u8>),
    /// Ask the servers outside.
    Forward(Question),
    /// Nothing: it is no question, and whoever sent it expects no answer.
    Silence,
}

/// Answers what came, as far as that needs nobody else.
///
/// `shuffle` is a random number: several bearers of a name are given in a random order.
pub fn answer<D: Directory>(
    bytes: &[u8],
    directory: &mut D,
    others: Others,
    transport: Transport,
    shuffle: u64,
) -> Outcome {
    let header = match Header::read(&mut BinDecoder::new(bytes)) {
        Ok(header) => header.metadata,
        Err(_) => return Outcome::Silence,
    };
    if header.message_type != MessageType::Query {
        return Outcome::Silence;
    }
    let complain = |code| {
        finish(
            Message::error_msg(header.id, header.op_code, code),
            transport,
            None,
        )
    };
    if header.op_code != OpCode::Query {
        return complain(ResponseCode::NotImp);
    }
    let Ok(message) = Message::from_vec(bytes) else {
        return complain(ResponseCode::FormErr);
    };
    let [query] = &message.queries[..] else {
        return complain(ResponseCode::FormErr);
    };
    if message.version() > 0 {
        return reply(&message, ResponseCode::BADVERS, Vec::new(), transport);
    }
    if query.query_class() != DNSClass::IN {
        return reply(&message, ResponseCode::Refused, Vec::new(), transport);
    }
    let decision = decide(directory, query.name(), query.query_type(), others);
    let (code, answers) = match decision {
        Ok(Decision::Addresses(reasons)) => {
            let mut answers = addresses(query, &reasons);
            mix(&mut answers, shuffle);
            (ResponseCode::NoError, answers)
        }
        Ok(Decision::Names(names)) => (ResponseCode::NoError, pointers(query, &names)),
        Ok(Decision::NoSuchName) => (ResponseCode::NXDomain, Vec::new()),
        Ok(Decision::Forward) => {
            return Outcome::Forward(Question::new(message, bytes, transport));
        }
        Ok(Decision::Refuse) | Err(_) => (ResponseCode::ServFail, Vec::new()),
    };
    reply(&message, code, answers, transport)
}

/// The addresses of the family that was asked for.
fn addresses(query: &Query, reasons: &[Reason]) -> Vec<Record> {
    let kind = query.query_type();
    let wanted = |address: &IpAddr| match address {
        IpAddr::V4(_) => matches!(kind, RecordType::A | RecordType::ANY),
        IpAddr::V6(_) => matches!(kind, RecordType::AAAA | RecordType::ANY),
    };
    let mut addresses: Vec<IpAddr> = reasons
        .iter()
        .flat_map(|reason| &reason.addresses)
        .copied()
        .filter(wanted)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    let record = |address| match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    };
    let records = addresses.into_iter().map(record);
    records.map(|data| of_now(query, data)).collect()
}

fn pointers(query: &Query, names: &[String]) -> Vec<Record> {
    if !matches!(query.query_type(), RecordType::PTR | RecordType::ANY) {
        return Vec::new();
    }
    let name = |name: &String| Name::from_ascii(format!("{name}.")).ok();
    let names = names.iter().filter_map(name);
    names
        .map(|name| of_now(query, RData::PTR(PTR(name))))
        .collect()
}

/// True in this moment: TTL 0, since the next question may be answered otherwise.
fn of_now(query: &Query, data: RData) -> Record {
    Record::from_rdata(query.name().clone(), 0, data)
}

/// A random order (Fisher and Yates), from one random number.
fn mix<T>(items: &mut [T], mut seed: u64) {
    for last in (1..items.len()).rev() {
        // Steele, Lea, Flood: Fast splittable pseudorandom number generators (SplitMix64).
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        items.swap(last, (bits >> 33) as usize % (last + 1));
    }
}

fn reply(
    asked: &Message,
    code: ResponseCode,
    answers: Vec<Record>,
    transport: Transport,
) -> Outcome {
    let mut message = Message::response(asked.id, asked.op_code);
    message.metadata.recursion_desired = asked.recursion_desired;
    message.metadata.checking_disabled = asked.checking_disabled;
    message.metadata.recursion_available = true;
    message.metadata.authoritative = true;
    message.metadata.response_code = code;
    message.add_queries(asked.queries.iter().cloned());
    message.insert_answers(answers);
    finish(message, transport, asked.edns.as_ref())
}

/// Encodes a reply; what does not fit is left out, and said to be.
pub(super) fn finish(mut message: Message, transport: Transport, asked: Option<&Edns>) -> Outcome {
    if let Some(asked) = asked {
        let mut edns = Edns::new();
        edns.set_max_payload(LONGEST_DATAGRAM as u16);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        edns.set_rcode_high(message.response_code.high());
        message.set_edns(edns);
    }
    let limit = limit(transport, asked);
    // Of hundreds of bearers most need not even be encoded.
    keep(&mut message, limit / SHORTEST_RECORD);
    loop {
        let Ok(bytes) = message.to_vec() else {
            return Outcome::Silence;
        };
        let answers = message.answers.len();
        if bytes.len() <= limit || answers == 0 {
            return Outcome::Reply(bytes);
        }
        keep(
            &mut message,
            (answers * limit / bytes.len()).min(answers - 1),
        );
    }
}

/// Leaves out the answers beyond the first so many, and says so.
fn keep(message: &mut Message, answers: usize) {
    if message.answers.len() > answers {
        message.metadata.truncation = true;
        message.answers.truncate(answers);
    }
}

pub(super) fn limit(transport: Transport, asked: Option<&Edns>) -> usize {
    match (transport, asked) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => SHORTEST_DATAGRAM,
        (Transport::Udp, Some(edns)) => {
            usize::from(edns.max_payload()).clamp(SHORTEST_DATAGRAM, LONGEST_DATAGRAM)
        }
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
