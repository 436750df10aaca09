//! A part of an IPv4 subnet.

use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, ops::RangeInclusive, str::FromStr};

/// `10.0.0.0/25`, or `10.0.0.100-10.0.0.150`: the addresses from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

/// Why a text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid range {0:?}: write 10.0.0.0/25 or 10.0.0.100-10.0.0.150")]
pub struct InvalidAddressRange(String);

impl AddressRange {
    /// First and last address.
    pub fn bounds(self) -> RangeInclusive<Ipv4Addr> {
        self.first..=self.last
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddressRange(text.to_owned());
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (
                first.parse().map_err(|_| invalid())?,
                last.parse().map_err(|_| invalid())?,
            ),
            None => {
                let network: Ipv4Network = text.parse().map_err(|_| invalid())?;
                (network.network(), network.broadcast())
            }
        };
        match first <= last {
            true => Ok(AddressRange { first, last }),
            false => Err(invalid()),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.to_bits(), self.last.to_bits());
        // A block of a power of two at a multiple of its size is written as such.
        let differing = 32 - (first ^ last).leading_zeros();
        let ones = u32::MAX
            .checked_shl(differing)
            .map_or(u32::MAX, |high| !high);
        match first & ones == 0 && last & ones == ones {
            true => write!(f, "{}/{}", self.first, 32 - differing),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = InvalidAddressRange;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> String {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_what_they_print() {
        for text in [
            "10.0.0.0/25",
            "10.0.0.100-10.0.0.150",
            "10.0.0.7/32",
            "0.0.0.0/0",
            "10.0.0.1-10.0.0.2",
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.9-10.0.0.1", "a-b", "10.0.0.0/33"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }
}
