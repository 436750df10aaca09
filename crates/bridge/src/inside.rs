//! The inside of a container's network, in one look and one send.
//!
//! ```text
//! ip link set lo up
//! sysctl net.ipv4.conf.eth0.arp_notify=1
//! ip link set eth0 addrgenmode none
//! ip address add 172.17.0.2/16 broadcast + dev eth0
//! ip link set eth0 up
//! ip route add default via 172.17.0.1 dev eth0
//! ```
//!
//! Each of these exists as a function of its own; together they are one system call, and
//! one look at the interface instead of two.

use crate::{
    Error, Rtnl, address,
    error::During,
    link, route,
    settings::{self, Ipv4Setting},
};
use ipnetwork::Ipv4Network;
use minet_model::IfName;
use std::net::Ipv4Addr;

/// The inside as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The container's end of the cable, `eth0`.
    pub interface: IfName,
    /// Its address, with the prefix length of the subnet.
    pub address: Ipv4Network,
    /// Where everything else is sent; `None` on a network without a way out.
    pub gateway: Option<Ipv4Addr>,
}

/// Switches `lo` and the cable on, gives the address and the default route. The interface
/// gets no IPv6 address of its own, and may be announced.
///
/// `rtnl` was opened inside the container. Doing it twice does no harm.
///
/// # Errors
///
/// Those of [`link::set_up`], [`address::add`] and [`route::add_default`].
pub fn bring_up(rtnl: &mut Rtnl, inside: &Inside) -> Result<(), Error> {
    let interface = &inside.interface;
    let act = || format!("bring up interface {interface} with {}", inside.address);
    let index = link::require(rtnl, interface).during(act)?.index;
    let mut batch = vec![
        link::up(&IfName::loopback()),
        settings::ipv4(interface, Ipv4Setting::ArpNotify, 1),
        settings::no_ipv6_address(interface),
        address::addition(index, inside.address),
        link::up(interface),
    ];
    batch.extend(
        inside
            .gateway
            .map(|gateway| route::addition(index, gateway)),
    );
    let mut verdicts = rtnl.request(batch).during(act)?.into_iter();
    let mut next = || verdicts.next().unwrap_or(Ok(()));

    next().during(|| "switch on interface lo".to_owned())?;
    next().during(|| format!("allow announcements on interface {interface}"))?;
    settings::without_ipv6_is_fine(next())
        .during(|| format!("withhold an IPv6 address from interface {interface}"))?;
    address::made(next())
        .during(|| format!("give interface {interface} the address {}", inside.address))?;
    next().during(|| format!("switch on interface {interface}"))?;
    if let Some(gateway) = inside.gateway {
        route::made(rtnl, next(), index, gateway)
            .during(|| format!("add default route via {gateway} on interface {interface}"))?;
    }
    Ok(())
}
