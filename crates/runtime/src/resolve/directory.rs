//! Names as they stand in the store at this moment.

use crate::{
    Error, find, links,
    settings::{Attachment, Settings},
};
use minet_model::{ContainerId, Neighbours, NetworkName, Receiver};
use minet_names::resolver::{Bearer, Directory, SharedNetwork, Why};
use minet_state::{NameKind, NamedRow, Transaction};
use std::net::IpAddr;

/// On whose behalf names are looked up.
pub(crate) struct Asker {
    receiver: Receiver,
    /// Where the container is plugged in.
    pub(crate) settings: Settings,
}

impl Asker {
    /// This container, as the store knows it.
    pub(crate) fn of(tx: &Transaction<'_>, id: &ContainerId) -> Result<Self, Error> {
        let row = tx
            .container(id)?
            .ok_or_else(|| Error::NoSuchContainer(id.to_string()))?;
        Ok(Asker {
            settings: find::settings(&row)?,
            receiver: Receiver::Container(row.name),
        })
    }
}

/// The directory of one container, within one transaction.
pub(crate) struct StoreDirectory<'a, 'store> {
    tx: &'a Transaction<'store>,
    asker: &'a Asker,
}

impl<'a, 'store> StoreDirectory<'a, 'store> {
    /// The directory of this container, which was looked up in the same transaction.
    pub(crate) fn of(tx: &'a Transaction<'store>, asker: &'a Asker) -> Self {
        StoreDirectory { tx, asker }
    }

    /// The network of this name, if the container is plugged into it.
    fn network(&self, name: &str) -> Option<NetworkName> {
        let mut networks = self.asker.settings.attachments.iter().map(|a| &a.network);
        networks.find(|known| known.as_str() == name).cloned()
    }
}

/// One row as the resolver wants it.
pub(crate) fn bearer(network: &NetworkName, row: NamedRow) -> Bearer {
    Bearer {
        container: row.container.to_string(),
        network: network.to_string(),
        why: match row.kind {
            NameKind::Name => Why::Name,
            NameKind::ShortId => Why::ShortId,
            NameKind::Hostname => Why::Hostname,
            NameKind::Alias => Why::Alias,
        },
        running: row.running && (row.address.is_some() || row.address6.is_some()),
        addresses: row
            .address
            .map(IpAddr::V4)
            .into_iter()
            .chain(row.address6.map(IpAddr::V6))
            .collect(),
    }
}

/// The host's addresses on a network.
fn gateways(attachment: &Attachment) -> Vec<IpAddr> {
    let host = attachment.host.unwrap_or(attachment.gateway);
    let host6 = attachment.ipv6.map(|ipv6| IpAddr::V6(ipv6.gateway));
    [IpAddr::V4(host)].into_iter().chain(host6).collect()
}

impl Directory for StoreDirectory<'_, '_> {
    type Error = Error;

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Error> {
        // The one that leads out first: its gateway is the host's address.
        let main = self.asker.settings.main_attachment().map(|a| &a.network);
        let mut attachments: Vec<_> = self.asker.settings.attachments.iter().collect();
        attachments.sort_by_key(|attachment| Some(&attachment.network) != main);
        let network = |attachment: &&Attachment| SharedNetwork {
            name: attachment.network.to_string(),
            gateways: gateways(attachment),
        };
        Ok(attachments.iter().map(network).collect())
    }

    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Error> {
        let Some(network) = self.network(network) else {
            return Ok(Vec::new());
        };
        let rows = self.tx.bearers(&network, name)?;
        Ok(rows.into_iter().map(|row| bearer(&network, row)).collect())
    }

    fn linked(&mut self, alias: &str) -> Result<Option<String>, Error> {
        if let Some(link) = self.tx.link_named(&self.asker.receiver, alias)? {
            return Ok(Some(link.source.to_string()));
        }
        let Some(link) = self.tx.link_named(&Receiver::Neighbours, alias)? else {
            return Ok(None);
        };
        // One that shares no network is no neighbour; its name may be another's here.
        let source = link.source.to_string();
        for attachment in &self.asker.settings.attachments {
            let bearers = self
                .tx
                .bearers(&attachment.network, &source.to_ascii_lowercase())?;
            if bearers.iter().any(|row| row.container == link.source) {
                return Ok(Some(source));
            }
        }
        Ok(None)
    }

    fn opens_ipv6(&mut self, network: &str, source: &str) -> Result<bool, Error> {
        let attachments = &mut self.asker.settings.attachments.iter();
        let Some(own) = attachments.find(|own| own.network.as_str() == network) else {
            return Ok(false);
        };
        if own.neighbours == Neighbours::Talk {
            return Ok(true);
        }
        let Some(row) = self.tx.container_by_name(source)? else {
            return Ok(false);
        };
        let settings = find::settings(&row)?;
        let its = settings.attachment_to(&own.network);
        Ok(its.is_some_and(|its| links::opens_ipv6(own, its)))
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Error> {
        let Some(network) = self.network(network) else {
            return Ok(None);
        };
        let name = self.tx.runner_at(&network, address)?;
        Ok(name.map(|name| name.to_string()))
    }
}
