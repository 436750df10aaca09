//! Inside a container's namespace: what is for 127.0.0.11:53 goes to the port on which its
//! supervisor listens.
//!
//! The supervisor cannot bind port 53 itself. A program inside that binds 0.0.0.0:53, as
//! name servers do, would be told that the port is taken. So it binds another one, and the
//! two ports change places in a table of the namespace's own:
//!
//! ```text
//!   program ──▶ 127.0.0.11:53 ──[lo: dport 53 -> N]──▶ 127.0.0.11:N  supervisor
//!   program ◀── 127.0.0.11:53 ◀─[lo: sport N -> 53]─── 127.0.0.11:N  supervisor
//! ```
//!
//! Both directions arrive on `lo`, so one chain sees them both, where the loopback delivers
//! them; and it sees nothing else, so that what goes over the cable is not slowed down by
//! it. It keeps no state: a NAT would have to remember every query for half a minute, and
//! would turn on conntrack for all that the container does. Who has `CAP_NET_ADMIN` inside can take the
//! table away, from nobody but itself; when the namespace dies, the table goes with it.

use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::batch::Batch;
use crate::netlink::message::{Attributes, Instruction, Message, Object};
use crate::netlink::{batch, userdata};
use minet_model::Protocol;
use nftnl::nftnl_sys::{self as sys, libc};
use std::net::SocketAddrV4;

/// The table's name; its family is `netdev`.
const TABLE: &str = "minet-dns";
const CHAIN: &str = "loopback";
const DEVICE: &str = "lo";
const COMMENT: &str = "names are answered by the supervisor";

// Of the kernel's linux/netfilter/nf_tables.h, linux/netfilter.h and linux/if_ether.h.
const NFT_PAYLOAD_CSUM_INET: u32 = 1;
const NF_NETDEV_INGRESS: u32 = 0;
const ETH_P_IP: u16 = 0x0800;

// Where fields are, RFC 791, 768 and 793.
const SOURCE_ADDRESS: u32 = 12;
const DESTINATION_ADDRESS: u32 = 16;
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;
const UDP_CHECKSUM: u32 = 6;
const TCP_CHECKSUM: u32 = 16;

/// Two ports of one address that change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolverPort {
    /// What the container asks.
    pub asked: SocketAddrV4,
    /// Who listens there.
    pub listens: u16,
}

/// One of the four rules.
#[derive(Clone, Copy)]
struct Swap {
    protocol: Protocol,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    There,
    Back,
}

const SWAPS: [Swap; 4] = [
    swap(Protocol::Udp, Way::There),
    swap(Protocol::Udp, Way::Back),
    swap(Protocol::Tcp, Way::There),
    swap(Protocol::Tcp, Way::Back),
];

const fn swap(protocol: Protocol, way: Way) -> Swap {
    Swap { protocol, way }
}

impl ResolverPort {
    /// The table as `nft -f` reads it.
    pub fn to_nft(&self) -> String {
        let rules: String = SWAPS
            .iter()
            .map(|swap| format!("\t\t{}\n", self.rule_to_nft(*swap)))
            .collect();
        format!(
            "table netdev {TABLE} {{\n\tcomment \"{COMMENT}\"\n\tchain {CHAIN} {{\n\t\ttype filter hook ingress device {DEVICE} priority filter; policy accept;\n{rules}\t}}\n}}"
        )
    }

    /// The command that takes it away.
    pub fn to_nft_delete(&self) -> String {
        format!("delete table netdev {TABLE}")
    }

    fn rule_to_nft(&self, Swap { protocol, way }: Swap) -> String {
        let (address, asked, listens) = (self.asked.ip(), self.asked.port(), self.listens);
        match way {
            Way::There => format!(
                "ip daddr {address} {protocol} dport {asked} {protocol} dport set {listens}"
            ),
            Way::Back => format!(
                "ip saddr {address} {protocol} sport {listens} {protocol} sport set {asked}"
            ),
        }
    }

    fn compile(&self, Swap { protocol, way }: Swap) -> Vec<Instruction> {
        let (address_at, port_at, from, to) = match way {
            Way::There => (
                DESTINATION_ADDRESS,
                DESTINATION_PORT,
                self.asked.port(),
                self.listens,
            ),
            Way::Back => (SOURCE_ADDRESS, SOURCE_PORT, self.listens, self.asked.port()),
        };
        let checksum = match protocol {
            Protocol::Tcp => TCP_CHECKSUM,
            _ => UDP_CHECKSUM,
        };
        let transport = libc::NFT_PAYLOAD_TRANSPORT_HEADER;
        vec![
            about(libc::NFT_META_PROTOCOL),
            compare(&ETH_P_IP.to_be_bytes()),
            load(libc::NFT_PAYLOAD_NETWORK_HEADER, address_at, 4),
            compare(&self.asked.ip().octets()),
            about(libc::NFT_META_L4PROTO),
            compare(&[protocol.number()]),
            load(transport, port_at, 2),
            compare(&from.to_be_bytes()),
            immediate(&to.to_be_bytes()),
            store(transport, port_at, 2, checksum),
        ]
    }
}

impl Firewall {
    /// Makes the table, in the namespace in which this door was opened.
    ///
    /// # Errors
    /// [`Error::NotSupported`], [`Error::NotPermitted`], and [`Error::Refused`] where there
    /// is such a table already.
    pub fn lead_to_resolver(&mut self, port: &ResolverPort) -> Result<(), Error> {
        let mut messages = vec![
            add(
                libc::NFT_MSG_NEWTABLE,
                libc::NLM_F_EXCL,
                Object::Table(table().with(sys::NFTNL_TABLE_USERDATA, userdata::comment(COMMENT))),
            ),
            add(libc::NFT_MSG_NEWCHAIN, 0, Object::Chain(chain())),
        ];
        let rule = Attributes::new()
            .with(sys::NFTNL_RULE_TABLE, TABLE)
            .with(sys::NFTNL_RULE_CHAIN, CHAIN);
        messages.extend(SWAPS.iter().map(|swap| {
            let object = Object::Rule(rule.clone(), port.compile(*swap));
            add(libc::NFT_MSG_NEWRULE, libc::NLM_F_APPEND, object)
        }));
        self.change_resolver(&messages, "lead queries to the resolver")
    }

    /// Takes the table away; that there is none is success.
    ///
    /// # Errors
    /// Only if the kernel refuses.
    pub fn forget_resolver(&mut self) -> Result<(), Error> {
        match self.leads_to_resolver()? {
            true => {
                let delete = message(libc::NFT_MSG_DELTABLE, 0, Object::Table(table()));
                self.change_resolver(&[delete], "take away the way to the resolver")
            }
            false => Ok(()),
        }
    }

    /// Whether the namespace has the table.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn leads_to_resolver(&mut self) -> Result<bool, Error> {
        let act = "look for the way to the resolver";
        let question = message(libc::NFT_MSG_GETTABLE, 0, Object::Table(table()));
        let (bytes, next) = batch::single(&question, self.socket.next_seq());
        let answer = self.socket.exchange(&bytes, next);
        let answer = answer.map_err(|errno| Error::socket(act, errno))?;
        Ok(!answer.messages.is_empty())
    }

    fn change_resolver(&mut self, messages: &[Message], act: &str) -> Result<(), Error> {
        let mut batch = Batch::begin(self.socket.next_seq());
        for message in messages {
            batch.push(message);
        }
        let (bytes, next) = batch.end();
        let answer = self.socket.exchange(&bytes, next);
        let answer = answer.map_err(|errno| Error::socket(act, errno))?;
        match answer.complaints.into_iter().next() {
            Some(complaint) => Err(complaint.into_error(act, "nf_tables rules that write ports")),
            None => Ok(()),
        }
    }
}

fn message(kind: i32, flags: i32, object: Object) -> Message {
    Message {
        kind: kind as u16,
        flags: flags as u16,
        family: libc::NFPROTO_NETDEV as u8,
        object,
    }
}

fn add(kind: i32, flags: i32, object: Object) -> Message {
    message(kind, libc::NLM_F_CREATE | flags, object)
}

fn table() -> Attributes {
    Attributes::new().with(sys::NFTNL_TABLE_NAME, TABLE)
}

fn chain() -> Attributes {
    Attributes::new()
        .with(sys::NFTNL_CHAIN_TABLE, TABLE)
        .with(sys::NFTNL_CHAIN_NAME, CHAIN)
        .with(sys::NFTNL_CHAIN_TYPE, "filter")
        .with(sys::NFTNL_CHAIN_DEV, DEVICE)
        .with(sys::NFTNL_CHAIN_HOOKNUM, NF_NETDEV_INGRESS)
        .with(sys::NFTNL_CHAIN_PRIO, 0u32)
        .with(sys::NFTNL_CHAIN_POLICY, libc::NF_ACCEPT as u32)
}

const REGISTER: u32 = libc::NFT_REG_1 as u32;

fn instruction(name: &'static str, operands: Attributes) -> Instruction {
    Instruction {
        name,
        operands,
        beside: None,
    }
}

fn load(base: i32, offset: u32, len: u32) -> Instruction {
    let operands = Attributes::new()
        .with(sys::NFTNL_EXPR_PAYLOAD_DREG, REGISTER)
        .with(sys::NFTNL_EXPR_PAYLOAD_BASE, base as u32)
        .with(sys::NFTNL_EXPR_PAYLOAD_OFFSET, offset)
        .with(sys::NFTNL_EXPR_PAYLOAD_LEN, len);
    instruction("payload", operands)
}

fn about(key: i32) -> Instruction {
    let operands = Attributes::new()
        .with(sys::NFTNL_EXPR_META_KEY, key as u32)
        .with(sys::NFTNL_EXPR_META_DREG, REGISTER);
    instruction("meta", operands)
}

fn compare(with: &[u8]) -> Instruction {
    let operands = Attributes::new()
        .with(sys::NFTNL_EXPR_CMP_SREG, REGISTER)
        .with(sys::NFTNL_EXPR_CMP_OP, libc::NFT_CMP_EQ as u32)
        .with(sys::NFTNL_EXPR_CMP_DATA, with.to_vec());
    instruction("cmp", operands)
}

fn immediate(bytes: &[u8]) -> Instruction {
    let operands = Attributes::new()
        .with(sys::NFTNL_EXPR_IMM_DREG, REGISTER)
        .with(sys::NFTNL_EXPR_IMM_DATA, bytes.to_vec());
    instruction("immediate", operands)
}

/// Writes the register into the packet, and mends its checksum.
fn store(base: i32, offset: u32, len: u32, checksum: u32) -> Instruction {
    let operands = Attributes::new()
        .with(sys::NFTNL_EXPR_PAYLOAD_SREG, REGISTER)
        .with(sys::NFTNL_EXPR_PAYLOAD_BASE, base as u32)
        .with(sys::NFTNL_EXPR_PAYLOAD_OFFSET, offset)
        .with(sys::NFTNL_EXPR_PAYLOAD_LEN, len)
        .with(sys::NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET)
        .with(sys::NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, checksum);
    instruction("payload", operands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_change_places_in_both_directions() {
        let port = ResolverPort {
            asked: "127.0.0.11:53".parse().unwrap(),
            listens: 1011,
        };
        let text = port.to_nft();
        for rule in [
            "ip daddr 127.0.0.11 udp dport 53 udp dport set 1011\n",
            "ip saddr 127.0.0.11 udp sport 1011 udp sport set 53\n",
            "ip daddr 127.0.0.11 tcp dport 53 tcp dport set 1011\n",
            "ip saddr 127.0.0.11 tcp sport 1011 tcp sport set 53\n",
        ] {
            assert!(text.contains(rule), "{text}");
        }
        for swap in SWAPS {
            let names: Vec<_> = port.compile(swap).iter().map(|i| i.name).collect();
            let last = ["immediate", "payload"];
            assert_eq!(names[names.len() - 2..], last);
        }
    }
}
