use ipnetwork::IpNetwork;
use minet_model::{IfName, NetworkName};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
};

/// What stands in the way of a network. The first words are Docker's where it has some.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Every name that the default network's bridge could have is taken.
    #[error("all names from minet0 on are taken by other interfaces")]
    NoBridgeName,
    /// The configuration wants no default network.
    #[error(
        "network bridge not found: bridge = \"none\" in {} says that there is none; name another one with --network",
        .0.display()
    )]
    NoDefaultNetwork(PathBuf),
    /// The configuration wants the default network to be another, and it is in use.
    #[error(
        "the default network {network} cannot be changed as {} says ({changes}) while containers run on it: {holders}; stop them (minet stop {holders}), or keep the settings that it has",
        file.display()
    )]
    Outdated {
        /// The network.
        network: String,
        /// What would change.
        changes: String,
        /// The configuration file.
        file: PathBuf,
        /// Names of containers, a space between them.
        holders: String,
    },
    /// Every IPv6 subnet of the configured pools overlaps another.
    #[error(
        "no free IPv6 subnet: every one of default-address-pools overlaps an address, a route or a network of this host"
    )]
    NoFreePool6,
    /// The name is taken.
    #[error("network with name {0} already exists")]
    Exists(String),
    /// More than one network's ID begins so.
    #[error("multiple networks have an ID that begins with {0}: write more of it")]
    AmbiguousPrefix(String),
    /// One of those that every installation has.
    #[error("{0} is a pre-defined network and cannot be removed")]
    Predefined(String),
    /// A name that one of those has.
    #[error(
        "operation is not permitted on predefined {0} network: network with name {0} already exists"
    )]
    PredefinedName(String),
    /// Nobody can be unplugged from what has no cables.
    #[error(
        "container cannot be disconnected from {0} network or connected to {0} network: it was made in that mode"
    )]
    NoCables(String),
    /// Its bridges have no port for one more.
    #[error(
        "network {network} is full: {room} cables are plugged into its {} (a Linux bridge has 1023 ports); stop or disconnect containers, or {way_out}",
        match .bridges { 1 => "bridge".to_owned(), many => format!("{many} bridges") }
    )]
    Full {
        /// The network.
        network: String,
        /// How many it takes.
        room: u32,
        /// How many bridges it may have.
        bridges: u16,
        /// What to do for more.
        way_out: String,
    },
    /// `--shard` and `--bridge`.
    #[error(
        "--shard and --bridge contradict each other: {0} is somebody else's bridge, and minet joins no others to it"
    )]
    ShardOfAnothers(IfName),
    /// Containers are plugged into it.
    #[error("network {network} has active endpoints ({holders}): stop or disconnect those first")]
    InUse {
        /// The network.
        network: String,
        /// Names and IDs of the containers.
        holders: String,
    },
    /// Something that cannot change under containers that run.
    #[error(
        "cannot change {what} of network {network} while containers are on it ({holders}): stop or disconnect those first"
    )]
    InTheWay {
        /// What was to change.
        what: &'static str,
        /// The network.
        network: String,
        /// Names of the containers.
        holders: String,
    },
    /// The default network, and those without a bridge.
    #[error(
        "{0} is a pre-defined network: its settings are those of the configuration file, minet config show"
    )]
    Configured(String),
    /// A driver option that is none.
    #[error(transparent)]
    Option(#[from] minet_model::InvalidNetworkOption),
    /// The subnet that was asked for is somebody else's.
    #[error("Pool overlaps with other one on this address space: {subnet} and {other}, {whose}")]
    PoolOverlaps {
        /// What was asked for.
        subnet: IpNetwork,
        /// What is there.
        other: IpNetwork,
        /// Whose it is.
        whose: SubnetHolder,
    },
    /// A subnet with bits set behind its prefix.
    #[error("invalid subnet {given}: it should be {should}")]
    HostBits {
        /// What was written.
        given: IpNetwork,
        /// What was probably meant.
        should: IpNetwork,
    },
    /// A subnet that has no address for a container.
    #[error("invalid subnet {0}: it has no room for a gateway and a container{hint}", hint = wider(.0))]
    TooSmall(IpNetwork),
    /// Part of a subnet without the subnet.
    #[error("{0} needs --subnet: what it is a part of")]
    NeedsSubnet(&'static str),
    /// An address that is not of the subnet.
    #[error("invalid {what} {address}: it does not lie in subnet {subnet}")]
    OutsideSubnet {
        /// Gateway or auxiliary address.
        what: &'static str,
        /// The address.
        address: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// A route for a family that the network does not speak.
    #[error("invalid route to {0}: the network has no IPv6")]
    RouteOfIpv6(IpNetwork),
    /// A route by an address that is no neighbour's.
    #[error(
        "invalid gateway of a route {gateway}: in {subnet} it is no host's, but the subnet's own"
    )]
    RouteByNobody {
        /// The address.
        gateway: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// A route to where nobody can be.
    #[error("invalid route: {0}")]
    RouteToNoHosts(minet_ipam::NotForHosts),
    /// A route to where everybody is already.
    #[error("invalid route to {0}: that is the network's own subnet")]
    RouteToItself(IpNetwork),
    /// `--outbound-address` with somebody else's.
    #[error(
        "cannot let connections leave under {address}: this host does not have the address; it has {}",
        list(.has)
    )]
    NotOfThisHost {
        /// What was asked for.
        address: IpAddr,
        /// What there is of this family.
        has: Vec<IpAddr>,
    },
    /// An address to leave under, and the wish that nothing leaves.
    #[error(
        "--outbound-address and --internal contradict each other: nothing leaves an internal network"
    )]
    OutboundOfInternal,
    /// An address to leave under for a family that the network does not speak.
    #[error("invalid outbound address {0}: the network has no IPv6 (--ipv6)")]
    OutboundOfIpv6(Ipv6Addr),
    /// An address to leave under, and the wish not to.
    #[error(
        "--outbound-address and --masquerade=false contradict each other: without masquerade connections leave under the container's own address"
    )]
    OutboundWithoutMasquerade,
    /// The first or the last address of a subnet.
    #[error("invalid gateway {address}: the first and the last address of {subnet} are no host's")]
    NotAHost {
        /// The address.
        address: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// `--bridge` with a bridge that is not there.
    #[error(
        "bridge device with non default name {0} must be created manually: ip link add {0} type bridge; ip addr add 10.9.8.1/24 dev {0}; ip link set {0} up"
    )]
    NoBridge(IfName),
    /// `--bridge` with something else.
    #[error("{0} is not a bridge")]
    NotABridge(IfName),
    /// `--bridge` with a bridge that is off.
    #[error("bridge {0} is down: ip link set {0} up")]
    BridgeDown(IfName),
    /// `--bridge` with a bridge that another network has.
    #[error("bridge {bridge} belongs to network {network} already")]
    BridgeTaken {
        /// The bridge.
        bridge: IfName,
        /// The network.
        network: String,
    },
    /// `--bridge` with a bridge on which the host has no address.
    #[error("bridge {0} has no IPv4 address configured: ip addr add 10.9.8.1/24 dev {0}")]
    BridgeWithoutAddress(IfName),
    /// `--bridge` and `--ipv6` with a bridge on which the host has no IPv6 address.
    #[error("bridge {0} has no IPv6 address configured: ip addr add fd00:9:8::1/64 dev {0}")]
    BridgeWithoutAddress6(IfName),
    /// A kernel that knows no IPv6.
    #[error(
        "this host has no IPv6 (there is no /proc/sys/net/ipv6): boot without ipv6.disable=1, or leave --ipv6 out"
    )]
    NoIpv6,
    /// Frames that are too short for IPv6.
    #[error("MTU {0} is too small for IPv6, which needs 1280 bytes (RFC 8200)")]
    MtuTooSmallForIpv6(u32),
    /// A subnet of another kind.
    #[error(transparent)]
    NotForHosts(#[from] minet_ipam::NotForHosts),
    /// `--bridge` with a bridge that has another address.
    #[error("bridge IPv4 ({has}) does not match requested configuration {asked}")]
    BridgeMismatch {
        /// What the bridge has.
        has: IpNetwork,
        /// What was asked for.
        asked: String,
    },
    /// `--bridge` with the way out.
    #[error(
        "bridge {0} is this host's own way out: minet drops what comes from a network's bridge with another network's addresses, so the host would lose its connections"
    )]
    BridgeIsUplink(IfName),
    /// The container has a cable to it.
    #[error("endpoint with name {container} already exists in network {network}")]
    AlreadyConnected {
        /// The container.
        container: String,
        /// The network.
        network: String,
    },
    /// The container has none.
    #[error("container {container} is not connected to network {network}")]
    NotConnected {
        /// The container.
        container: String,
        /// The network.
        network: String,
    },
    /// Only a container that was made in it can be in the host's network.
    #[error(
        "cannot connect container to host network - container must be created in host network mode"
    )]
    HostNetwork,
    /// A container without a network namespace of its own.
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    SharesNamespace,
    /// `none` and a network.
    #[error(
        "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    )]
    NoneMode,
    /// The same network twice.
    #[error("network {0} is given twice: a container has one cable to a network")]
    Twice(String),
    /// Two cables with one interface name.
    #[error("interface name {0} is given twice")]
    InterfaceTwice(IfName),
    /// Aliases need a network of the user's.
    #[error("network-scoped aliases are only supported for user-defined networks")]
    AliasOnDefault,
    /// An interface of somebody else's.
    #[error("interface {interface} is no cable of a container of minet's: it is a {kind}")]
    NotACable {
        /// Its name.
        interface: IfName,
        /// The kernel's word for what it is.
        kind: String,
    },
}

fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(", "),
    }
}

/// Who forgets the length of the prefix names one address.
fn wider(subnet: &IpNetwork) -> String {
    match (subnet, subnet.prefix()) {
        (IpNetwork::V4(_), 32) => format!("; write a prefix length, such as {}/24", subnet.ip()),
        (IpNetwork::V6(_), 128) => format!("; write a prefix length, such as {}/64", subnet.ip()),
        _ => String::new(),
    }
}

/// Who has a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubnetHolder {
    /// A network of minet's.
    Network(NetworkName),
    /// The host, on this interface where it is known.
    Host(Option<IfName>),
}

impl fmt::Display for SubnetHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubnetHolder::Network(name) => write!(f, "the subnet of network {name}"),
            SubnetHolder::Host(None) => f.write_str("an address or a route of this host"),
            SubnetHolder::Host(Some(device)) => {
                write!(f, "an address or a route of this host, on {device}")
            }
        }
    }
}
