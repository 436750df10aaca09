//! The switch: a Linux bridge, with the host's own address on it.
//!
//! ```text
//! ip link add minet0 address 02:42:ac:11:00:01 type bridge stp_state 0     create
//! ip link set minet0 alias minet mtu 1500
//! ip link set minet0 addrgenmode none
//! ip address add 172.17.0.1/16 broadcast + dev minet0
//! ip link set minet0 up
//! ip link del minet0                                                       remove
//! ```
//!
//! Four things the kernel teaches:
//!
//! - A bridge without an address of its own takes the lowest among its ports, so it would
//!   change with every container, and neighbours would lose the gateway for a minute. An
//!   address given at birth stays (`NET_ADDR_SET`, `br_stp_recalculate_bridge_id`).
//! - The MTU follows the smallest port, and goes back to 1500 with the last one, unless
//!   it was *changed* to a value after birth (`BROPT_MTU_SET_BY_USER`); at birth does not
//!   count.
//! - The alias and the IPv6 address mode are understood only in `RTM_SETLINK`: at birth
//!   the first is ignored and the second refused (`EAFNOSUPPORT`). So creation takes two
//!   sends, and the interface must not be up before the second, or it already has a
//!   link-local address.
//! - A batch goes on after a refusal. Were both sends one, a `NEWLINK` that found the
//!   name taken would be followed by a `SETLINK` on somebody else's interface.

use crate::{
    Cause, Error, Made, Removed, Rtnl, address,
    error::During,
    link::{self, Link},
    rtnl::Request,
    settings,
};
use ipnetwork::Ipv4Network;
use minet_model::{IfName, MacAddr};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{BridgeStpState, InfoBridge, InfoData, InfoKind, LinkAttribute, LinkInfo},
};

/// A switch as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchSpec {
    /// The bridge's name, `minet0`.
    pub name: IfName,
    /// Its Ethernet address, which is the gateway's in the containers' neighbour tables.
    pub mac: MacAddr,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// Whose it is. A bridge with another alias is not touched, neither to use it nor to
    /// remove it. At most 255 bytes (`IFALIASZ`).
    pub alias: String,
    /// The host's own address on it, with the prefix length of the subnet. Without one, the host
    /// is not plugged in, and does not answer ARP there as it would for all its addresses.
    pub address: Option<Ipv4Network>,
}

/// Creates the switch, or brings the one that is there into the wished state.
///
/// Two callers may do this at the same time; both succeed.
///
/// # Errors
///
/// [`Cause::NotABridge`] and [`Cause::NotOurs`] if the name is taken,
/// [`Cause::PermissionDenied`].
pub fn create(rtnl: &mut Rtnl, spec: &SwitchSpec) -> Result<Made, Error> {
    try_create(rtnl, spec).during(|| format!("create bridge {}", spec.name))
}

fn try_create(rtnl: &mut Rtnl, spec: &SwitchSpec) -> Result<Made, Cause> {
    let made = match rtnl.request_one(birth(spec))? {
        Ok(()) => Made::Now,
        Err(refusal) if refusal.errno == libc::EEXIST => Made::Already,
        Err(refusal) => return Err(refusal.into()),
    };
    let link = link::require(rtnl, &spec.name)?;
    verify_ours(&link, spec)?;
    configure(rtnl, spec, link.index)?;
    Ok(made)
}

fn birth(spec: &SwitchSpec) -> Request {
    let mut message = link::named(&spec.name);
    message
        .attributes
        .push(LinkAttribute::Address(spec.mac.bytes().to_vec()));
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Bridge),
        LinkInfo::Data(InfoData::Bridge(vec![InfoBridge::StpState(
            BridgeStpState::Disabled,
        )])),
    ]));
    Request::with_flags(
        RouteNetlinkMessage::NewLink(message),
        NLM_F_CREATE | NLM_F_EXCL,
    )
}

fn configure(rtnl: &mut Rtnl, spec: &SwitchSpec, index: u32) -> Result<(), Cause> {
    let mut looks = link::named(&spec.name);
    looks
        .attributes
        .push(LinkAttribute::IfAlias(spec.alias.clone()));
    looks.attributes.push(LinkAttribute::Mtu(spec.mtu));
    let mac = spec.mac.bytes().to_vec();
    looks.attributes.push(LinkAttribute::Address(mac));
    let hear = match spec.address {
        Some(address) => address::addition(index, address.into()),
        None => link::without_arp(&spec.name),
    };
    let [looks, ipv6, hear, up] = rtnl.request_all([
        Request::new(RouteNetlinkMessage::SetLink(looks)),
        settings::no_ipv6_address(&spec.name),
        hear,
        link::up(&spec.name),
    ])?;
    looks?;
    settings::without_ipv6_is_fine(ipv6)?;
    match spec.address {
        Some(_) => address::made(hear).map(drop)?,
        None => hear?,
    }
    up?;
    Ok(())
}

/// Removes the switch. Its cables lose their master and stay.
///
/// # Errors
///
/// [`Cause::NotABridge`] and [`Cause::NotOurs`] if the name belongs to another interface
/// by now, [`Cause::PermissionDenied`].
pub fn remove(rtnl: &mut Rtnl, spec: &SwitchSpec) -> Result<Removed, Error> {
    try_remove(rtnl, spec).during(|| format!("remove bridge {}", spec.name))
}

fn try_remove(rtnl: &mut Rtnl, spec: &SwitchSpec) -> Result<Removed, Cause> {
    match link::by_name(rtnl, &spec.name)? {
        None => Ok(Removed::AlreadyGone),
        Some(link) => {
            verify_ours(&link, spec)?;
            link::delete(rtnl, &spec.name)
        }
    }
}

/// A bridge is ours if it bears our alias; or none yet, but the address we give it: then
/// its maker is between the two sends, or died there.
fn verify_ours(link: &Link, spec: &SwitchSpec) -> Result<(), Cause> {
    verify_bridge(link)?;
    let half_made = link.alias.is_none() && link.mac == Some(spec.mac);
    if half_made || link.alias.as_ref() == Some(&spec.alias) {
        Ok(())
    } else {
        Err(Cause::NotOurs {
            alias: link.alias.clone(),
        })
    }
}

pub(crate) fn verify_bridge(link: &Link) -> Result<(), Cause> {
    if link.kind.as_deref() == Some("bridge") {
        Ok(())
    } else {
        Err(Cause::NotABridge {
            kind: link.kind.clone(),
        })
    }
}
