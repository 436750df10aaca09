use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The name of a network interface, as the kernel accepts it.
///
/// At most 15 bytes (`IFNAMSIZ` is 16 with the final NUL), not `.` or `..`, no `/`, `:`
/// or white space: see `dev_valid_name` in the kernel's `net/core/dev.c`. minet further
/// keeps to printable ASCII, so that a name can stand in a file path, an nftables set
/// and a terminal without surprises.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

/// Why a text is not the name of an interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIfName {
    /// The empty string.
    #[error("an interface name cannot be empty")]
    Empty,
    /// More than 15 bytes.
    #[error("interface name {0:?} is longer than the kernel's 15 bytes")]
    TooLong(String),
    /// `.`, `..`, or a byte that the kernel or a path would misread.
    #[error("interface name {0:?} contains a character that the kernel does not accept")]
    InvalidChars(String),
}

impl IfName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 15;

    /// The loopback interface.
    pub fn loopback() -> Self {
        IfName("lo".to_owned())
    }

    /// The interface of a container on its `index`-th network: `eth0`, `eth1`, …
    pub fn eth(index: u16) -> Self {
        IfName(format!("eth{index}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IfName {
    type Err = InvalidIfName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.is_empty() {
            return Err(InvalidIfName::Empty);
        }
        if name.len() > Self::MAX_LEN {
            return Err(InvalidIfName::TooLong(name.to_owned()));
        }
        let acceptable = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '"' | '\\');
        if name == "." || name == ".." || !name.chars().all(acceptable) {
            return Err(InvalidIfName::InvalidChars(name.to_owned()));
        }
        Ok(IfName(name.to_owned()))
    }
}

impl TryFrom<String> for IfName {
    type Error = InvalidIfName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> String {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_kernel_accepts() {
        for name in ["lo", "eth0", "veth3fa91c20.1", "br-a", "123456789012345"] {
            assert_eq!(name.parse::<IfName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn refuses_what_the_kernel_refuses() {
        assert_eq!("".parse::<IfName>(), Err(InvalidIfName::Empty));
        assert!(matches!(
            "1234567890123456".parse::<IfName>(),
            Err(InvalidIfName::TooLong(_))
        ));
        for name in [".", "..", "a/b", "a:b", "a b", "a\tb", "a\nb", "ü", "a\"b"] {
            assert!(
                matches!(name.parse::<IfName>(), Err(InvalidIfName::InvalidChars(_))),
                "{name:?}"
            );
        }
    }
}
