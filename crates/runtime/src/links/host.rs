//! The names of links in the host's own hosts file (`minet link --host`).

use super::{known, relink::noted_of_host};
use crate::{Error, Runtime, find};
use minet_model::Receiver;
use minet_names::{
    hosts::{self, Block, Entry, Markers},
    write::{Editor, WriteError},
};
use minet_state::Transaction;
use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// The host's hosts file.
const HOSTS: &str = "/etc/hosts";

/// Everybody may lock `/etc`; nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the block what the links say; without any, it goes.
pub(super) fn relink(runtime: &mut Runtime) -> Result<(), Error> {
    let markers = markers(runtime);
    let hosts = behind_links()?;
    let (dir, name) = parts(&hosts);
    let editor = Editor::of(dir, PATIENCE)?;
    let (noted, entries) = runtime
        .store
        .read(|tx| Ok::<_, Error>((noted_of_host(tx)?, entries(tx)?)))?;
    let Some(noted) = noted else {
        return Ok(());
    };
    let block = Block::between(&markers, &entries);
    let written = editor.edit(name, |text| match entries.is_empty() {
        true => hosts::without_block(text, &markers),
        false => hosts::update_between(text, &markers, &block),
    });
    match written {
        // Where there is no file, there is nothing to take back.
        Err(WriteError::Open { source, .. })
            if entries.is_empty() && source.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
        Ok(()) => {}
    }
    Ok(runtime.store.write(|tx| tx.relinked(&noted))?)
}

/// The file itself. Where `/etc` is generated, or kept somewhere else, it is a link to it.
fn behind_links() -> Result<PathBuf, Error> {
    let path = match fs::canonicalize(HOSTS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !Path::new(HOSTS).is_symlink() => {
            return Ok(PathBuf::from(HOSTS));
        }
        found => found.map_err(Error::file("follow the link", Path::new(HOSTS)))?,
    };
    if path == Path::new(HOSTS) || is_roots_alone(&path) {
        return Ok(path);
    }
    Err(Error::HostsElsewhere(path))
}

/// Whether nobody else can put another file in the place of this one: then it would be
/// written to as root.
fn is_roots_alone(path: &Path) -> bool {
    let root_dir_owner = fs::metadata("/").map_or(0, |found| found.uid());
    let closed = |found: Metadata| {
        // In a user namespace, `/` may belong to somebody outside.
        let by_root = found.uid() == 0 || found.uid() == root_dir_owner;
        // In a sticky directory, everybody keeps their own.
        by_root && (found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0)
    };
    path.ancestors()
        .all(|part| fs::symlink_metadata(part).is_ok_and(closed))
}

fn parts(path: &Path) -> (&Path, &Path) {
    let name = path.file_name().unwrap_or_default();
    (path.parent().unwrap_or(path), Path::new(name))
}

/// Another instance keeps a block of its own.
fn markers(runtime: &Runtime) -> Markers {
    let default = crate::Paths::default();
    let state_dir = runtime.machine.paths().state_dir();
    match state_dir == default.state_dir() {
        true => Markers::new("minet links"),
        false => Markers::new(&format!("minet links of {}", state_dir.display())),
    }
}

fn entries(tx: &Transaction<'_>) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for link in tx.links_into(&Receiver::Host)? {
        let row = tx.container_by_name(link.source.as_str())?;
        let Some(row) = row.filter(known::is_there) else {
            continue;
        };
        let settings = find::settings(&row)?;
        let Some(attachment) = settings.main_attachment() else {
            continue;
        };
        let address = known::address_now(tx, &row.id, attachment)?;
        let address6 = attachment.ipv6.map(|place| place.address.ip().into());
        for address in [Some(address.into()), address6].into_iter().flatten() {
            match entries.iter_mut().find(|entry| entry.address == address) {
                Some(entry) => entry.names.push(link.alias.clone()),
                None => entries.push(Entry::new(address, link.alias.clone())),
            }
        }
    }
    Ok(entries)
}
