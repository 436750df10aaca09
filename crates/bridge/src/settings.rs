//! An interface's settings, by netlink instead of `/proc/sys`.
//!
//! ```text
//! sysctl net.ipv4.conf.eth0.arp_notify=1       set_ipv4
//! ip link set eth0 addrgenmode none            withhold_ipv6_address
//! ```
//!
//! What `/proc/sys/net/ipv4/conf/eth0/` shows as files is an attribute of the link too
//! (`IFLA_AF_SPEC`, `inet_set_link_af` in `net/ipv4/devinet.c`). That saves entering the
//! namespace, and more: every namespace has its own `/proc/sys/net/ipv4`, and all of
//! these directories have one name in one parent. The kernel keeps them in one hash
//! chain and compares one by one (`proc_sys_compare`), so that the first look at such a
//! file costs 40 µs beside ten namespaces and 700 µs beside a thousand.

use crate::{Cause, Error, Rtnl, error::During, link, rtnl::Request};
use minet_model::IfName;
use netlink_packet_core::DefaultNla;
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute},
};

/// A setting below `net.ipv4.conf.<interface>`, `ip-sysctl.rst` in the kernel's
/// documentation. The numbers are `IPV4_DEVCONF_*` in `linux/ip.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Ipv4Setting {
    /// `arp_notify`: 1 announces the interface's addresses whenever it is switched on or
    /// its Ethernet address is set.
    ArpNotify = 22,
    /// `route_localnet`: 1 lets packets from and to `127.0.0.0/8` cross the interface.
    RouteLocalnet = 26,
}

/// Sets one of an interface's IPv4 settings.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn set_ipv4(
    rtnl: &mut Rtnl,
    interface: &IfName,
    setting: Ipv4Setting,
    value: u32,
) -> Result<(), Error> {
    rtnl.request_one(ipv4(interface, setting, value))
        .and_then(|verdict| verdict.map_err(Cause::from))
        .during(|| format!("set {setting:?} of interface {interface} to {value}"))
}

/// The request behind [`set_ipv4`].
pub(crate) fn ipv4(interface: &IfName, setting: Ipv4Setting, value: u32) -> Request {
    /// `IFLA_INET_CONF` in `linux/if_link.h`.
    const INET_CONF: u16 = 1;
    // IFLA_INET_CONF holds one attribute per setting, with the setting's number as its
    // type; the library has the form in which the kernel lists all of them at once.
    let mut nested = Vec::with_capacity(12);
    for number in [12, INET_CONF, 8, setting as u16] {
        nested.extend(number.to_ne_bytes());
    }
    nested.extend(value.to_ne_bytes());
    spec(
        interface,
        AfSpecUnspec::Other(DefaultNla::new(libc::AF_INET as u16, nested)),
    )
}

/// Keeps the kernel from giving the interface a link-local IPv6 address when it is
/// switched on; one that it has already stays.
///
/// With the address come router solicitations and duplicate address detection, a dozen
/// multicast packets per container, each copied to every port of the switch, for a
/// protocol that the network does not use.
///
/// A message of its own, because IPv6 can be missing, and then the kernel refuses all
/// that the message says.
pub(crate) fn no_ipv6_address(interface: &IfName) -> Request {
    spec(
        interface,
        AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]),
    )
}

/// `EAFNOSUPPORT` means a kernel or a namespace without IPv6, or an interface with an MTU
/// below IPv6's minimum of 1280.
pub(crate) fn without_ipv6_is_fine(verdict: Result<(), crate::Refusal>) -> Result<(), Cause> {
    match verdict {
        Err(refusal) if refusal.errno != libc::EAFNOSUPPORT => Err(refusal.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn spec(interface: &IfName, spec: AfSpecUnspec) -> Request {
    let mut message = link::named(interface);
    message
        .attributes
        .push(LinkAttribute::AfSpecUnspec(vec![spec]));
    Request::new(RouteNetlinkMessage::SetLink(message))
}
