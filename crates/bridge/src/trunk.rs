//! A trunk between two switches, so that several bridges are one network.
//!
//! ```text
//!   minet0 ──── near end ═════════ far end ──── mnx-3fa91c20.1
//!
//! ip link add NEAR mtu M master minet0 type veth peer name FAR mtu M       lay
//! ip link set FAR master mnx-3fa91c20.1
//! ip link set NEAR type bridge_slave isolated on
//! ip link set NEAR up; ip link set FAR up
//! ip link del NEAR                                                         cut
//! ```
//!
//! Where ports are isolated, the near end is, too: what comes from the further switch reaches
//! the host and no container. The far end is not: to it, every container may speak. And
//! neither has hairpin on, or each broadcast would come back.

use crate::{
    Cause, Error, Made, Removed, Rtnl,
    cable::Isolation,
    error::During,
    link::{self, Link},
    rtnl::Request,
    settings,
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

/// A trunk as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// The end on the network's own switch.
    pub near: End,
    /// The end on the further one.
    pub far: End,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// Whether containers on different switches are out of each other's reach.
    pub isolation: Isolation,
    /// Whose it is, written on both ends.
    pub alias: String,
}

/// One end of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its name.
    pub name: IfName,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// The switch that it is plugged into.
    pub bridge: IfName,
}

/// Lays a trunk, or puts the one that is there into the wished state.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`] for a switch, [`Cause::NotOurs`] if a name is taken,
/// [`Cause::PermissionDenied`].
pub fn lay(rtnl: &mut Rtnl, trunk: &Trunk) -> Result<Made, Error> {
    try_lay(rtnl, trunk).during(|| format!("lay a trunk to {}", trunk.far.bridge))
}

fn try_lay(rtnl: &mut Rtnl, trunk: &Trunk) -> Result<Made, Cause> {
    let near = link::require(rtnl, &trunk.near.bridge)?.index;
    let far = link::require(rtnl, &trunk.far.bridge)?.index;
    let made = match rtnl.request_one(birth(trunk))? {
        Ok(()) => Made::Now,
        Err(refusal) if refusal.errno == libc::EEXIST => Made::Already,
        Err(refusal) => return Err(refusal.into()),
    };
    for end in [&trunk.near, &trunk.far] {
        verify_ours(&link::require(rtnl, &end.name)?, end, trunk)?;
    }
    configure(rtnl, &trunk.near, near, trunk, trunk.isolation)?;
    configure(rtnl, &trunk.far, far, trunk, Isolation::Open)?;
    Ok(made)
}

fn birth(trunk: &Trunk) -> Request {
    let end = |end: &End| -> LinkMessage {
        let mut message = link::named(&end.name);
        message.attributes.extend([
            LinkAttribute::Address(end.mac.bytes().to_vec()),
            LinkAttribute::Mtu(trunk.mtu),
        ]);
        message
    };
    let mut message = end(&trunk.near);
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(end(&trunk.far)))),
    ]));
    Request::with_flags(
        RouteNetlinkMessage::NewLink(message),
        NLM_F_CREATE | NLM_F_EXCL,
    )
}

fn configure(
    rtnl: &mut Rtnl,
    end: &End,
    bridge: u32,
    trunk: &Trunk,
    isolation: Isolation,
) -> Result<(), Cause> {
    let mut looks = link::named(&end.name);
    looks.attributes.extend([
        LinkAttribute::IfAlias(trunk.alias.clone()),
        LinkAttribute::Mtu(trunk.mtu),
        LinkAttribute::Controller(bridge),
    ]);
    let mut port = link::named(&end.name);
    port.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(vec![InfoBridgePort::Isolated(
            isolation == Isolation::Isolated,
        )])),
    ]));
    let [looks, port, ipv6, up] = rtnl.request_all([
        Request::new(RouteNetlinkMessage::SetLink(looks)),
        Request::new(RouteNetlinkMessage::NewLink(port)),
        settings::no_ipv6_address(&end.name),
        link::up(&end.name),
    ])?;
    looks?;
    port?;
    settings::without_ipv6_is_fine(ipv6)?;
    up?;
    Ok(())
}

/// Ours by its alias; or without one, but with the address that we give it.
fn verify_ours(link: &Link, end: &End, trunk: &Trunk) -> Result<(), Cause> {
    let half_made = link.alias.is_none() && link.mac == Some(end.mac);
    match half_made || link.alias.as_ref() == Some(&trunk.alias) {
        true => Ok(()),
        false => Err(Cause::NotOurs {
            alias: link.alias.clone(),
        }),
    }
}

/// Cuts a trunk: both ends go, if it is ours.
///
/// # Errors
///
/// [`Cause::NotOurs`], [`Cause::PermissionDenied`].
pub fn cut(rtnl: &mut Rtnl, trunk: &Trunk) -> Result<Removed, Error> {
    try_cut(rtnl, trunk).during(|| format!("cut the trunk to {}", trunk.far.bridge))
}

fn try_cut(rtnl: &mut Rtnl, trunk: &Trunk) -> Result<Removed, Cause> {
    match link::by_name(rtnl, &trunk.near.name)? {
        None => Ok(Removed::AlreadyGone),
        Some(link) => {
            verify_ours(&link, &trunk.near, trunk)?;
            link::delete(rtnl, &trunk.near.name)
        }
    }
}
