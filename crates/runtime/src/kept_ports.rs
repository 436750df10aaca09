//! A name keeps the host ports that minet chose for it, as it keeps its address: across
//! `rm`, a new `run` and a reboot. Another name gets them only when there are no others,
//! and then those that have been out of use for the longest time.

use crate::{
    Error,
    ports::{self, BindDefaults, HeldPort, Preference, claims},
    time::now,
};
use minet_model::{ContainerName, PublishSpec, PublishedPort};
use minet_state::Transaction;

/// Binds host ports for a container, which may not have a name yet.
pub(crate) fn hold(
    tx: &Transaction<'_>,
    name: Option<&ContainerName>,
    wanted: &[PublishSpec],
    defaults: BindDefaults,
) -> Result<Vec<HeldPort>, Error> {
    let name = name.map(ContainerName::as_str);
    let had = match name {
        Some(name) => tx.ports_kept_by(name)?,
        None => Vec::new(),
    };
    // Should the store fail in these, it will again when the ports are recorded.
    let used_by = |protocol, address, port| tx.port_holder(protocol, address, port).ok().flatten();
    let preference = Preference {
        had: &had,
        is_kept: &|protocol, port| {
            tx.is_kept_by_another(protocol, port, name)
                .unwrap_or_default()
        },
        last_resort: &|protocol| tx.longest_kept(protocol).unwrap_or_default(),
    };
    Ok(ports::hold(wanted, defaults, &used_by, &preference)?)
}

/// Records which of a container's ports its name keeps: those that nobody asked for by
/// number.
pub(crate) fn keep(
    tx: &Transaction<'_>,
    name: &ContainerName,
    wanted: &[PublishSpec],
    ports: &[PublishedPort],
) -> Result<(), Error> {
    let chosen = claims::chosen(wanted, ports);
    match chosen.is_empty() {
        true => Ok(()),
        false => Ok(tx.keep_ports(name, &chosen, now())?),
    }
}
