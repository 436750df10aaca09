use crate::IfName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The name of a container: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 128 bytes.
///
/// The alphabet is Docker's. It also makes the name safe as a file name and as a word
/// in a hosts file: no separator, no white space, no leading dot or dash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerName(String);

/// Why a text is not the name of a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid container name {0:?}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, and at most 128 characters"
)]
pub struct InvalidContainerName(String);

impl ContainerName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 128;

    /// The name as text, without Docker's leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContainerName {
    type Err = InvalidContainerName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        // Docker prints names with a leading slash, and accepts them so.
        let bare = name.strip_prefix('/').unwrap_or(name);
        let first = |c: char| c.is_ascii_alphanumeric();
        let other = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let well_formed =
            bare.len() <= Self::MAX_LEN && bare.starts_with(first) && bare.chars().all(other);
        if !well_formed {
            return Err(InvalidContainerName(name.to_owned()));
        }
        Ok(ContainerName(bare.to_owned()))
    }
}

impl TryFrom<String> for ContainerName {
    type Error = InvalidContainerName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<ContainerName> for String {
    fn from(name: ContainerName) -> String {
        name.0
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of a container for all time: 32 random bytes, written as 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// Why a text is not the identity of a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a container ID (64 hexadecimal digits)")]
pub struct InvalidContainerId(String);

impl ContainerId {
    /// The identity made of these random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        ContainerId(bytes.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, as `ps` prints them and as the default hostname.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// The host end of the cable to the container's `index`-th network.
    ///
    /// Derived from the identity, so that whoever sees the interface finds the container
    /// and so that a half-made one can be found again: `veth3fa91c20`, `veth3fa91c20.1`.
    pub fn veth(&self, index: u16) -> IfName {
        let stem = &self.0[..8];
        let name = match index {
            0 => format!("veth{stem}"),
            _ => format!("veth{stem}.{}", index % 100),
        };
        name.parse()
            .expect("4 + 8 + at most 3 ASCII bytes is a valid interface name")
    }
}

impl FromStr for ContainerId {
    type Err = InvalidContainerId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 64 || !text.bytes().all(hex) {
            return Err(InvalidContainerId(text.to_owned()));
        }
        Ok(ContainerId(text.to_owned()))
    }
}

impl TryFrom<String> for ContainerId {
    type Error = InvalidContainerId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> String {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_dockers_alphabet() {
        for name in ["web", "db001", "a.b-c_d", "0"] {
            assert_eq!(name.parse::<ContainerName>().unwrap().as_str(), name);
        }
        assert_eq!("/web".parse::<ContainerName>().unwrap().as_str(), "web");
        let long = "x".repeat(129);
        for name in [
            "",
            "/",
            "a/b",
            "-a",
            ".a",
            "..",
            "a b",
            "a\n",
            "é",
            "//a",
            long.as_str(),
        ] {
            assert!(name.parse::<ContainerName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_veth_is_named_after_the_container() {
        let id = ContainerId::from_bytes([0x3f; 32]);
        assert_eq!(id.short(), "3f3f3f3f3f3f");
        assert_eq!(id.veth(0).as_str(), "veth3f3f3f3f");
        assert_eq!(id.veth(12).as_str(), "veth3f3f3f3f.12");
        assert_eq!(id.as_str().parse::<ContainerId>().unwrap(), id);
        assert!("3F".repeat(32).parse::<ContainerId>().is_err());
    }
}
