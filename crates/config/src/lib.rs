//! The configuration file: `/etc/minet/config.toml`, another one, or Docker's `daemon.json`.
//!
//! ```text
//!   text ──▶ Document     keys, values, lines; TOML and JSON alike      (document.rs)
//!              │  typed values, each key once                           (values.rs)
//!              ▼
//!            Config       the default network as a NetworkSpec,         (network.rs, pools.rs)
//!                         name servers, address pools, …
//! ```
//!
//! The keys are those that `daemon.json` has for networks, with Docker's meaning. What is
//! wrong with a file is found here, before anything is done: an error names the file, the
//! line where it is known, the key, and how it is written right. Keys of Docker's that are
//! about something else leave a `daemon.json` usable; they are told in [`Config::left_alone`].
//!
//! What must stay true: a key that is accepted has an effect. Nothing here but [`load`]
//! touches a file.

mod document;
mod error;
mod keys;
mod load;
mod network;
mod pools;
mod values;

pub use document::Syntax;
pub use error::{ConfigError, Problem};
pub use keys::KEYS;
pub use load::{Presence, load};
pub use pools::AddressPool;

use document::Document;
use minet_model::NetworkSpec;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::{Path, PathBuf},
};

/// What a file says, checked; what it does not speak of is as without a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file that was read; none if there is none.
    pub file: Option<PathBuf>,
    /// What is asked of the default network; none for `bridge = "none"`.
    pub default_network: Option<NetworkSpec>,
    /// `dns`: for containers that name no servers of their own.
    pub dns: Vec<IpAddr>,
    /// `dns-search`, likewise.
    pub dns_search: Vec<String>,
    /// `dns-opts`, likewise.
    pub dns_options: Vec<String>,
    /// `ip`: where a port goes that is published without an address.
    pub publish_at: Option<IpAddr>,
    /// `ip-forward`.
    pub forwarding: Forwarding,
    /// `default-address-pools`; empty for minet's own.
    pub pools: Vec<AddressPool>,
    /// `default-network-opts` of the driver `bridge`: options that a new network gets.
    pub network_options: BTreeMap<String, String>,
    /// Keys of Docker's that have no effect here.
    pub left_alone: Vec<LeftAlone>,
    given: BTreeSet<&'static str>,
}

/// Whether minet may make the host pass packets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forwarding {
    /// It turns forwarding on where that is off.
    #[default]
    TurnOn,
    /// It leaves that to the host's administrator (`ip-forward = false`).
    Leave,
}

/// A key of Docker's that has no effect on minet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// As it stands in the file.
    pub key: String,
    /// Why.
    pub why: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        let name = minet_model::NetworkName::default_bridge();
        Config {
            file: None,
            default_network: Some(NetworkSpec::named(name)),
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_options: Vec::new(),
            publish_at: None,
            forwarding: Forwarding::TurnOn,
            pools: Vec::new(),
            network_options: BTreeMap::new(),
            left_alone: Vec::new(),
            given: BTreeSet::new(),
        }
    }
}

impl Config {
    /// Understands the text of a file.
    ///
    /// # Errors
    ///
    /// The first mistake in it.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let in_file = |(line, problem)| ConfigError {
            file: file.to_owned(),
            line,
            problem: Box::new(problem),
        };
        let mut document = Document::parse(Syntax::of(file, text), text).map_err(in_file)?;
        let mut config = read(&mut document).map_err(in_file)?;
        config.file = Some(file.to_owned());
        config.given = document.given();
        Ok(config)
    }

    /// Whether the file says something for this key.
    pub fn gives(&self, key: &str) -> bool {
        self.given.contains(key)
    }
}

/// A problem, and the line where it is.
type Located = (Option<usize>, Problem);

fn read(document: &mut Document) -> Result<Config, Located> {
    let mut left_alone = keys::leave_alone(document)?;
    let network = network::read(document)?;
    let (network_options, other_drivers) = network::options(document)?;
    left_alone.extend(network.left_alone);
    left_alone.extend(other_drivers);
    let forwarding = match document.flag("ip-forward")? {
        Some(false) => Forwarding::Leave,
        Some(true) | None => Forwarding::TurnOn,
    };
    Ok(Config {
        file: None,
        default_network: network.spec,
        dns: document.list("dns", "the address of a name server, such as 1.1.1.1")?,
        dns_search: document.words("dns-search")?,
        dns_options: document.words("dns-opts")?,
        publish_at: document.parsed("ip", "an address of this machine, such as 127.0.0.1")?,
        forwarding,
        pools: pools::read(document)?,
        network_options,
        left_alone,
        given: BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests;
