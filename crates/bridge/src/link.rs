//! Any interface: look at it, switch it on, remove it.
//!
//! ```text
//! ip -d link show dev NAME        find
//! ip link set dev NAME up         set_up
//! ip link del dev NAME            remove
//! ```

mod parse;

use crate::{Cause, Error, Refusal, Removed, Rtnl, error::During, rtnl::Request};
use minet_model::{IfName, MacAddr};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage},
};

/// An interface as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it, unique within its namespace and never 0.
    pub index: u32,
    /// Its name.
    pub name: IfName,
    /// Its Ethernet address; `None` for a tunnel, or for `lo`, whose address is zero.
    pub mac: Option<MacAddr>,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// Whether it was switched on (`IFF_UP`).
    pub up: bool,
    /// Whether the other end is switched on too (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// What it is: `bridge`, `veth`, `vxlan`…; `None` for hardware and `lo`.
    pub kind: Option<String>,
    /// The index of the bridge it is a port of.
    pub master: Option<u32>,
    /// The number that the namespace of its other end has in this one, if it is another one.
    pub namespace: Option<i32>,
    /// What its owner wrote on it.
    pub alias: Option<String>,
    /// For a bridge: whether it speaks the spanning tree protocol.
    pub stp: Option<bool>,
    /// For a bridge port: whether it passes frames.
    pub port_state: Option<PortState>,
}

/// What a bridge port does with frames, `BR_STATE_*` in `linux/if_bridge.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortState {
    /// The port or the cable's other end is switched off.
    Disabled,
    /// STP: waits for news of loops, drops frames.
    Listening,
    /// STP: learns addresses, drops frames.
    Learning,
    /// Passes frames.
    Forwarding,
    /// STP: found a loop here, drops frames.
    Blocking,
}

/// Looks an interface up by its name: one question, one answer, however many there are.
///
/// # Errors
///
/// A failing socket, or an answer that is none. That there is no such interface is
/// `Ok(None)`.
pub fn find(rtnl: &mut Rtnl, name: &IfName) -> Result<Option<Link>, Error> {
    by_name(rtnl, name).during(|| format!("look up interface {name}"))
}

/// Looks an interface up by its index.
///
/// # Errors
///
/// As for [`find`].
pub fn find_by_index(rtnl: &mut Rtnl, index: u32) -> Result<Option<Link>, Error> {
    by_index(rtnl, index).during(|| format!("look up interface number {index}"))
}

/// Whether a namespace that has had this number here still is there.
///
/// # Errors
///
/// A failing socket; [`Cause::PermissionDenied`] if it is somebody else's.
pub fn namespace_exists(rtnl: &mut Rtnl, number: i32) -> Result<bool, Error> {
    let mut question = LinkMessage::default();
    // `lo` is the first interface of each.
    question.header.index = 1;
    question.attributes.push(LinkAttribute::IfNetnsId(number));
    match rtnl.get(RouteNetlinkMessage::GetLink(question)) {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(refusal)) if refusal.errno == libc::EINVAL => Ok(false),
        Ok(Err(refusal)) => Err(Cause::from(refusal)),
        Err(cause) => Err(cause),
    }
    .during(|| format!("look for namespace number {number}"))
}

pub(crate) fn by_index(rtnl: &mut Rtnl, index: u32) -> Result<Option<Link>, Cause> {
    let mut question = LinkMessage::default();
    question.header.index = index;
    ask(rtnl, question)
}

pub(crate) fn by_name(rtnl: &mut Rtnl, name: &IfName) -> Result<Option<Link>, Cause> {
    ask(rtnl, named(name))
}

/// Looks an interface up that has to be there.
pub(crate) fn require(rtnl: &mut Rtnl, name: &IfName) -> Result<Link, Cause> {
    by_name(rtnl, name)?.ok_or_else(|| missing(name))
}

pub(crate) fn missing(name: &IfName) -> Cause {
    Cause::NoSuchDevice(Refusal {
        errno: libc::ENODEV,
        reason: Some(format!("there is no interface {name} in this namespace")),
    })
}

fn ask(rtnl: &mut Rtnl, mut question: LinkMessage) -> Result<Option<Link>, Cause> {
    // The counters of a link are most of the answer's bytes.
    question
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    match rtnl.get(RouteNetlinkMessage::GetLink(question))? {
        Ok(RouteNetlinkMessage::NewLink(answer)) => parse::link(&answer).map(Some),
        Ok(_) => Err(Cause::Malformed("no link in the answer".to_owned())),
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// An interface of a list, unless it has something that minet does not know.
pub(crate) fn parse_link(message: &LinkMessage) -> Option<Link> {
    parse::link(message).ok()
}

/// Switches an interface on. It may be on already.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn set_up(rtnl: &mut Rtnl, name: &IfName) -> Result<(), Error> {
    rtnl.request_one(up(name))
        .and_then(|verdict| verdict.map_err(Cause::from))
        .during(|| format!("switch on interface {name}"))
}

/// Changes how many bytes of an IP packet fit into one frame.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`]; `EINVAL` if the interface cannot.
pub fn set_mtu(rtnl: &mut Rtnl, name: &IfName, mtu: u32) -> Result<(), Error> {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::Mtu(mtu));
    rtnl.request_one(Request::new(RouteNetlinkMessage::SetLink(message)))
        .and_then(|verdict| verdict.map_err(Cause::from))
        .during(|| format!("set the MTU of interface {name} to {mtu}"))
}

/// Switches an interface off; one that is gone is off.
pub(crate) fn set_down(rtnl: &mut Rtnl, name: &IfName) -> Result<Removed, Cause> {
    let mut message = named(name);
    message.header.change_mask = LinkFlags::Up;
    let request = Request::new(RouteNetlinkMessage::SetLink(message));
    match rtnl.request_one(request)? {
        Ok(()) => Ok(Removed::Now),
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(Removed::AlreadyGone),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The request behind [`set_up`].
pub(crate) fn up(name: &IfName) -> Request {
    let mut message = named(name);
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    Request::new(RouteNetlinkMessage::SetLink(message))
}

/// An interface that neither asks nor answers who has an address.
pub(crate) fn without_arp(name: &IfName) -> Request {
    let mut message = named(name);
    message.header.flags = LinkFlags::Noarp;
    message.header.change_mask = LinkFlags::Noarp;
    Request::new(RouteNetlinkMessage::SetLink(message))
}

/// Removes an interface that minet made. For a veth the kernel removes both ends.
///
/// # Errors
///
/// [`Cause::PermissionDenied`]; `EOPNOTSUPP` for hardware, which cannot be removed.
pub fn remove(rtnl: &mut Rtnl, name: &IfName) -> Result<Removed, Error> {
    delete(rtnl, name).during(|| format!("remove interface {name}"))
}

pub(crate) fn delete(rtnl: &mut Rtnl, name: &IfName) -> Result<Removed, Cause> {
    let request = Request::new(RouteNetlinkMessage::DelLink(named(name)));
    match rtnl.request_one(request)? {
        Ok(()) => Ok(Removed::Now),
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(Removed::AlreadyGone),
        Err(refusal) => Err(refusal.into()),
    }
}

/// A message about the interface of this name.
///
/// Names instead of indices: an index can be given to another interface between a look
/// and a leap, and the name saves the look.
pub(crate) fn named(name: &IfName) -> LinkMessage {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_string()));
    message
}
