//! Rules: what a packet is asked, and what happens to it.

use super::family::{Family, LinkLocal};
use minet_model::IfName;

/// How the names of further bridges begin (`BridgeNetwork::shard` of the model). A name says it,
/// and no set: so nothing has to be put in and taken out with each.
pub const SHARD: &str = "mnx-";

/// Something that a rule can read from a packet or its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The interface that the packet came in by.
    IifName,
    /// The interface that it will leave by.
    OifName,
    /// Its source address.
    Saddr(&'static Family),
    /// Its destination address.
    Daddr(&'static Family),
    /// The MAC that its frame is addressed to.
    EtherDaddr,
    /// Its family.
    NfProto,
    /// The number of its transport protocol.
    L4Proto,
    /// Its destination port, at the same place in TCP, UDP and SCTP.
    Dport,
}

impl Field {
    /// As `nft` writes it.
    pub fn to_nft(self) -> String {
        match self {
            Field::IifName => "iifname".to_owned(),
            Field::OifName => "oifname".to_owned(),
            Field::Saddr(family) => format!("{} saddr", family.keyword),
            Field::Daddr(family) => format!("{} daddr", family.keyword),
            Field::EtherDaddr => "ether daddr".to_owned(),
            Field::NfProto => "meta nfproto".to_owned(),
            Field::L4Proto => "meta l4proto".to_owned(),
            Field::Dport => "th dport".to_owned(),
        }
    }
}

/// `ip saddr . iifname`.
pub(super) fn fields_to_nft(fields: &[Field]) -> String {
    let texts: Vec<_> = fields.iter().map(|field| field.to_nft()).collect();
    texts.join(" . ")
}

/// Whether a lookup has to find something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// The rule goes on if the value is in the set.
    In,
    /// The rule goes on if it is not.
    NotIn,
}

impl Sense {
    fn to_nft(self) -> &'static str {
        match self {
            Sense::In => " ",
            Sense::NotIn => " != ",
        }
    }
}

/// What conntrack says about the connection that a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// `ct state invalid`: conntrack cannot place the packet, so NAT will not touch it.
    Invalid,
    /// `ct state new`: the first packets, until one has come back.
    New,
    /// `ct state established,related`.
    Known,
    /// `ct state untracked`: conntrack was told to let it be.
    Untracked,
    /// `ct status dnat`: its destination was rewritten.
    Dnat,
}

impl Connection {
    fn to_nft(self) -> &'static str {
        match self {
            Connection::Invalid => "ct state invalid",
            Connection::New => "ct state new",
            Connection::Known => "ct state established,related",
            Connection::Untracked => "ct state untracked",
            Connection::Dnat => "ct status dnat",
        }
    }
}

/// A question; the rule goes on while the answers are yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The fields together are, or are not, in a set.
    Lookup(Vec<Field>, Sense, String),
    /// The packet did not come in by this interface.
    NotFrom(IfName),
    /// The packet came in by an interface of this kind, whoever made it.
    FromKind(&'static str),
    /// The packet will leave by one: `bridge`, `veth`.
    ToKind(&'static str),
    /// The packet came in by a further bridge of a network, as its name says.
    FromShard,
    /// It leaves by one: it is a frame that stays on it.
    ToShard,
    /// The destination is one of the family's loopback addresses.
    ToLoopback(&'static Family),
    /// The source is one of them.
    FromLoopback(&'static Family),
    /// The packet is of this family.
    Of(&'static Family),
    /// The source is, or is not, one of the family's link-local addresses.
    FromLinkLocal(&'static Family, &'static LinkLocal, Sense),
    /// The routing table says that the destination is an address of this machine.
    ToThisMachine,
    /// What conntrack says.
    Ct(Connection),
}

impl Match {
    /// As `nft` writes it.
    pub fn to_nft(&self) -> String {
        match self {
            Match::Lookup(fields, sense, set) => {
                format!("{}{}@{set}", fields_to_nft(fields), sense.to_nft())
            }
            Match::NotFrom(name) => format!("iifname != \"{name}\""),
            Match::FromKind(kind) => format!("meta iifkind \"{kind}\""),
            Match::FromShard => format!("iifname \"{SHARD}*\""),
            Match::ToShard => format!("oifname \"{SHARD}*\""),
            Match::ToKind(kind) => format!("meta oifkind \"{kind}\""),
            Match::ToLoopback(family) => {
                format!("{} daddr {}", family.keyword, family.loopback_nft)
            }
            Match::FromLoopback(family) => {
                format!("{} saddr {}", family.keyword, family.loopback_nft)
            }
            Match::Of(family) => format!("meta nfproto {}", family.nfproto_nft()),
            Match::FromLinkLocal(family, link_local, sense) => {
                let (keyword, sense) = (family.keyword, sense.to_nft());
                format!("{keyword} saddr{sense}{}", link_local.nft)
            }
            Match::ToThisMachine => "fib daddr type local".to_owned(),
            Match::Ct(connection) => connection.to_nft().to_owned(),
        }
    }
}

/// What is done with a packet that all questions were answered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Count it.
    Counter,
    /// Go on only if the field's value has more connections than this; they are counted
    /// in a set of the shape [`super::Shape::Counted`].
    WithMoreConnections(Field, String, u32),
    /// Keep conntrack, and with it NAT, away from it.
    NoTrack,
    /// Let it pass this chain.
    Accept,
    /// Let it vanish.
    Drop,
    /// Back to the calling chain, or to the policy.
    Return,
    /// Continue in another chain.
    Jump(String),
    /// Give the connection the address of the outgoing interface as its source.
    Masquerade,
    /// Give it the destination that a map holds for these fields; on a miss, go on.
    DnatByMap(&'static Family, Vec<Field>, String),
    /// Give it the source that a map holds for these fields; on a miss, go on.
    SnatByMap(&'static Family, Vec<Field>, String),
}

impl Statement {
    /// As `nft` writes it.
    pub fn to_nft(&self) -> String {
        match self {
            Statement::Counter => "counter".to_owned(),
            Statement::WithMoreConnections(field, set, over) => {
                format!("add @{set} {{ {} ct count over {over} }}", field.to_nft())
            }
            Statement::NoTrack => "notrack".to_owned(),
            Statement::Accept => "accept".to_owned(),
            Statement::Drop => "drop".to_owned(),
            Statement::Return => "return".to_owned(),
            Statement::Jump(chain) => format!("jump {chain}"),
            Statement::Masquerade => "masquerade".to_owned(),
            Statement::DnatByMap(family, fields, map) => {
                let (keyword, key) = (family.keyword, fields_to_nft(fields));
                format!("dnat {keyword} to {key} map @{map}")
            }
            Statement::SnatByMap(family, fields, map) => {
                let (keyword, key) = (family.keyword, fields_to_nft(fields));
                format!("snat {keyword} to {key} map @{map}")
            }
        }
    }
}

/// One line of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The questions, in order.
    pub matches: Vec<Match>,
    /// What follows when every answer was yes.
    pub statements: Vec<Statement>,
    /// Why, for whoever reads the table; empty for none.
    pub comment: &'static str,
}

impl Rule {
    /// As `nft` writes it.
    pub fn to_nft(&self) -> String {
        let matches = self.matches.iter().map(Match::to_nft);
        let statements = self.statements.iter().map(Statement::to_nft);
        let words: Vec<_> = matches.chain(statements).collect();
        match self.comment.is_empty() {
            true => words.join(" "),
            false => format!("{} comment \"{}\"", words.join(" "), self.comment),
        }
    }
}
