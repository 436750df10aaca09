//! Questions and answers as people write them, for `minet dns`.

use hickory_proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, Record, RecordType},
};
use std::net::IpAddr;

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
