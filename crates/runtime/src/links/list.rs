//! `minet link` without more: all links, and how far they have come.

use super::known;
use crate::{Error, Runtime, Settings, find};
use minet_model::{ContainerName, HostName, NetworkName, Receiver};
use minet_state::{ContainerRow, LinkRow, Transaction};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The names by which one receiver knows one source.
#[derive(Debug, Clone)]
pub struct LinkReport {
    /// Who is known.
    pub source: ContainerName,
    /// By which names.
    pub aliases: Vec<HostName>,
    /// Who knows it; of a link to all neighbours those who do so now.
    pub receiver: Receiver,
    /// The containers that know it now.
    pub containers: Vec<ContainerName>,
    /// Its address now.
    pub address: Option<Ipv4Addr>,
    /// Its IPv6 address now, where the names lead there, too.
    pub address6: Option<Ipv6Addr>,
    /// The network on which the names lead to its IPv4 address alone, although both have IPv6
    /// there: an older minet opened no other way.
    pub closed6: Option<NetworkName>,
    /// How far it has come.
    pub state: LinkState,
    /// Whether it is a `--link`, which goes with its receiver.
    pub with_receiver: bool,
}

/// How far a link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The names lead to the source.
    Live,
    /// There is no container of the source's name, or it does not run.
    WaitsForSource,
    /// The receiver does not run, or there is none.
    WaitsForReceiver,
    /// They share no network.
    WaitsForNetwork,
}

impl LinkState {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkState::Live => "live",
            LinkState::WaitsForSource => "waiting for source",
            LinkState::WaitsForReceiver => "waiting for receiver",
            LinkState::WaitsForNetwork => "waiting for a shared network",
        }
    }
}

impl LinkReport {
    /// What its user should know when it is made.
    pub(super) fn note(&self) -> Option<String> {
        let source = &self.source;
        match self.state {
            LinkState::WaitsForSource => {
                Some(format!("{source} does not run yet: the link waits for it"))
            }
            LinkState::WaitsForNetwork => Some(format!(
                "{source} and {} share no network yet: the link waits (minet network connect NETWORK CONTAINER)",
                self.receiver
            )),
            LinkState::Live => self.closed6.as_ref().map(|network| {
                format!("on {network} the link to {source} is for IPv4 only until both are started anew: an older minet, which started one of them, opened no way for IPv6 where a network keeps its containers apart")
            }),
            LinkState::WaitsForReceiver => None,
        }
    }
}

impl Runtime {
    /// All links.
    pub fn links(&mut self) -> Result<Vec<LinkReport>, Error> {
        self.store.read(|tx| reports(tx, tx.links()?))
    }

    /// Those from one source into these receivers; however many know the source besides.
    pub(super) fn links_between(
        &mut self,
        source: &ContainerName,
        receivers: &[Receiver],
    ) -> Result<Vec<LinkReport>, Error> {
        self.store.read(|tx| {
            let mut links = Vec::new();
            for receiver in receivers {
                links.extend(tx.links_into(receiver)?);
            }
            links.retain(|link| link.source == *source);
            reports(tx, links)
        })
    }
}

fn reports(tx: &Transaction<'_>, links: Vec<LinkRow>) -> Result<Vec<LinkReport>, Error> {
    let mut reports: Vec<LinkReport> = Vec::new();
    for link in links {
        let same = |known: &&mut LinkReport| {
            known.source == link.source
                && known.receiver == link.receiver
                && known.with_receiver == link.holder.is_some()
        };
        match reports.iter_mut().find(same) {
            Some(known) => known.aliases.push(link.alias),
            None => reports.push(report(tx, link)?),
        }
    }
    Ok(reports)
}

fn report(tx: &Transaction<'_>, link: LinkRow) -> Result<LinkReport, Error> {
    let mut report = LinkReport {
        source: link.source,
        aliases: vec![link.alias],
        receiver: link.receiver,
        containers: Vec::new(),
        address: None,
        address6: None,
        closed6: None,
        state: LinkState::WaitsForSource,
        with_receiver: link.holder.is_some(),
    };
    let row = tx.container_by_name(report.source.as_str())?;
    let Some(row) = row.filter(known::is_there) else {
        return Ok(report);
    };
    let source = find::settings(&row)?;
    if let Some(main) = source.main_attachment() {
        report.address = Some(known::address_now(tx, &row.id, main)?);
        report.address6 = main.ipv6.map(|place| place.address.ip());
    }
    report.state = match report.receiver.clone() {
        Receiver::Host if report.address.is_some() => LinkState::Live,
        Receiver::Host => LinkState::WaitsForNetwork,
        Receiver::Container(name) => one(tx, &mut report, (&row, &source), &name)?,
        Receiver::Neighbours => all(tx, &mut report, (&row, &source))?,
    };
    Ok(report)
}

fn one(
    tx: &Transaction<'_>,
    report: &mut LinkReport,
    (row, source): (&ContainerRow, &Settings),
    name: &ContainerName,
) -> Result<LinkState, Error> {
    let receiver = tx.container_by_name(name.as_str())?;
    let Some(receiver) = receiver.filter(known::is_there) else {
        return Ok(LinkState::WaitsForReceiver);
    };
    let settings = find::settings(&receiver)?;
    let Some((own, its)) = known::shared(&settings, source) else {
        return Ok(LinkState::WaitsForNetwork);
    };
    report.address = Some(known::address_now(tx, &row.id, its)?);
    report.address6 = known::address6_for(own, its);
    let both = own.ipv6.is_some() && its.ipv6.is_some();
    report.closed6 = (both && report.address6.is_none()).then(|| its.network.clone());
    report.containers.push(receiver.name);
    Ok(LinkState::Live)
}

fn all(
    tx: &Transaction<'_>,
    report: &mut LinkReport,
    (row, source): (&ContainerRow, &Settings),
) -> Result<LinkState, Error> {
    for attachment in &source.attachments {
        for id in tx.holders_on(&attachment.network)? {
            let Ok(id) = id.parse() else { continue };
            let neighbour = tx.container(&id)?.filter(|other| other.id != row.id);
            if let Some(neighbour) = neighbour.filter(known::is_there)
                && !report.containers.contains(&neighbour.name)
            {
                report.containers.push(neighbour.name);
            }
        }
    }
    report.containers.sort();
    Ok(
        match (report.containers.is_empty(), source.attachments.is_empty()) {
            (false, _) => LinkState::Live,
            (true, false) => LinkState::WaitsForReceiver,
            (true, true) => LinkState::WaitsForNetwork,
        },
    )
}

/// Docker's list of links: `/db:/web/store`.
pub(crate) fn in_dockers_words(
    tx: &Transaction<'_>,
    name: &ContainerName,
) -> Result<Vec<String>, Error> {
    let links = tx.links_into(&Receiver::Container(name.clone()))?;
    let told = |link: &LinkRow| format!("/{}:/{name}/{}", link.source, link.alias);
    Ok(links.iter().map(told).collect())
}
