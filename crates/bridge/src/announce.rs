//! Telling the neighbours where an address lives now.
//!
//! When a container gets an address that another had before, the neighbours still send
//! to the old one's Ethernet address, for up to a minute. A gratuitous ARP ("172.17.0.2
//! is at 02:42:ac:11:00:02", asked by its owner, RFC 5227 section 3) corrects them.
//!
//! ```text
//! sysctl net.ipv4.conf.eth0.arp_notify=1          enable
//! ip link set eth0 address 02:42:ac:11:00:02      announce (the address that it has)
//! ```
//!
//! The usual way is `arping`: a packet socket. Its close waits for a grace period of
//! RCU, several milliseconds, on the path of starting a container. Instead the kernel is
//! made to send it: a change of the Ethernet address, even to the same value, is
//! announced for every address of the interface (`NETDEV_CHANGEADDR` in `inetdev_event`,
//! `net/ipv4/devinet.c`), if `arp_notify` is set.

use crate::{
    Error, Rtnl,
    error::During,
    link,
    rtnl::Request,
    settings::{self, Ipv4Setting},
};
use minet_model::{IfName, MacAddr};
use netlink_packet_route::{RouteNetlinkMessage, link::LinkAttribute};

/// Allows announcements on the interface (`arp_notify`).
///
/// # Errors
///
/// [`NoSuchDevice`](crate::Cause::NoSuchDevice),
/// [`PermissionDenied`](crate::Cause::PermissionDenied).
pub fn enable(rtnl: &mut Rtnl, interface: &IfName) -> Result<(), Error> {
    settings::set_ipv4(rtnl, interface, Ipv4Setting::ArpNotify, 1)
}

/// Makes the kernel announce the interface's IPv4 addresses to its neighbours, and forget
/// what it remembers of theirs (`NETDEV_CHANGEADDR` in `arp_netdev_event` and
/// `ndisc_netdev_event`).
///
/// `mac` is the Ethernet address that the interface has. What must hold: the interface is
/// up, its cable is forwarding (or the announcement goes nowhere), and announcements are
/// allowed, by [`enable`] or by sysctl (or there is none).
///
/// # Errors
///
/// [`NoSuchDevice`](crate::Cause::NoSuchDevice),
/// [`PermissionDenied`](crate::Cause::PermissionDenied).
pub fn announce(rtnl: &mut Rtnl, interface: &IfName, mac: MacAddr) -> Result<(), Error> {
    let mut message = link::named(interface);
    message
        .attributes
        .push(LinkAttribute::Address(mac.bytes().to_vec()));
    rtnl.request_one(Request::new(RouteNetlinkMessage::SetLink(message)))
        .and_then(|verdict| verdict.map_err(crate::Cause::from))
        .during(|| format!("announce interface {interface} as {mac}"))
}
