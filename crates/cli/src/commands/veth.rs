use super::{Failure, open};
use crate::{arguments::VethOptions, output::print, table};
use minet_runtime::{CableState, ListedCable, Paths};
use serde_json::json;

pub(crate) fn veth(options: &VethOptions, paths: Paths) -> Result<u8, Failure> {
    let cables = open(paths)
        .and_then(|mut runtime| runtime.cables(options.of.as_deref()))
        .map_err(|error| Failure::of_command(&error))?;
    if options.json {
        cables
            .iter()
            .for_each(|cable| print(&format!("{}\n", as_json(cable))));
        return Ok(0);
    }
    let head = [
        "HOST",
        "STATE",
        "BRIDGE",
        "NETWORK",
        "CONTAINER",
        "INSIDE",
        "ADDRESS",
        "MAC",
    ];
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
        .chain(cables.iter().map(row))
        .collect();
    print(&table::render(&rows));
    Ok(0)
}

fn row(cable: &ListedCable) -> Vec<String> {
    let attachment = &cable.attachment;
    vec![
        attachment.host_end.to_string(),
        state(cable.state).to_owned(),
        attachment.bridge.to_string(),
        attachment.network.to_string(),
        cable.container.to_string(),
        attachment.interface.to_string(),
        addresses(cable).join(", "),
        attachment.mac.to_string(),
    ]
}

fn addresses(cable: &ListedCable) -> Vec<String> {
    let addresses = cable.attachment.addresses();
    addresses.map(|address| address.to_string()).collect()
}

fn state(state: CableState) -> &'static str {
    match state {
        CableState::Up(_) => "up",
        CableState::Down(_) => "down",
        CableState::Missing => "missing",
    }
}

fn as_json(cable: &ListedCable) -> serde_json::Value {
    let attachment = &cable.attachment;
    let index = match cable.state {
        CableState::Up(index) | CableState::Down(index) => Some(index),
        CableState::Missing => None,
    };
    json!({
        "Host": attachment.host_end,
        "Index": index,
        "State": state(cable.state),
        "Bridge": attachment.bridge,
        "Network": attachment.network,
        "Container": cable.container,
        "Id": cable.id,
        "Inside": attachment.interface,
        "Address": attachment.address,
        "Address6": attachment.ipv6.map(|place| place.address),
        "MacAddress": attachment.mac,
        "Mtu": attachment.mtu,
    })
}
