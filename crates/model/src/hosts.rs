use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// A name that may stand in a hosts file: labels of letters, digits, `-` and `_`.
///
/// Labels have at most 63 characters and do not begin or end with a dash, all of it at
/// most 253 (RFC 1123 section 2.1, RFC 1035 section 2.3.4). The underscore is not in the
/// RFC, but container names contain it and resolvers accept it. Nothing else is allowed,
/// so a name can never smuggle a second line into a hosts file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid hostname {0:?}: letters, digits, '-' and '_', in labels of at most 63 separated by dots"
)]
pub struct InvalidHostName(String);

impl HostName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 253;

    /// The name as text, in the case in which it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name up to its first dot, where there is one.
    pub fn first_label(&self) -> Option<&str> {
        self.0.split_once('.').map(|(first, _)| first)
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(allowed)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if bare.len() > Self::MAX_LEN || !bare.split('.').all(label) {
            return Err(InvalidHostName(name.to_owned()));
        }
        Ok(HostName(bare.to_owned()))
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHostName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> String {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `--add-host NAME:ADDRESS`: an extra line for the container's hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddHost {
    /// The name that will be known.
    pub name: HostName,
    /// The address it stands for.
    pub target: AddHostTarget,
}

/// What an `--add-host` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddHostTarget {
    /// This address.
    Address(IpAddr),
    /// The host's address on the container's network, known once there is one.
    HostGateway,
}

/// Why a text is not an `--add-host` entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddHost {
    /// No `:` or `=` between name and address.
    #[error("bad format for add-host: {0:?} (write NAME:ADDRESS)")]
    Format(String),
    /// The name is not one.
    #[error("bad format for add-host: {0:?}")]
    Name(String, #[source] InvalidHostName),
    /// The address is not one.
    #[error("invalid IP address in add-host: {0:?}")]
    Address(String),
}

impl FromStr for AddHost {
    type Err = InvalidAddHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = text
            .split_once('=')
            .or_else(|| text.split_once(':'))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| InvalidAddHost::Format(text.to_owned()))?;
        let name = name
            .parse()
            .map_err(|error| InvalidAddHost::Name(text.to_owned(), error))?;
        if address == "host-gateway" {
            return Ok(AddHost {
                name,
                target: AddHostTarget::HostGateway,
            });
        }
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(address);
        let address = bare
            .parse()
            .map_err(|_| InvalidAddHost::Address(address.to_owned()))?;
        Ok(AddHost {
            name,
            target: AddHostTarget::Address(address),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_cannot_carry_anything_but_a_name() {
        for name in ["db", "db001", "my_db", "a.b.c", "3fa91c20aa00", "X-1"] {
            assert_eq!(name.parse::<HostName>().unwrap().as_str(), name);
        }
        assert_eq!("db.".parse::<HostName>().unwrap().as_str(), "db");
        let long = [
            "x".repeat(63),
            "y".repeat(63),
            "z".repeat(63),
            "w".repeat(63),
        ]
        .join(".");
        for name in [
            "",
            ".",
            "a..b",
            "-a",
            "a-",
            "a b",
            "a\n6.6.6.6 bank.com",
            "a#b",
            "a,b",
            &"x".repeat(64),
            &long,
        ] {
            assert!(name.parse::<HostName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn add_host_takes_dockers_spellings() {
        let address = |text: &str| match text.parse::<AddHost>().unwrap().target {
            AddHostTarget::Address(address) => address.to_string(),
            AddHostTarget::HostGateway => "host-gateway".to_owned(),
        };
        assert_eq!(address("db:10.0.0.1"), "10.0.0.1");
        assert_eq!(address("db=10.0.0.1"), "10.0.0.1");
        assert_eq!(address("db:::1"), "::1");
        assert_eq!(address("db:[::1]"), "::1");
        assert_eq!(address("host.docker.internal:host-gateway"), "host-gateway");
        for text in [
            "db",
            ":1.2.3.4",
            "db:",
            "db:300.1.1.1",
            "a b:1.2.3.4",
            "db:host",
        ] {
            assert!(text.parse::<AddHost>().is_err(), "{text:?}");
        }
    }
}
