//! From the bytes of a question to the bytes of an answer.

use super::meaning::{Directory, Meaning, Reason};
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

/// Whether others are asked what the container's networks do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Others {
    /// All of the container's networks are internal: nobody outside hears of anything.
    NotAsked,
    /// Names with a dot are asked for; one without would be a container's that is not
    /// there (yet), and is nobody else's business.
    Asked,
    /// `--dns-single-label`: for every name.
    AskedForAll,
}

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

/// A question for others.
#[derive(Debug, Clone)]
pub struct Question {
    message: Message,
    bytes: Vec<u8>,
    transport: Transport,
}

/// What is done about a name, and why: the same for an answer and for `minet dns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The addresses of these, as far as the type asks for them.
    Addresses(Vec<Reason>),
    /// These names.
    Names(Vec<String>),
    /// There is no such name.
    NoSuchName,
    /// Others are asked.
    Forward,
    /// Others would have to be asked, and must not be.
    Refuse,
}

/// What is done about a question for this name and type.
pub fn decide<D: Directory>(
    directory: &mut D,
    name: &Name,
    kind: RecordType,
    others: Others,
) -> Result<Decision, D::Error> {
    if name.is_root() {
        return Ok(outside(others));
    }
    Ok(match directory.meaning(&name.to_ascii())? {
        Meaning::Known(reasons) => Decision::Addresses(reasons),
        Meaning::Pointer(names) => Decision::Names(names),
        Meaning::Asleep => Decision::NoSuchName,
        Meaning::Unknown if keeps_to_itself(name, kind, others) => Decision::NoSuchName,
        Meaning::Unknown => outside(others),
    })
}

fn outside(others: Others) -> Decision {
    match others {
        Others::NotAsked => Decision::Refuse,
        Others::Asked | Others::AskedForAll => Decision::Forward,
    }
}

/// Whether a name is a single label that nobody else is to hear of. Of a zone at the top,
/// such as `org`, a validating resolver inside has to see keys and servers.
fn keeps_to_itself(name: &Name, kind: RecordType, others: Others) -> bool {
    let of_a_zone = matches!(
        kind,
        RecordType::NS | RecordType::SOA | RecordType::DS | RecordType::DNSKEY
    );
    name.num_labels() == 1 && !of_a_zone && others != Others::AskedForAll
}

/// The name that a question is about, as a [`Directory`] will be asked what it means; none if
/// the answer needs no directory.
pub fn asked_name(bytes: &[u8]) -> Option<String> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder).ok()?;
    let is_question = header.metadata.message_type == MessageType::Query
        && header.metadata.op_code == OpCode::Query
        && header.counts.queries == 1;
    let query = is_question
        .then(|| Query::read(&mut decoder).ok())
        .flatten()?;
    let is_about_a_name = query.query_class() == DNSClass::IN && !query.name().is_root();
    is_about_a_name.then(|| query.name().to_ascii())
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
            return Outcome::Forward(Question {
                bytes: bytes.to_vec(),
                message,
                transport,
            });
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
fn finish(mut message: Message, transport: Transport, asked: Option<&Edns>) -> Outcome {
    if let Some(asked) = asked {
        let mut edns = Edns::new();
        edns.set_max_payload(LONGEST_DATAGRAM as u16);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        edns.set_rcode_high(message.response_code.high());
        message.set_edns(edns);
    }
    let limit = limit(transport, asked);
    loop {
        let Ok(bytes) = message.to_vec() else {
            return Outcome::Silence;
        };
        if bytes.len() <= limit || message.answers.is_empty() {
            return Outcome::Reply(bytes);
        }
        message.metadata.truncation = true;
        let fit = message.answers.len() * limit / bytes.len();
        message.answers.truncate(fit.min(message.answers.len() - 1));
    }
}

fn limit(transport: Transport, asked: Option<&Edns>) -> usize {
    match (transport, asked) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => SHORTEST_DATAGRAM,
        (Transport::Udp, Some(edns)) => {
            usize::from(edns.max_payload()).clamp(SHORTEST_DATAGRAM, LONGEST_DATAGRAM)
        }
    }
}

impl Question {
    /// How it came, and is to be asked on.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The question as it came, under another number.
    pub(super) fn under(&self, id: u16) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        bytes
    }

    /// Whether these bytes answer this question under that number, and how.
    pub(super) fn is_answered_by(&self, bytes: &[u8], id: u16) -> Option<ResponseCode> {
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
    pub(super) fn pass_on(&self, mut answer: Vec<u8>) -> Vec<u8> {
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

/// Why a text cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuestion {
    /// Not a name.
    #[error("{0:?} is not a name that can be asked for")]
    Name(String),
    /// Not a type.
    #[error("{0:?} is not a type of record: A, AAAA, PTR, MX, TXT, … (IANA's names)")]
    Type(String),
}

/// The bytes of a question that a program would ask, and the name it asks for: an address
/// is asked for by its pointer.
///
/// # Errors
/// When name or type are none.
pub fn query(name: &str, kind: Option<&str>) -> Result<(Query, Vec<u8>), InvalidQuestion> {
    let invalid = || InvalidQuestion::Name(name.to_owned());
    let (name, default) = match name.parse::<IpAddr>() {
        Ok(address) => (Name::from(address), RecordType::PTR),
        Err(_) => {
            let mut name = Name::from_ascii(name).map_err(|_| invalid())?;
            name.set_fqdn(true);
            (name, RecordType::A)
        }
    };
    let kind = match kind {
        Some(kind) => kind
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| InvalidQuestion::Type(kind.to_owned()))?,
        None => default,
    };
    let query = Query::query(name, kind);
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(query.clone());
    let bytes = message.to_vec().map_err(|_| invalid())?;
    Ok((query, bytes))
}

/// An answer in words: its code, and its records as a zone file writes them.
pub fn show(bytes: &[u8]) -> Option<(String, Vec<String>)> {
    let message = Message::from_vec(bytes).ok()?;
    let code = match message.response_code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => other.to_string(),
    };
    Some((
        code,
        message.answers.iter().map(Record::to_string).collect(),
    ))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
