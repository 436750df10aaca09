//! Whom a container knows by its links, at this moment.

use crate::{
    Error, find,
    settings::{Attachment, Settings},
    steps::{OpenEdges, PortOfSource},
};
use ipnetwork::Ipv4Network;
use minet_model::{
    ContainerId, ContainerName, ContainerSpec, HostName, Neighbours, Protocol, Receiver,
};
use minet_names::hosts::Entry;
use minet_state::{ContainerRow, LinkRow, Status, Transaction};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A source that is there, as one receiver sees it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) source: ContainerName,
    pub(crate) hostname: String,
    /// The names that links give it, in the order of the links.
    pub(crate) aliases: Vec<HostName>,
    /// Its address on the network that both are on.
    pub(crate) address: Ipv4Addr,
    /// Its IPv6 address there, where both have one and the way to it is open.
    pub(crate) address6: Option<Ipv6Addr>,
    /// The receiver's own there.
    pub(crate) own: Ipv4Addr,
    /// Its IPv6 address there, if it has one.
    pub(crate) own6: Option<Ipv6Addr>,
    pub(crate) neighbours: Neighbours,
    /// What it serves: exposed and published.
    pub(crate) ports: BTreeSet<(Protocol, u16)>,
    /// Its environment, as it was asked for.
    pub(crate) env: Vec<String>,
}

/// The sources that this container has links to, and that share a network with it now.
///
/// A link to this very container wins over one to all neighbours with the same alias.
pub(crate) fn known_to(
    tx: &Transaction<'_>,
    name: &ContainerName,
    settings: &Settings,
) -> Result<Vec<Known>, Error> {
    let mut links = tx.links_into(&Receiver::Container(name.clone()))?;
    for attachment in &settings.attachments {
        for link in tx.links_to_neighbours_on(&attachment.network)? {
            let named = |known: &LinkRow| same(&known.alias, &link.alias);
            if link.source != *name && !links.iter().any(named) {
                links.push(link);
            }
        }
    }
    let mut known: Vec<Known> = Vec::new();
    for link in links {
        if let Some(old) = known.iter_mut().find(|known| known.source == link.source) {
            old.aliases.push(link.alias);
        } else if let Some(new) = look(tx, &link, settings)? {
            known.push(new);
        }
    }
    Ok(known)
}

fn same(one: &HostName, other: &HostName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

fn look(tx: &Transaction<'_>, link: &LinkRow, receiver: &Settings) -> Result<Option<Known>, Error> {
    let Some(row) = tx.container_by_name(link.source.as_str())? else {
        return Ok(None);
    };
    if !is_there(&row) {
        return Ok(None);
    }
    let settings = find::settings(&row)?;
    let Some((own, its)) = shared(receiver, &settings) else {
        return Ok(None);
    };
    let spec = find::spec(&row)?;
    Ok(Some(Known {
        source: row.name.clone(),
        hostname: settings.hostname.clone(),
        aliases: vec![link.alias.clone()],
        address: address_now(tx, &row.id, its)?,
        address6: address6_for(own, its),
        own: own.address.ip(),
        own6: own.ipv6.map(|own| own.address.ip()),
        neighbours: its.neighbours,
        ports: served(tx, &row.id, &spec)?,
        env: spec.env,
    }))
}

/// Whether a container holds its addresses: from its admission to its end.
pub(super) fn is_there(row: &ContainerRow) -> bool {
    row.live.is_some() && row.status != Status::Exited
}

/// The first network of the receiver that the source is on, too: its way out comes first.
pub(super) fn shared<'a>(
    receiver: &'a Settings,
    source: &'a Settings,
) -> Option<(&'a Attachment, &'a Attachment)> {
    let main = receiver.main_attachment();
    main.into_iter()
        .chain(&receiver.attachments)
        .find_map(|own| Some((own, source.attachment_to(&own.network)?)))
}

/// Its address as it is: the lease's, or what somebody set by hand inside.
pub(super) fn address_now(
    tx: &Transaction<'_>,
    id: &ContainerId,
    attachment: &Attachment,
) -> Result<Ipv4Addr, Error> {
    let moved = tx.moved_address(id, &attachment.network)?;
    Ok(moved.unwrap_or(attachment.address.ip()))
}

/// What was chosen for a container, with its addresses as they are.
pub(super) fn settings_now(tx: &Transaction<'_>, row: &ContainerRow) -> Result<Settings, Error> {
    let mut settings = find::settings(row)?;
    for attachment in &mut settings.attachments {
        let address = address_now(tx, &row.id, attachment)?;
        attachment.address = Ipv4Network::new(address, attachment.address.prefix())
            .expect("the prefix of an address of the same family");
    }
    Ok(settings)
}

/// Its IPv6 address for this receiver, if both have one.
pub(super) fn address6_for(own: &Attachment, its: &Attachment) -> Option<Ipv6Addr> {
    let both = own.ipv6.and(its.ipv6);
    let both = both.filter(|_| opens_ipv6(own, its));
    both.map(|its| its.address.ip())
}

/// Whether a link opens the way for IPv6, too. Where neighbours meet along links alone,
/// somebody has to answer for either; in an older minet nobody did.
pub(crate) fn opens_ipv6(own: &Attachment, its: &Attachment) -> bool {
    match its.neighbours {
        Neighbours::Talk => true,
        Neighbours::Apart | Neighbours::Linked => {
            own.host_place.is_some() && its.host_place.is_some()
        }
    }
}

/// `--expose` and whatever is published.
fn served(
    tx: &Transaction<'_>,
    id: &ContainerId,
    spec: &ContainerSpec,
) -> Result<BTreeSet<(Protocol, u16)>, Error> {
    let mut served = BTreeSet::new();
    for exposed in &spec.expose {
        served.extend(exposed.ports.iter().map(|port| (exposed.protocol, port)));
    }
    for publish in &spec.publish {
        let ports = publish.entries().into_iter().map(|(_, port)| port);
        served.extend(ports.map(|port| (publish.protocol, port)));
    }
    let published = tx.ports_of(id)?;
    served.extend(
        published
            .iter()
            .map(|port| (port.protocol, port.container_port)),
    );
    Ok(served)
}

impl Known {
    /// From where to where, in each family that both have.
    fn ways(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let way6 = self.own6.zip(self.address6);
        let way6 = way6.map(|(own, its)| (own.into(), its.into()));
        [(self.own.into(), self.address.into())]
            .into_iter()
            .chain(way6)
    }

    /// Its lines in the receiver's hosts file, one for each address, as Docker writes them:
    /// aliases, its hostname, and its name where no alias is the same.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut names = self.aliases.clone();
        for text in [self.hostname.as_str(), self.source.as_str()] {
            if let Ok(name) = text.parse::<HostName>()
                && !names.iter().any(|known| same(known, &name))
            {
                names.push(name);
            }
        }
        let line = |address: IpAddr| Entry {
            address,
            names: names.clone(),
        };
        let addresses = [Some(self.address.into()), self.address6.map(IpAddr::from)];
        addresses.into_iter().flatten().map(line).collect()
    }
}

/// What the container may reach because of its links, where neighbours do not talk.
pub(crate) fn open_edges(
    name: &ContainerName,
    id: &ContainerId,
    known: &[Known],
) -> Option<OpenEdges> {
    let mut ports = Vec::new();
    for source in known {
        match source.neighbours {
            Neighbours::Talk => {}
            Neighbours::Apart | Neighbours::Linked => {
                for (from, to) in source.ways() {
                    ports.extend(source.ports.iter().map(|(protocol, port)| PortOfSource {
                        source: source.source.clone(),
                        from,
                        to,
                        protocol: *protocol,
                        port: *port,
                    }));
                }
            }
        }
    }
    (!ports.is_empty()).then(|| OpenEdges {
        name: name.clone(),
        id: id.clone(),
        ports,
    })
}
