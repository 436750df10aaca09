//! The words of minet: parsed once at the edge, and from then on they cannot be wrong.
//!
//! Everything a user types becomes one of these types before anything is looked up or
//! changed. No function here touches the kernel, a file or the clock, so all of it is
//! tested without root, and every other crate may depend on it.
//!
//! | word | type | where it is used |
//! | --- | --- | --- |
//! | `web` | [`ContainerName`] | `--name`, hosts files, `ip netns exec web` |
//! | `3fa91c20…` | [`ContainerId`] | state, file names, the name of the veth |
//! | `eth0`, `minet0` | [`IfName`] | every link |
//! | `02:42:ac:11:00:02` | [`MacAddr`] | `--mac-address`, the cable |
//! | `8080:80/tcp` | [`PublishSpec`] → [`PublishedPort`] | `-p`, the nftables maps |
//! | `bridge`, `container:web` | [`NetworkMode`] | `--mode` |
//! | `on-failure:3`, `SIGTERM` | [`Lifecycle`] | the supervisor |
//! | `db.internal` | [`HostName`] | hosts files, `--hostname` |
//! | `db001:db,store` | [`LinkSpec`] | `--link`, `minet link` |
//!
//! What must stay true: a value of these types has been checked; code that takes one
//! does not check again.

pub mod bpf;
mod container;
mod endpoint;
mod hosts;
mod hosts_base;
mod ifname;
mod instance;
mod ipv6;
mod labels;
mod lifecycle;
mod link;
mod mac;
mod mode;
mod mounts;
mod network;
mod network_id;
mod network_options;
mod network_spec;
mod oom_score;
mod port;
mod range4;
mod range6;
mod room;
mod route;
mod security;
mod signal;
mod spec;

pub use container::{ContainerId, ContainerName, InvalidContainerId, InvalidContainerName};
pub use endpoint::{EndpointSpec, InvalidEndpoint, NetworkArgument};
pub use hosts::{AddHost, AddHostTarget, HostName, InvalidAddHost, InvalidHostName};
pub use hosts_base::{HostsBase, InvalidHostsBase};
pub use ifname::{IfName, InvalidIfName};
pub use instance::InstanceTag;
pub use ipv6::{Ipv6Spec, Ipv6Subnet};
pub use labels::{InvalidLabel, LabelFilter, Labels, labels_in_one_line, parse_label};
pub use lifecycle::{InvalidLifecycle, Lifecycle, LogLimits, RestartPolicy};
pub use link::{InvalidLink, InvalidReceiver, LinkSpec, Receiver};
pub use mac::{InvalidMacAddr, MacAddr};
pub use mode::{InvalidNetworkMode, NetworkMode};
pub use mounts::{Programs, Tmpfs, Volume};
pub use network::{BridgeNetwork, InvalidNetworkName, NetworkName};
pub use network_id::{InvalidNetworkId, NetworkId};
pub use network_options::InvalidNetworkOption;
pub use network_spec::{
    BridgeChoice, Connections, Masquerade, Neighbours, NetworkSpec, Reach, Span, Spoofing, is_mtu,
};
pub use oom_score::{InvalidOomScore, OomScore};
pub use port::{
    ExposedPorts, HostPorts, InvalidPublish, PortRange, Protocol, PublishSpec, PublishedPort,
};
pub use range4::{AddressRange, InvalidAddressRange};
pub use range6::{AddressRange6, InvalidAddressRange6};
pub use room::BRIDGE_PORTS;
pub use route::{InvalidRoute, StaticRoute};
pub use security::{
    InvalidSecurityOption, NewPrivileges, Seccomp, SecurityOption, SecurityOptions,
};
pub use signal::{InvalidSignal, SignalNumber};
pub use spec::{CapabilityChanges, ContainerSpec, InvalidSpec, Sysctl, TerminalMode, UserSpec};
