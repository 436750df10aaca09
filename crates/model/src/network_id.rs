use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The identity of a network: 32 bytes, written as 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkId(String);

/// Why a text is not the identity of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network ID (64 hexadecimal digits)")]
pub struct InvalidNetworkId(String);

impl NetworkId {
    /// The identity made of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        NetworkId(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The identity of a network that every installation has: its name, over and over.
    pub fn of_predefined(name: &str) -> Self {
        let mut bytes = [0; 32];
        let letters = name.bytes().cycle();
        bytes
            .iter_mut()
            .zip(letters)
            .for_each(|(to, from)| *to = from);
        NetworkId::from_bytes(bytes)
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, as `network ls` prints them.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// The name of the network's bridge, `mn-3fa91c20`: whoever sees the interface finds
    /// the network, and it fits into the 15 bytes of an interface name.
    pub fn bridge(&self) -> crate::IfName {
        format!("mn-{}", &self.0[..8])
            .parse()
            .expect("3 + 8 ASCII bytes are a valid interface name")
    }
}

impl FromStr for NetworkId {
    type Err = InvalidNetworkId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 64 && text.bytes().all(hex) {
            true => Ok(NetworkId(text.to_owned())),
            false => Err(InvalidNetworkId(text.to_owned())),
        }
    }
}

impl TryFrom<String> for NetworkId {
    type Error = InvalidNetworkId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NetworkId> for String {
    fn from(id: NetworkId) -> String {
        id.0
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_is_named_after_the_network() {
        let id = NetworkId::from_bytes([0x3f; 32]);
        assert_eq!(id.bridge().as_str(), "mn-3f3f3f3f");
        assert_eq!(id.as_str().parse::<NetworkId>().unwrap(), id);
        let host = NetworkId::of_predefined("host");
        assert_eq!(host.short(), "686f7374686f");
        assert!("xy".parse::<NetworkId>().is_err());
    }
}
