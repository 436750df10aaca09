//! Room on a network's bridges: where the next cable goes, and what is said before there is
//! none.
//!
//! The kernel refuses the 1,024th port of a bridge, with "Exchange full" and in the middle of
//! a plan. So what is plugged in where is counted in the store, and asked there before
//! anything is recorded.

use super::NetworkError;
use crate::Error;
use minet_model::{BridgeNetwork, Span};
use minet_state::Transaction;

/// The first bridge of a network with room for one more cable, by its number.
pub(crate) fn find(tx: &Transaction<'_>, network: &BridgeNetwork) -> Result<u16, Error> {
    let counts = tx.cables_on(&network.name)?;
    let has_room = |number: &u16| {
        let cables = counts.iter().find(|(bridge, _)| bridge == number);
        cables.is_none_or(|(_, cables)| *cables < network.bridge_ports())
    };
    (0..=network.most_shards()).find(has_room).ok_or_else(|| {
        NetworkError::Full {
            network: network.name.to_string(),
            room: network.room(),
            bridges: network.most_shards() + 1,
            way_out: way_out(network),
        }
        .into()
    })
}

/// What is to be said when the last cable was one of the last.
pub(crate) fn warning(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
) -> Result<Option<String>, Error> {
    let counts = tx.cables_on(&network.name)?;
    let used: u32 = counts.iter().map(|(_, cables)| cables).sum();
    let (name, room) = (&network.name, network.room());
    Ok((used >= BridgeNetwork::nearly_full(room)).then(|| {
        format!(
            "WARNING: network {name} has {used} cables, and takes {room}; {}",
            way_out(network)
        )
    }))
}

/// What to do for more room.
fn way_out(network: &BridgeNetwork) -> String {
    let name = &network.name;
    match network.asked.span {
        Span::OneBridge if network.has_own_bridge() && !name.is_predefined() => {
            format!("let it span several bridges: minet network set --shard {name}")
        }
        Span::OneBridge => {
            "use a network that spans several bridges: minet network create --shard NAME".to_owned()
        }
        Span::Shards => "use another network as well: minet network create --shard NAME".to_owned(),
    }
}
