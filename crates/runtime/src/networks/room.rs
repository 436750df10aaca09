//! Room on a network's bridges: where the next cable goes, and what is said before there is
//! none.
//!
//! The kernel refuses the 1,024th port of a bridge, with "Exchange full" and in the middle of
//! a plan. So what is plugged in where is counted in the store, and asked there before
//! anything is recorded.

use super::NetworkError;
use crate::Error;
use minet_model::BridgeNetwork;
use minet_state::Transaction;

/// Refuses one more cable where there is no room for it.
pub(crate) fn find(tx: &Transaction<'_>, network: &BridgeNetwork) -> Result<(), Error> {
    let room = network.bridge_ports();
    match cables(tx, network)? >= room {
        true => Err(NetworkError::Full {
            network: network.name.to_string(),
            bridge: network.bridge.clone(),
            room,
        }
        .into()),
        false => Ok(()),
    }
}

/// What is to be said when the last cable was one of the last.
pub(crate) fn warning(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
) -> Result<Option<String>, Error> {
    let (used, room) = (cables(tx, network)?, network.bridge_ports());
    let name = &network.name;
    Ok((used >= BridgeNetwork::nearly_full(room)).then(|| {
        format!(
            "WARNING: network {name} has {used} cables, and its bridge {} takes {room}: the next {} containers find room, and then no more; another network has a bridge of its own: minet network create NAME",
            network.bridge,
            room.saturating_sub(used)
        )
    }))
}

fn cables(tx: &Transaction<'_>, network: &BridgeNetwork) -> Result<u32, Error> {
    let counts = tx.cables_on(&network.name)?;
    Ok(counts.iter().map(|(_, cables)| cables).sum())
}
