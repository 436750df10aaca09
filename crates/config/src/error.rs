use ipnetwork::IpNetwork;
use std::{fmt, net::IpAddr, path::PathBuf};

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", file.display(), Line(*line))]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What it is.
    pub(crate) problem: Box<Problem>,
}

struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A mistake; each text ends with how it is written right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(String),
    /// Neither TOML nor JSON.
    #[error("this is no {syntax}: {message}")]
    Syntax {
        /// What it was taken for.
        syntax: &'static str,
        /// The parser's words.
        message: String,
    },
    /// Nobody knows the key.
    #[error("unknown key {key:?}{}", Meant(meant.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// One that looks like it.
        meant: Option<String>,
    },
    /// Docker knows the key, and minet's own file has no place for it.
    #[error("{key} has no effect on minet ({why}): take it out")]
    DockersAlone {
        /// The key.
        key: String,
        /// Why it has none.
        why: &'static str,
    },
    /// What minet cannot be asked.
    #[error("{key}: {why}")]
    Refused {
        /// The key.
        key: String,
        /// Why.
        why: &'static str,
    },
    /// A value of another kind than the key takes.
    #[error("{key} takes {expected}, and this is {given}; write {right}")]
    Type {
        /// The key.
        key: String,
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        given: String,
        /// The right spelling.
        right: String,
    },
    /// A text that does not say what it should.
    #[error("{key}: {given:?} is not {expected}")]
    Value {
        /// The key.
        key: String,
        /// The text.
        given: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An address without the prefix length.
    #[error("{key}: {given} has no prefix length; did you mean {right}?")]
    NoPrefix {
        /// The key.
        key: String,
        /// The address.
        given: IpAddr,
        /// The right spelling.
        right: String,
    },
    /// `bip` as the subnet rather than the bridge's address in it.
    #[error(
        "{key}: {given} is the address of the subnet itself, and the bridge needs one in it; did you mean {right}?"
    )]
    NetworkAddress {
        /// The key.
        key: String,
        /// What was written.
        given: IpNetwork,
        /// The right spelling.
        right: String,
    },
    /// The last address of a subnet.
    #[error(
        "{key}: {given} is the broadcast address of its subnet, and the bridge needs one of its own; did you mean {right}?"
    )]
    Broadcast {
        /// The key.
        key: String,
        /// What was written.
        given: IpNetwork,
        /// The right spelling.
        right: String,
    },
    /// A subnet with bits behind its prefix.
    #[error("{key}: {given} has bits set behind its prefix length; did you mean {right}?")]
    HostBits {
        /// The key.
        key: String,
        /// What was written.
        given: IpNetwork,
        /// The right spelling.
        right: String,
    },
    /// A subnet that is too small.
    #[error("{key}: {given} has no room for a bridge and a container; write {right}")]
    TooSmall {
        /// The key.
        key: String,
        /// What was written.
        given: IpNetwork,
        /// The right spelling.
        right: String,
    },
    /// A part of the subnet that is none.
    #[error(
        "{key}: {given} does not lie in {subnet}, the subnet of {of}; choose a part of it, such as {right}"
    )]
    RangeOutside {
        /// The key.
        key: String,
        /// What was written.
        given: IpNetwork,
        /// The subnet.
        subnet: IpNetwork,
        /// The key that gives the subnet.
        of: &'static str,
        /// The right spelling.
        right: String,
    },
    /// A gateway that is not on the network.
    #[error(
        "{key}: {given} does not lie in {subnet}, the subnet of {of}; containers reach only what is in it without a gateway"
    )]
    GatewayOutside {
        /// The key.
        key: String,
        /// What was written.
        given: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
        /// The key that gives the subnet.
        of: &'static str,
    },
    /// A gateway that is no host.
    #[error("{key}: {given} is the first or the last address of {subnet}, and no host's")]
    GatewayNoHost {
        /// The key.
        key: String,
        /// What was written.
        given: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// A key that means nothing without another one.
    #[error("{key} needs {needs}: {why}; write {right}")]
    Needs {
        /// The key.
        key: String,
        /// The other one.
        needs: &'static str,
        /// Why.
        why: &'static str,
        /// The right spelling.
        right: String,
    },
    /// Two keys that contradict each other.
    #[error("{one} and {other} cannot both be given: {why}")]
    Contradiction {
        /// One key.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A key in an address pool.
    #[error("default-address-pools: unknown key {key:?}{}; write {right}", Meant(meant.as_deref()))]
    UnknownPoolKey {
        /// The key.
        key: String,
        /// One that looks like it.
        meant: Option<String>,
        /// The right spelling.
        right: String,
    },
    /// A pool without one of its two halves.
    #[error("default-address-pools: a pool has no {missing:?}; write {right}")]
    HalfAPool {
        /// The key that is missing.
        missing: &'static str,
        /// The right spelling.
        right: String,
    },
    /// Networks that are larger than the pool that they are cut from.
    #[error(
        "default-address-pools: a network of size {size} does not fit into {base}: the size is a prefix length from {least} to {most}"
    )]
    PoolSize {
        /// The pool.
        base: IpNetwork,
        /// The prefix length.
        size: u64,
        /// The shortest.
        least: u8,
        /// The longest.
        most: u8,
    },
    /// Two pools that share addresses.
    #[error(
        "default-address-pools: {one} and {other} overlap: take one of them out, or make it smaller"
    )]
    PoolsOverlap {
        /// One pool.
        one: IpNetwork,
        /// The other.
        other: IpNetwork,
    },
    /// An option that new networks cannot have.
    #[error("default-network-opts: {0}")]
    NetworkOption(#[from] minet_model::InvalidNetworkOption),
}

struct Meant<'a>(Option<&'a str>);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(meant) => write!(f, "; did you mean {meant:?}?"),
            None => write!(f, "; docs/configuration.md lists those that there are"),
        }
    }
}
