//! The floor: what the kernel alone takes for a container's network.
//!
//! Nothing is looked up, checked, named or remembered; two sends of messages, and their
//! acknowledgements. By hand:
//!
//! ```text
//! unshare --net sh
//! ip link add HOST up master BRIDGE type veth peer name eth0 index 2 netns NS
//! ip -n NS link set lo up; ip -n NS link set eth0 up
//! ip -n NS address add ADDRESS/16 dev eth0; ip -n NS route add default via GATEWAY
//! ```

use anyhow::{Context, Result, bail, ensure};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::sched::{CloneFlags, unshare};
use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant},
};

/// The kernel's number of `lo` in every namespace, and the one given to the other end.
const LOOPBACK: u32 = 1;
const INSIDE: u32 = 2;

/// Where the cable leads, and what is given to its other end.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) bridge: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) gateway: Ipv4Addr,
}

/// Makes a network, and returns how long it took. The network is gone when the returned
/// namespace is dropped.
pub(crate) fn lay(ground: &Ground, host_end: &str) -> Result<(Duration, File)> {
    let bridge = nix::net::if_::if_nametoindex(ground.bridge.as_str())
        .with_context(|| format!("find the bridge {}", ground.bridge))?;
    let began = Instant::now();
    let (netns, mut inside) = new_namespace()?;
    let mut host = Wire::open()?;
    host.exchange(vec![(
        cable(host_end, bridge, &netns),
        NLM_F_CREATE | NLM_F_EXCL,
    )])?;
    inside.exchange(vec![
        (up(LOOPBACK), 0),
        (up(INSIDE), 0),
        (address(ground.address), NLM_F_CREATE | NLM_F_EXCL),
        (default_route(ground.gateway), NLM_F_CREATE | NLM_F_EXCL),
    ])?;
    Ok((began.elapsed(), netns))
}

/// A thread enters, opens a socket and dies: a socket stays where it was opened.
fn new_namespace() -> Result<(File, Wire)> {
    thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).context("make a network namespace")?;
        let netns = File::open("/proc/thread-self/ns/net").context("open the namespace")?;
        Ok((netns, Wire::open()?))
    })
    .join()
    .unwrap_or_else(|_| bail!("the thread in the namespace panicked"))
}

/// A connection to rtnetlink.
struct Wire(Socket);

impl Wire {
    fn open() -> Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Wire(socket))
    }

    /// Sends all of them at once and reads as many acknowledgements.
    fn exchange(&mut self, messages: Vec<(RouteNetlinkMessage, u16)>) -> Result<()> {
        let count = messages.len();
        let mut bytes = Vec::with_capacity(1024);
        for (message, flags) in messages {
            append(&mut bytes, message, flags);
        }
        self.0.send(&bytes, 0)?;
        let mut acknowledged = 0;
        while acknowledged < count {
            let (datagram, _) = self.0.recv_from_full()?;
            for answer in datagram.chunk_by_length() {
                let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(answer)?;
                match answer.payload {
                    NetlinkPayload::Error(error) => {
                        ensure!(error.code.is_none(), "the kernel refused: {error}");
                        acknowledged += 1;
                    }
                    other => bail!("an answer that nobody asked for: {other:?}"),
                }
            }
        }
        Ok(())
    }
}

/// Messages one after the other, each beginning with its length.
trait ChunkByLength {
    fn chunk_by_length(&self) -> impl Iterator<Item = &[u8]>;
}

impl ChunkByLength for Vec<u8> {
    fn chunk_by_length(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_slice();
        std::iter::from_fn(move || {
            let length = u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?) as usize;
            let message = rest.get(..length.max(16))?;
            rest = rest
                .get(length.max(16).next_multiple_of(4)..)
                .unwrap_or_default();
            Some(message)
        })
    }
}

fn append(bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let start = bytes.len();
    bytes.resize((start + message.buffer_len()).next_multiple_of(4), 0);
    message.serialize(&mut bytes[start..]);
}

fn cable(host_end: &str, bridge: u32, netns: &File) -> RouteNetlinkMessage {
    let mut peer = LinkMessage::default();
    peer.header.index = INSIDE;
    peer.attributes.extend([
        LinkAttribute::IfName("eth0".to_owned()),
        LinkAttribute::NetNsFd(netns.as_raw_fd()),
    ]);
    let mut message = LinkMessage::default();
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.extend([
        LinkAttribute::IfName(host_end.to_owned()),
        LinkAttribute::Controller(bridge),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]),
    ]);
    RouteNetlinkMessage::NewLink(message)
}

fn up(index: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    RouteNetlinkMessage::SetLink(message)
}

fn address(address: Ipv4Addr) -> RouteNetlinkMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = 16;
    message.header.index = INSIDE;
    message.attributes.extend([
        AddressAttribute::Local(IpAddr::V4(address)),
        AddressAttribute::Address(IpAddr::V4(address)),
    ]);
    RouteNetlinkMessage::NewAddress(message)
}

fn default_route(gateway: Ipv4Addr) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.table = 254;
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes.extend([
        RouteAttribute::Gateway(RouteAddress::Inet(gateway)),
        RouteAttribute::Oif(INSIDE),
    ]);
    RouteNetlinkMessage::NewRoute(message)
}
