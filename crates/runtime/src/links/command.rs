//! `--link`, `minet link` and `minet unlink`: wishes come and go.

use super::note_receivers;
use crate::{Error, Narrator, Runtime, Settings, find, time::now};
use minet_model::{ContainerId, ContainerName, HostName, LinkSpec, Receiver};
use minet_state::{ContainerRow, LinkRow, Transaction};

/// What is asked for with `minet link`.
#[derive(Debug, Clone)]
pub struct LinkWish {
    /// Who is to be known by which names.
    pub link: LinkSpec,
    /// By whom; by every neighbour if nobody is named.
    pub containers: Vec<String>,
    /// Whether the host is to know the names, too.
    pub host: bool,
}

/// Which links are to be taken back.
#[derive(Debug, Clone)]
pub struct Unlink {
    /// Of this source; of all if none is given.
    pub source: Option<ContainerName>,
    /// By these names; by all if none is given.
    pub aliases: Vec<HostName>,
    /// From these containers; from everybody if none is given.
    pub containers: Vec<String>,
    /// Only from the host.
    pub host: bool,
}

impl Runtime {
    /// Records links, and makes them known to those who run.
    pub fn link(&mut self, wish: &LinkWish, narrator: &mut dyn Narrator) -> Result<(), Error> {
        let (noted, receivers) = self.store.add(|tx| {
            let source = linkable(tx, &wish.link.source)?;
            let mut receivers = Vec::new();
            for container in &wish.containers {
                let row = find::container(tx, container)?;
                refuse_receiver(&row, &source)?;
                receivers.push(Receiver::Container(row.name));
            }
            if receivers.is_empty() {
                receivers.push(Receiver::Neighbours);
            }
            if wish.host {
                receivers.push(Receiver::Host);
            }
            for receiver in &receivers {
                put(tx, &source, &wish.link.aliases, receiver, None)?;
            }
            Ok::<_, Error>((note_source(tx, &source)?, receivers))
        })?;
        self.relink(&noted, narrator)?;
        self.note_waiting(std::slice::from_ref(&wish.link), &receivers, narrator)
    }

    /// Says what these links into these receivers wait for, each thing once.
    pub(crate) fn note_waiting(
        &mut self,
        links: &[LinkSpec],
        receivers: &[Receiver],
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let mut told = Vec::new();
        for link in links {
            let (source, _) = self.store.read(|tx| source_of(tx, &link.source))?;
            for report in self.links_between(&source, receivers)? {
                if let Some(note) = report.note().filter(|note| !told.contains(note)) {
                    narrator.note(&note);
                    told.push(note);
                }
            }
        }
        Ok(())
    }

    /// Takes links back; returns how many names there were.
    pub fn unlink(&mut self, which: &Unlink, narrator: &mut dyn Narrator) -> Result<usize, Error> {
        let (gone, noted) = self.store.write(|tx| {
            let receivers = receivers(tx, which)?;
            let links = match &which.source {
                Some(source) => links_from(tx, source)?,
                None => tx.links()?,
            };
            let meant = |link: &LinkRow| {
                (which.aliases.is_empty()
                    || which.aliases.iter().any(|alias| same(alias, &link.alias)))
                    && (receivers.is_empty() || receivers.contains(&link.receiver))
            };
            let gone: Vec<LinkRow> = links.into_iter().filter(meant).collect();
            if gone.is_empty() && which.source.is_some() {
                return Err(Error::NoSuchLink(describe(which)));
            }
            let mut noted = Vec::new();
            let mut sources: Vec<&ContainerName> = gone.iter().map(|link| &link.source).collect();
            sources.dedup();
            for source in sources {
                noted.extend(note_source(tx, source)?);
            }
            for link in &gone {
                tx.delete_link(&link.receiver, &link.alias)?;
            }
            Ok((gone, noted))
        })?;
        self.relink(&noted, narrator)?;
        Ok(gone.len())
    }
}

/// Records the links that a container is run or connected with; they go with it. Returns
/// those that are new.
pub(crate) fn record_links_of(
    tx: &Transaction<'_>,
    links: &[LinkSpec],
    id: &ContainerId,
    name: &ContainerName,
) -> Result<Vec<LinkRow>, Error> {
    let receiver = Receiver::Container(name.clone());
    let before = tx.links_into(&receiver)?;
    for link in links {
        let source = linkable(tx, &link.source)?;
        if source == *name {
            return Err(Error::LinkToItself(source.to_string()));
        }
        put(tx, &source, &link.aliases, &receiver, Some(id))?;
    }
    let mut new = tx.links_into(&receiver)?;
    new.retain(|link| !before.contains(link));
    Ok(new)
}

fn put(
    tx: &Transaction<'_>,
    source: &ContainerName,
    aliases: &[HostName],
    receiver: &Receiver,
    holder: Option<&ContainerId>,
) -> Result<(), Error> {
    // A millisecond apart, so that they stay in the order in which they were given: the first
    // is what the source is properly called (`man 5 hosts`).
    for (alias, created) in aliases.iter().zip(now()..) {
        tx.put_link(&LinkRow {
            receiver: receiver.clone(),
            alias: alias.clone(),
            source: source.clone(),
            holder: holder.cloned(),
            created,
        })?;
    }
    Ok(())
}

/// So much of an ID is as good as a name; with less, `db` would be whoever's ID happens to begin
/// so, as long as no container has that name.
const DIGITS_OF_AN_ID: usize = 12;

/// A source may be written as an ID, if it is there; it is its name that is remembered. One
/// that shares another's network is at that one's address, so it is that one, as in Docker.
fn source_of(
    tx: &Transaction<'_>,
    text: &ContainerName,
) -> Result<(ContainerName, Option<ContainerRow>), Error> {
    let found = match text.as_str().len() < DIGITS_OF_AN_ID {
        true => tx.container_by_name(text.as_str())?,
        false => match find::container(tx, text.as_str()) {
            Err(Error::NoSuchContainer(_)) => None,
            found => Some(found?),
        },
    };
    let Some(row) = found else {
        return Ok((text.clone(), None));
    };
    let owner = row.namespace_of.as_ref().map(|owner| tx.container(owner));
    let row = owner.transpose()?.flatten().unwrap_or(row);
    Ok((row.name.clone(), Some(row)))
}

/// The links that were made by this name: to the one that is meant by it now, and to one that
/// was awaited.
fn links_from(tx: &Transaction<'_>, text: &ContainerName) -> Result<Vec<LinkRow>, Error> {
    let (source, _) = source_of(tx, text)?;
    let mut links = tx.links_from(&source)?;
    if source != *text {
        links.extend(tx.links_from(text)?);
    }
    Ok(links)
}

/// The source of a new link, if it can ever be one.
fn linkable(tx: &Transaction<'_>, text: &ContainerName) -> Result<ContainerName, Error> {
    let (name, row) = source_of(tx, text)?;
    row.as_ref().map_or(Ok(()), refuse_without_cables)?;
    Ok(name)
}

/// The receivers of a source as it is; one that is not there has none that run with it.
fn note_source(tx: &Transaction<'_>, source: &ContainerName) -> Result<Vec<String>, Error> {
    let Some(row) = tx.container_by_name(source.as_str())? else {
        // Only the host's block may still have to go.
        return note_receivers(tx, source, &Settings::of_nobody());
    };
    note_receivers(tx, source, &find::settings(&row)?)
}

/// What has links is a container with cables of its own, and not the source itself.
fn refuse_receiver(row: &ContainerRow, source: &ContainerName) -> Result<(), Error> {
    if row.name == *source {
        return Err(Error::LinkToItself(source.to_string()));
    }
    refuse_without_cables(row)
}

fn refuse_without_cables(row: &ContainerRow) -> Result<(), Error> {
    match crate::conflicts::of_links(&find::spec(row)?.mode) {
        Some(conflict) => Err(Error::Conflict(format!(
            "{conflict} (container {})",
            row.name
        ))),
        None => Ok(()),
    }
}

fn receivers(tx: &Transaction<'_>, which: &Unlink) -> Result<Vec<Receiver>, Error> {
    let mut receivers = Vec::new();
    for container in &which.containers {
        let name = match find::container(tx, container) {
            Ok(row) => row.name,
            // A standing link may wait for one that is not there.
            Err(Error::NoSuchContainer(text)) => match text.parse() {
                Ok(name) => name,
                Err(_) => return Err(Error::NoSuchContainer(text)),
            },
            Err(error) => return Err(error),
        };
        receivers.push(Receiver::Container(name));
    }
    if which.host {
        receivers.push(Receiver::Host);
    }
    Ok(receivers)
}

fn same(one: &HostName, other: &HostName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

fn describe(which: &Unlink) -> String {
    let mut text = which
        .source
        .as_ref()
        .map_or("any".to_owned(), ContainerName::to_string);
    if !which.aliases.is_empty() {
        let aliases: Vec<&str> = which.aliases.iter().map(HostName::as_str).collect();
        text = format!("{text}:{}", aliases.join(","));
    }
    match which.containers.is_empty() {
        true => text,
        false => format!("{text} in {}", which.containers.join(", ")),
    }
}
