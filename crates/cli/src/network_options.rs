//! The options of `minet network …`.

use crate::{
    addressing::{self, Addressing, Range},
    format::Format,
    late::Late,
    lifecycle::PruneOptions,
    network_filter::NetworkFilter,
    network_settings::SettingsOptions,
};
use clap::{Args, Subcommand};
use ipnetwork::{IpNetwork, Ipv4Network};
use minet_model::{
    AddressRange, BridgeChoice, EndpointSpec, HostName, IfName, InvalidNetworkOption, LinkSpec,
    MacAddr, NetworkName, NetworkSpec, Spoofing,
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Create a network: a bridge, a subnet, rules
    Create(Late<CreateOptions>),
    /// Change the settings of a network, also while containers are on it
    Set(Late<SetOptions>),
    /// List networks
    #[command(visible_alias = "list")]
    Ls(Late<ListOptions>),
    /// Show everything that is known of networks, as JSON
    Inspect(Late<InspectOptions>),
    /// Remove networks that no running container is on
    #[command(visible_alias = "remove")]
    Rm(Late<RemoveOptions>),
    /// Plug a container into a network, also while it runs
    Connect(Late<ConnectOptions>),
    /// Unplug a container from a network, also while it runs
    Disconnect(Late<DisconnectOptions>),
    /// Remove all networks that no container is on
    Prune(Late<PruneOptions>),
}

/// Create a network: a bridge, a subnet, rules.
///
/// Containers of one network reach each other; containers of different networks do not,
/// except through published ports. The bridge is named mn- and the first eight digits of
/// the network's ID.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateOptions {
    /// What it is called
    #[arg(value_name = "NAME")]
    name: NetworkName,
    /// Its subnet, such as 10.9.0.0/24; the first free one of the pools if none is given.
    /// Once more for IPv6: fd00:9::/64
    #[arg(long, value_name = "CIDR")]
    subnet: Vec<IpNetwork>,
    /// IPv6 as well, with a unique local subnet if none is given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, require_equals = true)]
    ipv6: Option<bool>,
    /// The host's own address on it; the first of the subnet if none is given
    #[arg(long, value_name = "ADDRESS")]
    gateway: Vec<IpAddr>,
    /// Give containers addresses from this part of the subnet only
    #[arg(long, value_name = "CIDR|FIRST-LAST", value_parser = addressing::range)]
    ip_range: Vec<Range>,
    /// Keep an address free for something else
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = addressing::aux_address)]
    aux_address: Vec<(String, IpAddr)>,
    /// Use this bridge, which is there already
    #[arg(long, value_name = "BRIDGE")]
    bridge: Option<IfName>,
    #[command(flatten)]
    settings: SettingsOptions,
    /// What every network of minet's is: any container may be plugged into it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = ["true"], hide = true)]
    attachable: Option<String>,
    /// What every network of minet's has
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = ["true"], hide = true)]
    ipv4: Option<String>,
    /// How far it reaches; there is one machine
    #[arg(long, value_name = "SCOPE", value_parser = ["local"], hide = true)]
    scope: Option<String>,
    /// Who manages its addresses; there is nobody else
    #[arg(long, value_name = "DRIVER", value_parser = ["default"], hide = true)]
    ipam_driver: Option<String>,
    /// The kind of network; there is one
    #[arg(short, long, value_name = "DRIVER", default_value = "bridge", value_parser = ["bridge"], hide = true)]
    driver: String,
    /// Print each step as it happens, with the command that does the same and the reason
    #[arg(long)]
    pub(crate) explain: bool,
}

const EXAMPLES: &str = "\
Examples:
  minet network create backend
  minet run --network backend --network frontend -- ./server
  minet network create --subnet 10.9.0.0/24 --ip-range 10.9.0.128/25 lab
  minet network create --ipv6 dual
  minet network create --subnet 10.9.0.0/24 --subnet fd00:9::/64 lab6
  minet network create --internal vault
  minet network create --shard crowd
  minet network create --outbound-address 192.0.2.9 --route 10.20.0.0/16,10.9.0.5 --subnet 10.9.0.0/24 shop
  minet network create --bridge br0 office";

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only print IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print whole IDs
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// table, json (one object a line), or a template such as 'table {{.Name}}\\t{{.Subnet}}'
    #[arg(long, default_value = "table")]
    pub(crate) format: Format,
    /// Show only some: name=PART, id=BEGINNING, driver=DRIVER, type=custom|builtin, dangling=true|false, label=KEY[=VALUE]
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) filter: Vec<NetworkFilter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ListFormat {
    Table,
    Json,
}

/// Change the settings of a network, also while containers are on it.
///
/// Running containers follow at once: rules, isolation, MTU, routes, the way out. What cannot
/// change under them (subnet, gateway, bridge, --anti-spoof) is refused while there are any,
/// and named.
#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    /// Its name or ID
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
    /// Another subnet, when no container is on it
    #[arg(long, value_name = "CIDR")]
    subnet: Option<Ipv4Network>,
    /// Another address of the host's on it, when no container is on it
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<Ipv4Addr>,
    /// Give containers addresses from this part of the subnet only
    #[arg(long, value_name = "CIDR|FIRST-LAST")]
    ip_range: Option<AddressRange>,
    /// Another bridge, which is there already, when no container is on it
    #[arg(long, value_name = "BRIDGE")]
    bridge: Option<IfName>,
    /// Forget a label
    #[arg(long, value_name = "KEY")]
    label_rm: Vec<String>,
    /// Forget the route to this destination
    #[arg(long, value_name = "DESTINATION")]
    route_rm: Vec<IpNetwork>,
    #[command(flatten)]
    settings: SettingsOptions,
    /// Print each step as it happens, with the command that does the same and the reason
    #[arg(long)]
    pub(crate) explain: bool,
}

impl SetOptions {
    /// Changes a spec as far as these options speak of it.
    pub(crate) fn apply(&self, spec: &mut NetworkSpec) -> Result<(), InvalidNetworkOption> {
        for key in &self.label_rm {
            spec.labels.remove(key);
        }
        spec.routes
            .retain(|route| !self.route_rm.contains(&route.destination));
        self.settings.apply(spec)?;
        if let Some(subnet) = self.subnet {
            spec.subnet = Some(subnet);
            // They were parts of the one before.
            (spec.gateway, spec.ip_range) = (None, None);
        }
        if let Some(bridge) = &self.bridge {
            spec.bridge = BridgeChoice::Existing(bridge.clone());
            (spec.subnet, spec.gateway) = (self.subnet, None);
        }
        spec.gateway = self.gateway.or(spec.gateway);
        spec.ip_range = self.ip_range.or(spec.ip_range);
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct RemoveOptions {
    /// Be content if there is none of that name
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) names: NetworkNames,
}

#[derive(Debug, Args)]
pub(crate) struct NetworkNames {
    /// Names or IDs, or the beginnings of IDs
    #[arg(required = true, value_name = "NETWORK")]
    pub(crate) networks: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectOptions {
    /// Print this for each instead, such as '{{.Driver}}' or '{{range .Containers}}{{.Name}} {{end}}'
    #[arg(short, long, value_name = "TEMPLATE")]
    pub(crate) format: Option<String>,
    #[command(flatten)]
    pub(crate) names: NetworkNames,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectOptions {
    /// This IPv4 address of the network, and no other
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<Ipv4Addr>,
    /// This IPv6 address of the network, and no other
    #[arg(long, value_name = "ADDRESS")]
    ip6: Option<Ipv6Addr>,
    /// This MAC address
    #[arg(long, value_name = "MAC")]
    mac_address: Option<MacAddr>,
    /// Another name by which the containers of that network find it
    #[arg(long, value_name = "NAME")]
    alias: Vec<HostName>,
    /// Know a container of that network by another name: SRC[:ALIAS[ ALIAS…]]; stays until unlink, or until the container is removed
    #[arg(long, value_name = "SRC[:ALIAS]")]
    pub(crate) link: Vec<LinkSpec>,
    /// The name of the interface inside; the next free ethN if none is given
    #[arg(long, value_name = "NAME")]
    ifname: Option<IfName>,
    /// The network of the highest priority leads out
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
    gw_priority: i32,
    /// Whether it can send only from its own MAC and addresses; as the network says if not given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    anti_spoof: Option<bool>,
    /// Name or ID of the network
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
    /// Name or ID of the container
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Print each step as it happens, with the command that does the same and the reason
    #[arg(long)]
    pub(crate) explain: bool,
}

impl ConnectOptions {
    /// What is asked of the cable.
    pub(crate) fn endpoint(&self) -> EndpointSpec {
        EndpointSpec {
            ip: self.ip,
            ip6: self.ip6,
            mac: self.mac_address,
            aliases: self.alias.iter().map(HostName::to_string).collect(),
            ifname: self.ifname.clone(),
            gw_priority: self.gw_priority,
            spoofing: self.anti_spoof.map(|prevented| match prevented {
                true => Spoofing::Prevented,
                false => Spoofing::Allowed,
            }),
            ..EndpointSpec::to(NetworkName::default_bridge())
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DisconnectOptions {
    /// Be content if it is not connected
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Name or ID of the network
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
    /// Name or ID of the container
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Print each step as it happens, with the command that does the same and the reason
    #[arg(long)]
    pub(crate) explain: bool,
}

impl CreateOptions {
    /// The options as a spec; `defaults` are driver options that every network gets.
    pub(crate) fn into_spec(
        self,
        defaults: &BTreeMap<String, String>,
    ) -> Result<NetworkSpec, InvalidNetworkOption> {
        let mut spec = NetworkSpec::named(self.name);
        for (key, value) in defaults {
            spec.set_option(key, value)?;
        }
        self.settings.apply(&mut spec)?;
        let addressing = Addressing {
            subnets: self.subnet,
            gateways: self.gateway,
            ranges: self.ip_range,
            reserved: self.aux_address,
            ipv6: self.ipv6,
        };
        addressing.put(&mut spec)?;
        if let Some(bridge) = self.bridge {
            spec.bridge = BridgeChoice::Existing(bridge);
        }
        Ok(spec)
    }
}
