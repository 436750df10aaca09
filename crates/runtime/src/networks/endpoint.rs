//! A container's place on a network: which address, which names of the cable's ends, and
//! which steps lay it.

use super::{
    NetworkError, room,
    shards::{self, Shard},
};
use crate::{
    Error, address,
    settings::{Attachment, Attachment6, HostPlace, Settings},
    step::Step,
    steps::{
        AddDefaultRoute, AddRoute, Announce, AnswerFor, GiveAddress, GuardCable, Introduce,
        LayCable, SetLinkUp, TuneNamespace,
    },
};
use minet_model::{
    BridgeNetwork, ContainerId, ContainerName, EndpointSpec, MacAddr, Neighbours, NetworkName,
    NetworkSpec, Spoofing, StaticRoute,
};
use minet_state::{NameKind, Transaction};
use std::net::{IpAddr, Ipv6Addr};

/// A container's place on a network, recorded.
pub(crate) struct Attached {
    pub(crate) attachment: Attachment,
    /// The further bridge that its cable is plugged into, if it is not the network's own.
    pub(crate) shard: Option<Shard>,
    /// What its user should know.
    pub(crate) warning: Option<String>,
}

/// Chooses a place on a network for a container, and records the lease.
pub(crate) fn attach(
    tx: &Transaction<'_>,
    (id, name): (&ContainerId, &ContainerName),
    settings: &Settings,
    endpoint: &EndpointSpec,
) -> Result<Attached, Error> {
    let row = tx
        .network(&endpoint.network)?
        .ok_or_else(|| Error::NoSuchNetwork(endpoint.network.to_string()))?;
    let network = row.network.clone();
    if settings.attachment_to(&network.name).is_some() {
        return Err(NetworkError::Twice(network.name.to_string()).into());
    }
    if network.name == NetworkName::default_bridge() && !endpoint.aliases.is_empty() {
        return Err(NetworkError::AliasOnDefault.into());
    }
    let prefix = network.asked.interface_prefix.as_deref();
    let (free_interface, host_end) = settings.free_ends(id, prefix);
    let interface = endpoint.ifname.clone().unwrap_or(free_interface);
    if settings
        .attachments
        .iter()
        .any(|a| a.interface == interface)
    {
        return Err(NetworkError::InterfaceTwice(interface).into());
    }
    let number = room::find(tx, &network)?;
    let request = address::Request {
        id,
        name,
        address: endpoint.ip,
        address6: endpoint.ip6,
        mac: endpoint.mac,
    };
    let place = address::lease(tx, &row, &request)?;
    let ipv6 = network.ipv6.zip(place.address6);
    let names = names(id, name, &settings.hostname, &endpoint.aliases);
    tx.put_names(&network.name, id, &names)?;
    let mut own: Vec<IpAddr> = vec![place.address.into()];
    own.extend(place.address6.map(IpAddr::from));
    tx.plug_cable(&network.name, id, number)?;
    let shard = shards::require(tx, &row, number)?;
    let warning = room::warning(tx, &network)?;
    let host_place = host_place(&network);
    let attachment = Attachment {
        address: network.with_prefix(place.address),
        bridge: network.shard(number),
        network: network.name,
        gateway: network.asked.default_gateway.unwrap_or(network.gateway),
        host: Some(network.gateway),
        ipv6: ipv6.map(|(ipv6, address)| Attachment6 {
            address: ipv6.with_prefix(address),
            gateway: gateway6(&network.asked).unwrap_or(ipv6.gateway),
        }),
        mac: place.mac,
        interface,
        host_end,
        mtu: network.mtu,
        routes: routes_for(&network.asked, &own),
        reach: network.asked.reach,
        neighbours: network.asked.neighbours,
        spoofing: endpoint
            .spoofing
            .unwrap_or(spoofing_for(&network.asked, &own)),
        gw_priority: endpoint.gw_priority,
        aliases: endpoint.aliases.clone(),
        host_place: Some(host_place),
        instance: network.instance,
    };
    Ok(Attached {
        attachment,
        shard,
        warning,
    })
}

/// How the others on a network may call a container.
fn names(
    id: &ContainerId,
    name: &ContainerName,
    hostname: &str,
    aliases: &[String],
) -> Vec<(String, NameKind)> {
    let mut names = vec![
        (name.to_string(), NameKind::Name),
        (id.short().to_owned(), NameKind::ShortId),
        (hostname.to_owned(), NameKind::Hostname),
    ];
    let alias = |alias: &String| (alias.clone(), NameKind::Alias);
    names.extend(aliases.iter().map(alias));
    names
}

/// Who passes IPv6 on, if it is not the host.
fn gateway6(asked: &NetworkSpec) -> Option<Ipv6Addr> {
    asked.ipv6.as_ref()?.default_gateway
}

/// The network's routes, but not to the router itself: whoever has that address is one.
pub(crate) fn routes_for(asked: &NetworkSpec, own: &[IpAddr]) -> Vec<StaticRoute> {
    let by_another = |route: &&StaticRoute| !own.contains(&route.gateway);
    asked.routes.iter().filter(by_another).copied().collect()
}

/// A router passes on what others send.
pub(crate) fn spoofing_for(asked: &NetworkSpec, own: &[IpAddr]) -> Spoofing {
    match asked
        .routes
        .iter()
        .any(|route| own.contains(&route.gateway))
    {
        true => Spoofing::Allowed,
        false => asked.spoofing,
    }
}

/// The ways that a container has on one network besides the default route.
pub(crate) fn route_steps(
    name: &ContainerName,
    attachment: &Attachment,
) -> impl Iterator<Item = Step> {
    attachment.routes.iter().map(|route| {
        Step::AddRoute(AddRoute {
            name: name.clone(),
            interface: attachment.interface.clone(),
            route: *route,
        })
    })
}

fn host_place(network: &BridgeNetwork) -> HostPlace {
    let gateway6 = network.ipv6.map(|ipv6| IpAddr::from(ipv6.gateway));
    HostPlace {
        bridge: network.bridge.clone(),
        mac: network
            .has_own_bridge()
            .then(|| MacAddr::for_ipv4(network.gateway)),
        addresses: [IpAddr::from(network.gateway)]
            .into_iter()
            .chain(gateway6)
            .collect(),
    }
}

/// The host and the container know where the other one is.
fn introduce_step(name: &ContainerName, attachment: &Attachment) -> Option<Step> {
    let host = attachment.host_place.as_ref()?;
    // Who may be somebody else may also be elsewhere.
    let is_where_it_is = attachment.spoofing == Spoofing::Prevented;
    let bridge_mac = host.mac.filter(|_| is_where_it_is)?;
    Some(Step::Introduce(Introduce {
        name: name.clone(),
        interface: attachment.interface.clone(),
        mac: attachment.mac,
        addresses: attachment.addresses().map(|address| address.ip()).collect(),
        bridge: host.bridge.clone(),
        bridge_mac,
        host: host.addresses.clone(),
    }))
}

/// Where neighbours do not meet, the host answers for the IPv6 address.
pub(super) fn answer_step(name: &ContainerName, attachment: &Attachment) -> Option<Step> {
    let is_apart = attachment.neighbours != Neighbours::Talk;
    let host = attachment.host_place.as_ref().filter(|_| is_apart)?;
    let ipv6 = attachment.ipv6?;
    Some(Step::AnswerFor(AnswerFor {
        name: name.clone(),
        bridge: host.bridge.clone(),
        address: ipv6.address.ip(),
    }))
}

/// The cable, its guard, its address, both ends up, and the network's routes.
pub(crate) fn cable_steps(name: &ContainerName, attachment: &Attachment) -> Vec<Step> {
    let interface = &attachment.interface;
    let mut steps = vec![Step::LayCable(LayCable {
        name: name.clone(),
        host_end: attachment.host_end.clone(),
        container_end: interface.clone(),
        mac: attachment.mac,
        mtu: attachment.mtu,
        bridge: attachment.bridge.clone(),
        neighbours: attachment.neighbours,
        instance: attachment.instance.clone(),
    })];
    if attachment.spoofing == Spoofing::Prevented {
        steps.push(Step::GuardCable(GuardCable {
            name: name.clone(),
            host_end: attachment.host_end.clone(),
            mac: attachment.mac,
            addresses: attachment.addresses().map(|address| address.ip()).collect(),
        }));
    }
    if attachment.ipv6.is_some() {
        let tune = TuneNamespace::with_ipv6(name, interface);
        steps.push(Step::TuneNamespace(tune));
    }
    steps.extend(attachment.addresses().map(|address| {
        Step::GiveAddress(GiveAddress {
            name: name.clone(),
            interface: interface.clone(),
            address,
        })
    }));
    steps.push(Step::SetLinkUp(SetLinkUp {
        name: name.clone(),
        interface: interface.clone(),
    }));
    steps.extend(answer_step(name, attachment));
    steps.extend(route_steps(name, attachment));
    steps
}

/// The way to everywhere that is on none of the container's networks; none if all of them
/// are internal.
pub(crate) fn default_route_step(name: &ContainerName, settings: &Settings) -> Option<Step> {
    settings.way_out().map(|way_out| {
        Step::AddDefaultRoute(AddDefaultRoute {
            name: name.clone(),
            gateway: way_out.gateway.into(),
            interface: way_out.interface.clone(),
        })
    })
}

/// The same for IPv6; none where no network with IPv6 leads out.
pub(crate) fn default_route6_step(name: &ContainerName, settings: &Settings) -> Option<Step> {
    settings.way_out6().map(|(way_out, place)| {
        Step::AddDefaultRoute(AddDefaultRoute {
            name: name.clone(),
            gateway: place.gateway.into(),
            interface: way_out.interface.clone(),
        })
    })
}

/// The neighbours on one network are told who has the address now; then the host and the
/// container are introduced, since the kernel forgets whom it knows on an interface that is
/// announced.
pub(crate) fn announce_steps(
    name: &ContainerName,
    attachment: &Attachment,
) -> impl Iterator<Item = Step> {
    let announce = Step::Announce(Announce {
        name: name.clone(),
        host_end: attachment.host_end.clone(),
        interface: attachment.interface.clone(),
        mac: attachment.mac,
    });
    [announce]
        .into_iter()
        .chain(introduce_step(name, attachment))
}
