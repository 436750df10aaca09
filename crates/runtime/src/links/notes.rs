//! Noting whose names may have changed, in the transaction that changes them.

use crate::{Error, settings::Settings};
use minet_model::{ContainerId, ContainerName, Receiver};
use minet_state::{ContainerRow, Transaction};

/// Notes every receiver that has a link to this container, and returns them.
///
/// What it costs depends on its own links alone; one to all neighbours, on the neighbours.
pub(crate) fn note_receivers(
    tx: &Transaction<'_>,
    source: &ContainerName,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    let mut noted = Vec::new();
    for link in tx.links_from(source)? {
        match link.receiver {
            Receiver::Container(name) => {
                let row = tx.container_by_name(name.as_str())?;
                noted.extend(row.map(|row| row.id.to_string()));
            }
            Receiver::Neighbours => {
                for attachment in &settings.attachments {
                    noted.extend(tx.holders_on(&attachment.network)?);
                }
            }
            Receiver::Host => noted.push(Receiver::Host.to_string()),
        }
    }
    noted.sort();
    noted.dedup();
    for receiver in &noted {
        tx.note_relink(receiver)?;
    }
    Ok(noted)
}

/// Notes that a container's own lines change.
fn note_self(tx: &Transaction<'_>, id: &ContainerId, noted: &mut Vec<String>) -> Result<(), Error> {
    tx.note_relink(id.as_str())?;
    noted.push(id.to_string());
    Ok(())
}

/// The container and whoever has a link to it are to be looked at.
pub(crate) fn note_all(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    let mut noted = note_receivers(tx, &row.name, settings)?;
    note_self(tx, &row.id, &mut noted)?;
    Ok(noted)
}
