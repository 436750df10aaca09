//! From the kernel's message to a [`Link`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's attributes are an open set; what is not asked for is passed over"
)]

use super::{Link, PortState};
use crate::Cause;
use minet_model::{IfName, MacAddr};
use netlink_packet_route::link::{
    BridgePortState, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoPortData,
    LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

pub(super) fn link(message: &LinkMessage) -> Result<Link, Cause> {
    let mut name = None;
    let mut link = Link {
        index: message.header.index,
        name: IfName::loopback(),
        mac: None,
        mtu: 0,
        up: message.header.flags.contains(LinkFlags::Up),
        carrier: message.header.flags.contains(LinkFlags::LowerUp),
        kind: None,
        master: None,
        namespace: None,
        alias: None,
        stp: None,
        port_state: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = text.parse().ok(),
            LinkAttribute::Address(bytes) => {
                link.mac = <[u8; 6]>::try_from(bytes.as_slice())
                    .ok()
                    .and_then(|bytes| MacAddr::from_bytes(bytes).ok());
            }
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Controller(index) => link.master = Some(*index),
            LinkAttribute::LinkNetNsId(number) => link.namespace = Some(*number),
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
            LinkAttribute::LinkInfo(infos) => {
                for info in infos {
                    apply_info(info, &mut link);
                }
            }
            _ => {}
        }
    }
    link.name = name.ok_or_else(|| Cause::Malformed("a link without a usable name".to_owned()))?;
    Ok(link)
}

fn apply_info(info: &LinkInfo, link: &mut Link) {
    match info {
        LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
        LinkInfo::Data(InfoData::Bridge(options)) => {
            link.stp = options.iter().find_map(|option| match option {
                InfoBridge::StpState(state) => Some(*state != BridgeStpState::Disabled),
                _ => None,
            });
        }
        LinkInfo::PortData(InfoPortData::BridgePort(options)) => {
            link.port_state = options.iter().find_map(|option| match option {
                InfoBridgePort::State(state) => port_state(*state),
                _ => None,
            });
        }
        _ => {}
    }
}

fn port_state(state: BridgePortState) -> Option<PortState> {
    match state {
        BridgePortState::Disabled => Some(PortState::Disabled),
        BridgePortState::Listening => Some(PortState::Listening),
        BridgePortState::Learning => Some(PortState::Learning),
        BridgePortState::Forwarding => Some(PortState::Forwarding),
        BridgePortState::Blocking => Some(PortState::Blocking),
        _ => None,
    }
}
