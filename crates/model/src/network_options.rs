//! `network create -o KEY=VALUE`: the options of Docker's bridge driver that mean something
//! here, and minet's own.

use crate::{
    BridgeChoice, IfName, Masquerade, Neighbours, NetworkSpec, is_mtu, room::is_port_count,
};
use std::net::{IpAddr, Ipv4Addr};

/// The keys, for those who mistype one.
const KEYS: &str = "com.docker.network.bridge.name, .bridge.enable_ip_masquerade, \
                    .bridge.enable_icc, .bridge.host_binding_ipv4, com.docker.network.driver.mtu, \
                    .enable_ipv4, .enable_ipv6, .host_ipv4, .host_ipv6, .container_iface_prefix \
                    and minet.bridge.ports";

/// Why an option of a network cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetworkOption {
    /// A key that minet does not know.
    #[error("unknown network option {0:?}: minet knows {KEYS}")]
    UnknownKey(String),
    /// A value that does not fit the key.
    #[error("invalid value {value:?} of network option {key}: {expected}")]
    Value {
        /// The key.
        key: String,
        /// What was written.
        value: String,
        /// What can be written there.
        expected: &'static str,
    },
}

impl NetworkSpec {
    /// Understands one of Docker's driver options, `-o KEY=VALUE`.
    pub fn set_option(&mut self, key: &str, value: &str) -> Result<(), InvalidNetworkOption> {
        let invalid = |expected| InvalidNetworkOption::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let switch = || match value {
            "" | "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(invalid("true or false")),
        };
        match key {
            "com.docker.network.bridge.name" => {
                let name = value.parse();
                self.bridge = BridgeChoice::Named(
                    name.map_err(|_| invalid("a name that an interface can have"))?,
                );
            }
            "com.docker.network.bridge.enable_ip_masquerade" => {
                self.masquerade = match switch()? {
                    true => Masquerade::On,
                    false => Masquerade::Off,
                };
            }
            "com.docker.network.bridge.enable_icc" => {
                self.neighbours = match switch()? {
                    true => Neighbours::Talk,
                    false => Neighbours::Apart,
                };
            }
            "com.docker.network.host_ipv4" => {
                let address = value.parse();
                self.outbound_address =
                    Some(address.map_err(|_| invalid("an IPv4 address of this host"))?);
            }
            "com.docker.network.host_ipv6" => {
                let address = value.parse();
                self.outbound_address6 =
                    Some(address.map_err(|_| invalid("an IPv6 address of this host"))?);
            }
            "com.docker.network.bridge.host_binding_ipv4" => {
                let address: Ipv4Addr = value
                    .parse()
                    .map_err(|_| invalid("an IPv4 address of this host"))?;
                self.publish_at = Some(IpAddr::V4(address));
            }
            "com.docker.network.container_iface_prefix" => {
                let prefix = interface_prefix(value);
                self.interface_prefix =
                    Some(prefix.ok_or_else(|| invalid("the beginning of an interface's name"))?);
            }
            "com.docker.network.enable_ipv4" => {
                as_it_is(value, "true")
                    .ok_or_else(|| invalid("true: minet's networks have IPv4"))?;
            }
            "com.docker.network.bridge.gateway_mode_ipv4"
            | "com.docker.network.bridge.gateway_mode_ipv6" => {
                as_it_is(value, "nat").ok_or_else(|| {
                    invalid("nat; without it: --masquerade=false, and apart from all: --internal")
                })?;
            }
            "com.docker.network.enable_ipv6" => {
                self.ipv6 = match switch()? {
                    true => Some(self.ipv6.take().unwrap_or_default()),
                    false => None,
                };
            }
            "com.docker.network.driver.mtu" => {
                let mtu = value.parse().ok().filter(|mtu| is_mtu(*mtu));
                self.mtu = Some(mtu.ok_or_else(|| invalid("68 to 65535"))?);
            }
            "minet.bridge.ports" => {
                let ports = value.parse().ok().filter(|ports| is_port_count(*ports));
                self.bridge_ports =
                    Some(ports.ok_or_else(|| invalid("1 to 1023, the ports of a Linux bridge"))?);
            }
            _ => return Err(InvalidNetworkOption::UnknownKey(key.to_owned())),
        }
        self.options.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Only what minet does anyway.
fn as_it_is(value: &str, is: &str) -> Option<()> {
    (value == is).then_some(())
}

/// What an interface's name can begin with, whatever number follows.
fn interface_prefix(text: &str) -> Option<String> {
    let longest = format!("{text}{}", u16::MAX);
    let valid = longest.parse::<IfName>().is_ok() && !text.is_empty();
    let ends_in_digit = text.ends_with(|c: char| c.is_ascii_digit());
    (valid && !ends_in_digit).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_options_are_understood() {
        let mut spec = NetworkSpec::named("a".parse().unwrap());
        spec.set_option("com.docker.network.bridge.enable_icc", "false")
            .unwrap();
        spec.set_option("com.docker.network.driver.mtu", "1400")
            .unwrap();
        spec.set_option("com.docker.network.enable_ipv6", "true")
            .unwrap();
        assert_eq!((spec.neighbours, spec.mtu), (Neighbours::Apart, Some(1400)));
        assert!(spec.ipv6.is_some());
        spec.set_option("com.docker.network.bridge.host_binding_ipv4", "127.0.0.1")
            .unwrap();
        spec.set_option("com.docker.network.container_iface_prefix", "lan")
            .unwrap();
        spec.set_option("com.docker.network.host_ipv6", "fd00::7")
            .unwrap();
        assert_eq!(spec.publish_at, Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(spec.interface_prefix.as_deref(), Some("lan"));
        assert_eq!(spec.outbound_address6, Some("fd00::7".parse().unwrap()));
        for (key, value) in [
            ("com.docker.network.bridge.enable_icc", "perhaps"),
            ("com.docker.network.driver.mtu", "9"),
            ("com.docker.network.host_ipv4", "here"),
            ("com.docker.network.host_ipv6", "10.0.0.1"),
            ("com.docker.network.bridge.host_binding_ipv4", "::1"),
            ("com.docker.network.bridge.gateway_mode_ipv4", "routed"),
            ("com.docker.network.enable_ipv4", "false"),
            ("com.docker.network.container_iface_prefix", ""),
            ("com.docker.network.container_iface_prefix", "eth0"),
            ("com.docker.network.container_iface_prefix", "a/b"),
            ("com.docker.network.container_iface_prefix", "muchtoolong"),
            ("com.docker.network.bridge.name", "a name"),
            ("minet.bridge.ports", "0"),
            ("minet.bridge.ports", "1024"),
            ("com.docker.network.nonsense", "1"),
        ] {
            assert!(spec.set_option(key, value).is_err(), "{key}={value}");
        }
    }
}
