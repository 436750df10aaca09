//! `minet dns`: what a container would be answered, and why.

use super::{
    directory::{Asker, StoreDirectory, bearer},
    mind, others, upstreams,
};
use crate::{Error, Runtime, configuration::with_name_defaults, find};
use minet_model::{NetworkMode, Receiver};
use minet_names::resolver::{
    self, Access, Bearer, Decision, Dial, Directory, Meaning, Outcome, Reason, Server, Transport,
    Upstreams, Why,
};
use minet_netns::Netns;
use minet_state::{ContainerRow, Status, Transaction};
use std::{io, os::fd::OwnedFd};

/// A name that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleName {
    /// The name, in lower case.
    pub name: String,
    /// Who bears it; why, where, and whether it is answered now.
    pub bearer: Bearer,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What was asked for, with its final dot.
    pub name: String,
    /// Which kind of record.
    pub kind: String,
    /// `NOERROR`, `NXDOMAIN`, …
    pub status: String,
    /// The records of the answer, as a zone file writes them.
    pub records: Vec<String>,
    /// Who is meant; empty where nobody of minet's is.
    pub reasons: Vec<Reason>,
    /// Why it is answered so, in a sentence.
    pub why: String,
    /// Who outside gave the answer.
    pub server: Option<Server>,
}

impl Runtime {
    /// All names that a running container sees.
    pub fn visible_names(&mut self, container: &str) -> Result<Vec<VisibleName>, Error> {
        self.store.read(|tx| {
            let Asked { owner: row, .. } = asked(tx, container)?;
            let asker = Asker::of(tx, &row.id)?;
            let mut directory = StoreDirectory::of(tx, &asker);
            let mut names = Vec::new();
            for attachment in &asker.settings.attachments {
                let rows = tx.names_on(&attachment.network)?;
                names.extend(rows.into_iter().map(|row| VisibleName {
                    name: row.name.clone(),
                    bearer: bearer(&attachment.network, row),
                }));
            }
            names.extend(linked_names(tx, &row, &asker)?);
            names.extend(the_host(&mut directory)?);
            Ok(names)
        })
    }

    /// What a running container would be answered. Servers outside are really asked.
    pub fn resolve(
        &mut self,
        container: &str,
        name: &str,
        kind: Option<&str>,
    ) -> Result<Resolved, Error> {
        let (query, bytes) = resolver::query(name, kind)?;
        let paths = self.machine.paths();
        let (asked, spec, decision, nobody, outcome) = self.store.read(|tx| {
            let asked = asked(tx, container)?;
            let spec = with_name_defaults(&find::spec(&asked.owner)?, paths)?;
            let asker = Asker::of(tx, &asked.owner.id)?;
            let mut directory = StoreDirectory::of(tx, &asker);
            let others = others(&spec, &asker.settings);
            let decision =
                resolver::decide(&mut directory, query.name(), query.query_type(), others)?;
            let nobody = why_nobody(&mut directory, &query.name().to_ascii())?;
            let transport = Transport::Udp;
            let outcome = resolver::answer(&bytes, &mut directory, others, transport, 0);
            Ok::<_, Error>((asked, spec, decision, nobody, outcome))
        })?;
        let servers = upstreams(&spec);
        let (reply, server) = match outcome {
            Outcome::Reply(reply) => (reply, None),
            Outcome::Forward(question) => self.ask_outside(&asked.row, &servers, &question)?,
            Outcome::Silence => (Vec::new(), None),
        };
        let (status, records) = resolver::show(&reply).unwrap_or_default();
        let why = match decision {
            Decision::NoSuchName => nobody,
            Decision::Forward => why_outside(server, servers.servers()),
            Decision::Refuse => format!(
                "all networks of {} are internal: nobody outside is asked",
                asked.owner.name
            ),
            Decision::Addresses(_) => format!(
                "it shares a network with {}, or is linked into it",
                asked.owner.name
            ),
            Decision::Names(_) => "the address belongs to a network of the container's".into(),
        };
        Ok(Resolved {
            name: query.name().to_string(),
            kind: query.query_type().to_string(),
            status,
            records,
            why,
            server,
            reasons: match decision {
                Decision::Addresses(reasons) => reasons,
                _ => Vec::new(),
            },
        })
    }

    fn ask_outside(
        &mut self,
        row: &ContainerRow,
        servers: &Upstreams,
        question: &resolver::Question,
    ) -> Result<(Vec<u8>, Option<Server>), Error> {
        let dialer = Dialer {
            netns: self.netns_of(row)?,
        };
        let events = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(Error::process("start the event loop"))?;
        let answer = events.block_on(resolver::forward(question, servers, &dialer));
        Ok((answer.bytes, answer.server))
    }
}

/// A running container, and the one whose names it sees: its own, or those of the container
/// whose network it shares, whether that one still runs or not.
struct Asked {
    row: ContainerRow,
    owner: ContainerRow,
}

fn asked(tx: &Transaction<'_>, container: &str) -> Result<Asked, Error> {
    let row = find::container(tx, container)?;
    if row.status != Status::Running {
        return Err(Error::NotRunning(row.name.to_string()));
    }
    let owner = match &row.namespace_of {
        Some(owner) => tx.container(owner)?.unwrap_or_else(|| row.clone()),
        None => row.clone(),
    };
    // One that has been unplugged from everything still has its resolver.
    match find::spec(&owner)?.mode {
        NetworkMode::Bridge(_) => Ok(Asked { row, owner }),
        _ => Err(Error::NoResolver(row.name.to_string())),
    }
}

/// The names that links give to others.
fn linked_names(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    asker: &Asker,
) -> Result<Vec<VisibleName>, Error> {
    let mut directory = StoreDirectory::of(tx, asker);
    let mut links = tx.links_into(&Receiver::Container(row.name.clone()))?;
    for attachment in &asker.settings.attachments {
        links.extend(tx.links_to_neighbours_on(&attachment.network)?);
    }
    let mut names = Vec::new();
    for network in directory.networks()? {
        for link in &links {
            let source = link.source.as_str().to_ascii_lowercase();
            let bearers = directory.bearers(&network.name, &source)?;
            let bearers = bearers.into_iter().filter(|b| b.why == Why::Name);
            names.extend(bearers.map(|bearer| VisibleName {
                name: link.alias.as_str().to_ascii_lowercase(),
                bearer: Bearer {
                    why: Why::Link,
                    ..bearer
                },
            }));
        }
    }
    Ok(names)
}

fn the_host(directory: &mut StoreDirectory<'_, '_>) -> Result<Option<VisibleName>, Error> {
    let networks = directory.networks()?;
    Ok(networks.into_iter().next().map(|network| VisibleName {
        name: resolver::HOST_NAME.to_owned(),
        bearer: Bearer {
            container: resolver::HOST_NAME.to_owned(),
            network: network.name,
            why: Why::Host,
            running: true,
            addresses: network.gateways,
        },
    }))
}

/// Why there would be no such name, and nobody outside is asked for it.
fn why_nobody(directory: &mut StoreDirectory<'_, '_>, name: &str) -> Result<String, Error> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(source) = directory.linked(&name)? {
        return Ok(format!(
            "it is a link to {source}, which does not run on a network that both are on"
        ));
    }
    Ok(match directory.meaning(&name)? {
        Meaning::Asleep => "whoever is called so does not run; nobody outside is asked for it",
        _ => "nobody is called so on its networks; without a dot, it is not asked for outside",
    }
    .to_owned())
}

fn why_outside(answered: Option<Server>, servers: &[Server]) -> String {
    if let Some(server) = answered {
        return format!(
            "{} said so, asked from {}",
            server.address.ip(),
            side(server)
        );
    }
    let Some(first) = servers.first() else {
        return "there is no server outside to be asked".into();
    };
    let addresses: Vec<String> = servers
        .iter()
        .map(|server| server.address.ip().to_string())
        .collect();
    let (addresses, side) = (addresses.join(", "), side(*first));
    format!("no server outside answered: {addresses}, asked from {side}")
}

/// From where a server is asked; it is the same for all of a container's.
fn side(server: Server) -> &'static str {
    match server.access {
        Access::Host => "the host",
        Access::Container => "the container",
    }
}

/// Sockets like those of the container's supervisor.
struct Dialer {
    netns: Netns,
}

impl Dial for Dialer {
    fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd> {
        mind::dial(&self.netns, server, transport)
    }
}
