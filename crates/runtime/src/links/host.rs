//! The names of links in the host's own hosts file (`minet link --host`).

use super::{known, relink::noted_of_host};
use crate::{Error, Runtime, find};
use minet_model::Receiver;
use minet_names::{
    hosts::{self, Block, Entry, Markers},
    write::{Editor, WriteError},
};
use minet_state::Transaction;
use std::{path::Path, time::Duration};

/// Everybody may lock `/etc`; nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the block what the links say; without any, it goes.
pub(super) fn relink(runtime: &mut Runtime) -> Result<(), Error> {
    let markers = markers(runtime);
    let editor = Editor::of(Path::new("/etc"), PATIENCE)?;
    let (noted, entries) = runtime
        .store
        .read(|tx| Ok::<_, Error>((noted_of_host(tx)?, entries(tx)?)))?;
    let Some(noted) = noted else {
        return Ok(());
    };
    let block = Block::between(&markers, &entries);
    let written = editor.edit(Path::new("hosts"), |text| match entries.is_empty() {
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
