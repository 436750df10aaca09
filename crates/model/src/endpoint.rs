//! A container's wish to be plugged into a network.

use crate::{IfName, InvalidNetworkName, MacAddr, NetworkMode, NetworkName, Spoofing};
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// One cable that a container is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSpec {
    /// Where to.
    pub network: NetworkName,
    /// `ip=`: this address and no other.
    pub ip: Option<Ipv4Addr>,
    /// `ip6=`: this IPv6 address and no other.
    #[serde(default)]
    pub ip6: Option<Ipv6Addr>,
    /// `mac-address=`.
    pub mac: Option<MacAddr>,
    /// `alias=`: other names that the network's containers may call it by.
    pub aliases: Vec<String>,
    /// `ifname=`: the interface inside; `eth0`, `eth1`, … if none is given.
    pub ifname: Option<IfName>,
    /// `gw-priority=`: the network of the highest gives the default route.
    pub gw_priority: i32,
    /// `anti-spoof`; none leaves it to the network.
    #[serde(default)]
    pub spoofing: Option<Spoofing>,
}

impl EndpointSpec {
    /// A cable of which nothing is asked but where it leads.
    pub fn to(network: NetworkName) -> Self {
        EndpointSpec {
            network,
            ip: None,
            ip6: None,
            mac: None,
            aliases: Vec::new(),
            ifname: None,
            gw_priority: 0,
            spoofing: None,
        }
    }
}

/// `--network`, either a mode (`host`, `bridge`, `container:web`) or the long form
/// `name=NETWORK,ip=…,ip6=…,mac-address=…,alias=…,ifname=…,gw-priority=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkArgument {
    /// One of the modes that need no cable.
    Mode(NetworkMode),
    /// A cable.
    Endpoint(EndpointSpec),
}

/// Why a text is not a value of `--network`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Not a mode.
    #[error(transparent)]
    Mode(#[from] crate::InvalidNetworkMode),
    /// Not the name of a network.
    #[error(transparent)]
    Name(#[from] InvalidNetworkName),
    /// The long form without a name.
    #[error("invalid network {0:?}: the long form needs name=NETWORK")]
    NoName(String),
    /// A field that does not exist.
    #[error(
        "invalid field {0:?}: the fields of a network are name, ip, ip6, mac-address, alias, ifname, gw-priority and anti-spoof"
    )]
    UnknownField(String),
    /// A driver option that is none of minet's.
    #[error(
        "unknown driver option {0:?}: minet knows com.docker.network.endpoint.ifname; kernel parameters of an interface are set with --sysctl net.ipv4.conf.eth0.KEY=VALUE"
    )]
    DriverOption(String),
    /// A value that does not fit its field.
    #[error("invalid value {value:?} of field {field}")]
    Value {
        /// The field.
        field: String,
        /// What was written.
        value: String,
    },
}

impl FromStr for NetworkArgument {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // No mode and no name has an equals sign, but a path after ns: may.
        if !text.contains('=') || text.starts_with("ns:") {
            return Ok(match text.parse()? {
                NetworkMode::Bridge(name) => NetworkArgument::Endpoint(EndpointSpec::to(name)),
                mode => NetworkArgument::Mode(mode),
            });
        }
        let mut endpoint = EndpointSpec::to(NetworkName::default_bridge());
        let mut name = None;
        for field in text.split(',') {
            let (key, value) = field
                .split_once('=')
                .ok_or_else(|| InvalidEndpoint::UnknownField(field.to_owned()))?;
            match key {
                "name" => name = Some(value.parse()?),
                _ => set_field(&mut endpoint, key, value)?,
            }
        }
        endpoint.network = name.ok_or_else(|| InvalidEndpoint::NoName(text.to_owned()))?;
        Ok(NetworkArgument::Endpoint(endpoint))
    }
}

fn set_field(endpoint: &mut EndpointSpec, key: &str, value: &str) -> Result<(), InvalidEndpoint> {
    let invalid = || InvalidEndpoint::Value {
        field: key.to_owned(),
        value: value.to_owned(),
    };
    match key {
        "ip" => endpoint.ip = Some(value.parse().map_err(|_| invalid())?),
        "ip6" => endpoint.ip6 = Some(value.parse().map_err(|_| invalid())?),
        "mac-address" | "mac" => endpoint.mac = Some(value.parse().map_err(|_| invalid())?),
        "alias" if is_alias(value) => endpoint.aliases.push(value.to_owned()),
        "alias" => return Err(invalid()),
        "ifname" => {
            let name: IfName = value.parse().map_err(|_| invalid())?;
            if name == IfName::loopback() {
                return Err(invalid());
            }
            endpoint.ifname = Some(name);
        }
        "anti-spoof" => {
            endpoint.spoofing = Some(match value {
                "true" => Spoofing::Prevented,
                "false" => Spoofing::Allowed,
                _ => return Err(invalid()),
            });
        }
        "driver-opt" => {
            let name = value.strip_prefix("com.docker.network.endpoint.ifname=");
            let name = name.ok_or_else(|| InvalidEndpoint::DriverOption(value.to_owned()))?;
            set_field(endpoint, "ifname", name)?;
        }
        "gw-priority" => endpoint.gw_priority = value.parse().map_err(|_| invalid())?,
        _ => return Err(InvalidEndpoint::UnknownField(key.to_owned())),
    }
    Ok(())
}

/// An alias is a host name.
fn is_alias(text: &str) -> bool {
    text.parse::<crate::HostName>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> EndpointSpec {
        match text.parse().unwrap() {
            NetworkArgument::Endpoint(endpoint) => endpoint,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_short_form_is_a_mode_or_a_name() {
        assert_eq!(endpoint("backend").network.as_str(), "backend");
        assert_eq!("host".parse(), Ok(NetworkArgument::Mode(NetworkMode::Host)));
        assert!("ns:/run/a=b".parse::<NetworkArgument>().is_ok());
    }

    #[test]
    fn the_long_form_is_dockers() {
        let endpoint = endpoint(
            "name=backend,ip=10.0.0.7,ip6=fd00::7,mac-address=02:00:00:00:00:07,alias=db,alias=store,ifname=lan,gw-priority=-3,anti-spoof=false",
        );
        assert_eq!(endpoint.network.as_str(), "backend");
        assert_eq!(endpoint.ip, Some(Ipv4Addr::new(10, 0, 0, 7)));
        assert_eq!(endpoint.ip6, Some("fd00::7".parse().unwrap()));
        assert_eq!(endpoint.aliases, ["db", "store"]);
        assert_eq!(endpoint.ifname.unwrap().as_str(), "lan");
        assert_eq!(endpoint.gw_priority, -3);
        assert_eq!(endpoint.spoofing, Some(Spoofing::Allowed));
        let by_option = "name=a,driver-opt=com.docker.network.endpoint.ifname=lan";
        assert_eq!(
            super::tests::endpoint(by_option).ifname.unwrap().as_str(),
            "lan"
        );
        for text in [
            "ip=10.0.0.7",
            "name=a,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.x=1",
            "name=a,ip=x",
            "name=a,ip6=10.0.0.7",
            "name=a,colour=red",
            "name=a,ifname=lo",
            "name=a,alias=b c",
            "name=a,alias",
            "name=a,anti-spoof=perhaps",
            "name=",
        ] {
            assert!(text.parse::<NetworkArgument>().is_err(), "{text:?}");
        }
    }
}
