use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// `--route DESTINATION,GATEWAY`: a way that every container of a network has besides the
/// default route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaticRoute {
    /// Where to, without host bits.
    pub destination: IpNetwork,
    /// The neighbour that knows the way.
    pub gateway: IpAddr,
}

/// Why a text is not a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// Not two parts, or parts that are no addresses.
    #[error("invalid route {0:?}: write DESTINATION,GATEWAY such as 10.20.0.0/16,172.18.0.5")]
    Syntax(String),
    /// Bits set behind the prefix.
    #[error("invalid route {given}: its destination should be {should}")]
    HostBits {
        /// What was written.
        given: String,
        /// What was probably meant.
        should: IpNetwork,
    },
    /// IPv4 by IPv6, or the reverse.
    #[error("invalid route {0}: its destination and its gateway are of different families")]
    Families(String),
    /// That of everything.
    #[error("invalid route {0}: where everything else goes is said by --gateway")]
    Everything(String),
}

impl FromStr for StaticRoute {
    type Err = InvalidRoute;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || InvalidRoute::Syntax(text.to_owned());
        let (destination, gateway) = text.split_once(',').ok_or_else(syntax)?;
        let destination: IpNetwork = destination.parse().map_err(|_| syntax())?;
        let gateway: IpAddr = gateway.parse().map_err(|_| syntax())?;
        let should = IpNetwork::new(destination.network(), destination.prefix());
        if let Ok(should) = should
            && should != destination
        {
            let given = text.to_owned();
            return Err(InvalidRoute::HostBits { given, should });
        }
        if destination.is_ipv4() != gateway.is_ipv4() {
            return Err(InvalidRoute::Families(text.to_owned()));
        }
        if destination.prefix() == 0 {
            return Err(InvalidRoute::Everything(text.to_owned()));
        }
        Ok(StaticRoute {
            destination,
            gateway,
        })
    }
}

impl fmt::Display for StaticRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.destination, self.gateway)
    }
}

impl TryFrom<String> for StaticRoute {
    type Error = InvalidRoute;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StaticRoute> for String {
    fn from(route: StaticRoute) -> String {
        route.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_read_back_what_they_print() {
        for text in [
            "10.20.0.0/16,172.18.0.5",
            "203.0.113.7/32,172.18.0.5",
            "fd00:2::/64,fd00:1::5",
        ] {
            assert_eq!(text.parse::<StaticRoute>().unwrap().to_string(), text);
        }
        assert_eq!(
            "203.0.113.7,172.18.0.5"
                .parse::<StaticRoute>()
                .unwrap()
                .to_string(),
            "203.0.113.7/32,172.18.0.5"
        );
    }

    #[test]
    fn what_is_no_route_is_refused_with_what_would_be_one() {
        for (text, words) in [
            ("10.20.0.0/16", "write DESTINATION,GATEWAY"),
            ("here,there", "write DESTINATION,GATEWAY"),
            ("10.20.0.1/16,172.18.0.5", "should be 10.20.0.0/16"),
            ("fd00::/64,172.18.0.5", "different families"),
            ("0.0.0.0/0,172.18.0.5", "--gateway"),
        ] {
            let error = text.parse::<StaticRoute>().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
