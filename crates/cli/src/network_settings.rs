//! What can be said of a network when it is made, and changed while it stands.

use clap::Args;
use minet_model::{
    Connections, InvalidNetworkOption, Masquerade, Neighbours, NetworkSpec, Reach, Span, Spoofing,
    StaticRoute,
};
use std::{collections::BTreeSet, net::IpAddr, str::FromStr};

/// The settings of a network; what is not given stays as it is.
#[derive(Debug, Args)]
pub(crate) struct SettingsOptions {
    /// No way out and no way in
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    internal: Option<bool>,
    /// Whether its containers reach each other; they do if nothing is said
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    icc: Option<bool>,
    /// Whether its containers reach nobody, neither each other nor the world, but along links
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true, conflicts_with = "icc")]
    link_only: Option<bool>,
    /// Whether its containers go out under the host's address; they do if nothing is said
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    masquerade: Option<bool>,
    /// Whether each of its containers can send only from its own MAC and addresses; so it is if nothing is said, but for a neighbour that a --route leads to
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    anti_spoof: Option<bool>,
    /// Whether one container may have opened 8192 connections at most; so it is if nothing is said
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    limit_connections: Option<bool>,
    /// Let it span several bridges, made when they are needed: more containers than the 1000 that one bridge takes, and still one network
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    shard: Option<bool>,
    /// Let connections leave under this address of the host, and not under that of the interface by which they leave; once more for IPv6; `none` takes both back. Should the host lose the address, their answers go to whoever has it then: minet check says so
    #[arg(long, value_name = "ADDRESS|none")]
    outbound_address: Vec<Outbound>,
    /// Give every container a route by a neighbour: what is for DESTINATION goes to GATEWAY, an address of the subnet. Several times for several
    #[arg(long, value_name = "DESTINATION,GATEWAY")]
    route: Vec<StaticRoute>,
    /// The largest packet; that of the uplink if none is given
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(68..=65_535))]
    mtu: Option<u32>,
    /// A note for people and scripts
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// One of Docker's options: com.docker.network.bridge.name, .bridge.enable_icc, .bridge.enable_ip_masquerade, .bridge.host_binding_ipv4 (where ports go that are published without an address), com.docker.network.driver.mtu, .enable_ipv6, .host_ipv4, .host_ipv6, .container_iface_prefix; or minet's: minet.bridge.ports=N, how many cables its bridge takes (1000; a Linux bridge has 1023 ports)
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
}

/// `--outbound-address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outbound(Option<IpAddr>);

impl FromStr for Outbound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Outbound(None)),
            address => address
                .parse()
                .map(|address| Outbound(Some(address)))
                .map_err(|_| "write an address of this host, or none".to_owned()),
        }
    }
}

impl SettingsOptions {
    /// Changes a spec as far as these options speak of it; the long ones come last, and
    /// so have the last word.
    pub(crate) fn apply(&self, spec: &mut NetworkSpec) -> Result<(), InvalidNetworkOption> {
        for option in &self.opt {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            spec.set_option(key, value)?;
        }
        if let Some(internal) = self.internal {
            spec.reach = match internal {
                true => Reach::InternalOnly,
                false => Reach::Outside,
            };
        }
        if let Some(icc) = self.icc {
            spec.neighbours = match icc {
                true => Neighbours::Talk,
                false => Neighbours::Apart,
            };
        }
        if let Some(link_only) = self.link_only {
            spec.neighbours = match link_only {
                true => Neighbours::Linked,
                false => Neighbours::Talk,
            };
        }
        if let Some(masquerade) = self.masquerade {
            spec.masquerade = match masquerade {
                true => Masquerade::On,
                false => Masquerade::Off,
            };
        }
        if let Some(anti_spoof) = self.anti_spoof {
            spec.spoofing = match anti_spoof {
                true => Spoofing::Prevented,
                false => Spoofing::Allowed,
            };
        }
        if let Some(shard) = self.shard {
            spec.span = match shard {
                true => Span::Shards,
                false => Span::OneBridge,
            };
        }
        if let Some(limit) = self.limit_connections {
            spec.connections = match limit {
                true => Connections::default(),
                false => Connections::Unlimited,
            };
        }
        self.set_outbound(spec)?;
        let mut destinations = BTreeSet::new();
        for route in &self.route {
            if !destinations.insert(route.destination) {
                return Err(twice("--route", route, "one route to each destination"));
            }
            // One way to each destination.
            spec.routes
                .retain(|known| known.destination != route.destination);
            spec.routes.push(*route);
        }
        spec.mtu = self.mtu.or(spec.mtu);
        for label in &self.label {
            let (key, value) = label.split_once('=').unwrap_or((label, ""));
            spec.labels.insert(key.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn set_outbound(&self, spec: &mut NetworkSpec) -> Result<(), InvalidNetworkOption> {
        if self.outbound_address.contains(&Outbound(None)) {
            (spec.outbound_address, spec.outbound_address6) = (None, None);
        }
        let given = || self.outbound_address.iter().filter_map(|given| given.0);
        for (index, address) in given().enumerate() {
            if given()
                .skip(index + 1)
                .any(|other| other.is_ipv4() == address.is_ipv4())
            {
                let expected = "at most one for IPv4 and one for IPv6";
                return Err(twice("--outbound-address", address, expected));
            }
            match address {
                IpAddr::V4(address) => spec.outbound_address = Some(address),
                IpAddr::V6(address) => spec.outbound_address6 = Some(address),
            }
        }
        Ok(())
    }
}

fn twice(option: &str, value: impl ToString, expected: &'static str) -> InvalidNetworkOption {
    InvalidNetworkOption::Value {
        key: option.to_owned(),
        value: value.to_string(),
        expected,
    }
}
