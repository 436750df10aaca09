//! A part of an IPv6 subnet.

use ipnetwork::Ipv6Network;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv6Addr, ops::RangeInclusive, str::FromStr};

/// `fd00::/80`, or `fd00::100-fd00::1ff`: the addresses from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange6 {
    first: Ipv6Addr,
    last: Ipv6Addr,
}

/// Why a text is not a range of IPv6 addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid range {0:?}: write fd00::/80 or fd00::100-fd00::1ff")]
pub struct InvalidAddressRange6(String);

impl AddressRange6 {
    /// First and last address.
    pub fn bounds(self) -> RangeInclusive<Ipv6Addr> {
        self.first..=self.last
    }
}

impl FromStr for AddressRange6 {
    type Err = InvalidAddressRange6;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddressRange6(text.to_owned());
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (
                first.parse().map_err(|_| invalid())?,
                last.parse().map_err(|_| invalid())?,
            ),
            None => {
                let network: Ipv6Network = text.parse().map_err(|_| invalid())?;
                (network.network(), network.broadcast())
            }
        };
        match first <= last {
            true => Ok(AddressRange6 { first, last }),
            false => Err(invalid()),
        }
    }
}

impl fmt::Display for AddressRange6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.to_bits(), self.last.to_bits());
        // A block of a power of two at a multiple of its size is written as such.
        let differing = 128 - (first ^ last).leading_zeros();
        let ones = u128::MAX
            .checked_shl(differing)
            .map_or(u128::MAX, |high| !high);
        match first & ones == 0 && last & ones == ones {
            true => write!(f, "{}/{}", self.first, 128 - differing),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl TryFrom<String> for AddressRange6 {
    type Error = InvalidAddressRange6;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange6> for String {
    fn from(range: AddressRange6) -> String {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_what_they_print() {
        for text in ["fd00::/80", "fd00::1-fd00::9", "fd00::7/128", "::/0"] {
            assert_eq!(text.parse::<AddressRange6>().unwrap().to_string(), text);
        }
        for text in ["", "fd00::9-fd00::1", "10.0.0.0/8", "fd00::/129"] {
            assert!(text.parse::<AddressRange6>().is_err(), "{text:?}");
        }
    }
}
