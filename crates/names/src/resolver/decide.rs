//! What is done about a name: answered here, asked for outside, or neither.

use super::meaning::{Directory, Meaning, Reason};
use hickory_proto::{
    op::{Header, MessageType, OpCode, Query},
    rr::{DNSClass, Name, RecordType},
    serialize::binary::{BinDecodable, BinDecoder},
};
use serde::{Deserialize, Serialize};

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
