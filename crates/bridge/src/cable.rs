//! The cable: a veth pair between the switch and a container.
//!
//! ```text
//!            host                  |        container
//!  minet0 ──── host end ═══════════|═══════ container end (eth0)
//!  (master)    up, MTU, no IPv6    |        its final name, MAC and MTU; down
//!
//! ip link add HOST mtu M master minet0 address fe:… type veth \
//!         peer name eth0 mtu M address MAC netns NS                        lay
//! ip link set HOST alias … ; ip link set HOST type bridge_slave hairpin on isolated off
//! ip link set HOST addrgenmode none ; ip link set HOST up
//! ip link del HOST                                                         cut
//! ip -d link show HOST | grep 'state forwarding'                           wait_until_forwarding
//! ```
//!
//! The pair is *born in place*: one `RTM_NEWLINK` makes both ends, and the inner message
//! for the peer carries the namespace, so that the peer is never seen on the host. The
//! usual way (make both here, move one, rename it, set its address) takes four more
//! changes, lets udev and NetworkManager grab the end while it passes, and fails when two
//! containers want `eth0` at the same moment.
//!
//! Both ends are born with an address, which tells udev to leave it alone
//! (`addr_assign_type` 3; systemd's `MACAddressPolicy=persistent` changes random ones).

mod readiness;

pub use readiness::{Readiness, SpanningTree, wait_until_forwarding};

use crate::{
    Cause, Error, Refusal, Removed, Rtnl, error::During, link, rtnl::Request, settings, switch,
};
use minet_model::{IfName, MacAddr};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{
        InfoBridgePort, InfoData, InfoKind, InfoPortData, InfoPortKind, InfoVeth, LinkAttribute,
        LinkInfo, LinkMessage,
    },
};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Whether a bridge port may pass frames to other such ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// To all ports.
    Open,
    /// Only to ports that are not isolated, and to the host (`IFLA_BRPORT_ISOLATED`).
    Isolated,
}

/// A cable as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    /// The name of the end that stays with the switch.
    ///
    /// Unique to this container for ever, not counted up: after a container's death the
    /// kernel takes its cable away in the background, and a name that is used again too
    /// soon is still taken.
    pub host_end: IfName,
    /// The name of the end inside, `eth0`.
    pub container_end: IfName,
    /// The Ethernet address of the end inside.
    pub mac: MacAddr,
    /// Bytes of an IP packet that fit into one frame, at both ends.
    pub mtu: u32,
    /// The switch that it is plugged into.
    pub bridge: IfName,
    /// Whether the container's neighbours on the switch are out of its reach.
    pub isolation: Isolation,
    /// Whose it is, written on the host end. At most 255 bytes (`IFALIASZ`).
    pub alias: String,
}

/// Lays a cable from the switch into the namespace `netns`.
///
/// The container end is down: its settings (`sysctl net.ipv4.conf.eth0…`) come first.
///
/// # Errors
///
/// [`Cause::Exists`] if either name is taken, [`Cause::NoSuchDevice`] and
/// [`Cause::NotABridge`] for the switch, [`Cause::BridgeFull`],
/// [`Cause::PermissionDenied`]. Nothing is left behind if the cable could not be made; if
/// only its configuration failed, [`cut`] removes it.
pub fn lay(rtnl: &mut Rtnl, cable: &Cable, netns: BorrowedFd<'_>) -> Result<(), Error> {
    try_lay(rtnl, cable, netns)
        .during(|| format!("lay cable {} to {}", cable.host_end, cable.container_end))
}

fn try_lay(rtnl: &mut Rtnl, cable: &Cable, netns: BorrowedFd<'_>) -> Result<(), Cause> {
    let bridge = link::require(rtnl, &cable.bridge)?;
    switch::verify_bridge(&bridge)?;
    rtnl.request_one(birth(cable, bridge.index, netns))?
        .or_else(|refusal| Err(explain(rtnl, cable, refusal)?))?;
    configure(rtnl, cable)
}

/// The switch as master and the peer's namespace, all in the one message that makes them.
fn birth(cable: &Cable, bridge: u32, netns: BorrowedFd<'_>) -> Request {
    let mut message = link::named(&cable.host_end);
    message.attributes.extend([
        LinkAttribute::Address(host_mac(cable.mac).bytes().to_vec()),
        LinkAttribute::Mtu(cable.mtu),
        LinkAttribute::Controller(bridge),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer(cable, netns)))),
        ]),
    ]);
    Request::with_flags(
        RouteNetlinkMessage::NewLink(message),
        NLM_F_CREATE | NLM_F_EXCL,
    )
}

fn peer(cable: &Cable, netns: BorrowedFd<'_>) -> LinkMessage {
    let mut peer = link::named(&cable.container_end);
    peer.attributes.extend([
        LinkAttribute::NetNsFd(netns.as_raw_fd()),
        LinkAttribute::Address(cable.mac.bytes().to_vec()),
        LinkAttribute::Mtu(cable.mtu),
    ]);
    peer
}

/// The host end's address: the container's, with a first byte that no container has.
///
/// `fe` is locally administered and the highest unicast byte. If the container itself
/// was given an address that begins so, the next one down keeps the two apart.
pub fn host_mac(container: MacAddr) -> MacAddr {
    let mut bytes = container.bytes();
    bytes[0] = if bytes[0] == 0xfe { 0xfa } else { 0xfe };
    MacAddr::from_bytes(bytes).expect("the first byte is even and not zero, so it is unicast")
}

/// Lets a frame leave through the port by which it came in; and, if the port is isolated,
/// not through other isolated ones.
///
/// A container that talks to its own published port is redirected to itself. Where
/// `net.bridge.bridge-nf-call-iptables` is on, that happens while the frame is still on
/// the bridge, which would not send it back to where it came from.
///
/// A port's own settings are changed by `RTM_NEWLINK` on the link that exists; in an
/// `RTM_SETLINK` the kernel passes over them in silence.
fn port_settings(cable: &Cable) -> Request {
    port(&cable.host_end, cable.isolation)
}

/// Changes whether a cable may speak to the others on its switch.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn isolate(rtnl: &mut Rtnl, host_end: &IfName, isolation: Isolation) -> Result<(), Error> {
    rtnl.request_one(port(host_end, isolation))
        .and_then(|verdict| verdict.map_err(Cause::from))
        .during(|| format!("change the bridge port {host_end}"))
}

fn port(host_end: &IfName, isolation: Isolation) -> Request {
    let mut message = link::named(host_end);
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(vec![
            InfoBridgePort::HairpinMode(true),
            InfoBridgePort::Isolated(isolation == Isolation::Isolated),
        ])),
    ]));
    Request::new(RouteNetlinkMessage::NewLink(message))
}

/// A send of its own, after the cable is known to be ours: see the lesson in `switch`.
fn configure(rtnl: &mut Rtnl, cable: &Cable) -> Result<(), Cause> {
    let mut alias = link::named(&cable.host_end);
    alias
        .attributes
        .push(LinkAttribute::IfAlias(cable.alias.clone()));
    let [alias, port, ipv6, up] = rtnl.request_all([
        Request::new(RouteNetlinkMessage::SetLink(alias)),
        port_settings(cable),
        settings::no_ipv6_address(&cable.host_end),
        link::up(&cable.host_end),
    ])?;
    alias?;
    port?;
    settings::without_ipv6_is_fine(ipv6)?;
    up?;
    Ok(())
}

/// Plugs the host's end of a cable that is there into the switch again, and switches it on.
///
/// When somebody removes a bridge, its cables stay, plugged into nothing.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`] for the cable or the switch, [`Cause::NotABridge`],
/// [`Cause::BridgeFull`], [`Cause::PermissionDenied`].
pub fn plug(rtnl: &mut Rtnl, cable: &Cable) -> Result<(), Error> {
    try_plug(rtnl, cable).during(|| format!("plug cable {} into {}", cable.host_end, cable.bridge))
}

fn try_plug(rtnl: &mut Rtnl, cable: &Cable) -> Result<(), Cause> {
    let bridge = link::require(rtnl, &cable.bridge)?;
    switch::verify_bridge(&bridge)?;
    let mut master = link::named(&cable.host_end);
    master
        .attributes
        .push(LinkAttribute::Controller(bridge.index));
    rtnl.request_one(Request::new(RouteNetlinkMessage::SetLink(master)))?
        .or_else(|refusal| Err(explain(rtnl, cable, refusal)?))?;
    configure(rtnl, cable)
}

/// Turns the kernel's refusal into what a person can act on.
fn explain(rtnl: &mut Rtnl, cable: &Cable, refusal: Refusal) -> Result<Cause, Cause> {
    match refusal.errno {
        libc::EXFULL => Ok(Cause::BridgeFull {
            bridge: cable.bridge.clone(),
        }),
        libc::EEXIST => {
            let taken = match link::by_name(rtnl, &cable.host_end)? {
                Some(_) => format!("the host has an interface {}", cable.host_end),
                None => format!("the container has an interface {}", cable.container_end),
            };
            Ok(Cause::Exists(Refusal {
                reason: Some(taken),
                ..refusal
            }))
        }
        _ => Ok(refusal.into()),
    }
}

/// Switches the host's end off, and with it the cable.
///
/// For a namespace that is about to die: the kernel takes the cable away in the background,
/// after other dying namespaces, and until then the container's end would go on answering
/// for an address that may be somebody else's by now.
///
/// # Errors
///
/// [`Cause::PermissionDenied`].
pub fn switch_off(rtnl: &mut Rtnl, host_end: &IfName) -> Result<Removed, Error> {
    link::set_down(rtnl, host_end).during(|| format!("switch off cable {host_end}"))
}

/// Cuts a cable: both ends go.
///
/// # Errors
///
/// [`Cause::PermissionDenied`].
pub fn cut(rtnl: &mut Rtnl, host_end: &IfName) -> Result<Removed, Error> {
    link::delete(rtnl, host_end).during(|| format!("cut cable {host_end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ends_never_share_an_address() {
        for mac in [
            "02:42:ac:11:00:02",
            "fe:42:ac:11:00:02",
            "fa:42:ac:11:00:02",
        ] {
            let mac: MacAddr = mac.parse().unwrap();
            let host = host_mac(mac);
            assert_ne!(host, mac);
            assert_eq!(host.bytes()[0] & 0b11, 0b10, "local and unicast");
        }
    }
}
