//! Questions to the table. By key each costs one round trip, however much there is.

use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes, Incoming};
use crate::netlink::encode::{dump_elements, get_element, get_table};
use crate::netlink::message::Message;
use crate::netlink::{batch, userdata};
use crate::publication::{Installed, family_of, key_of, map_of, owner_in};
use crate::table::{DataType, Element, FAMILIES, Family, IPV6, Set, Value, any_layout};
use minet_model::{IfName, Protocol, PublishedPort};
use nix::errno::Errno;
use nix::libc;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const LIST_ELEMENTS: u16 = 3;
const KEY: u16 = 1;
const DATA: u16 = 2;
const USERDATA: u16 = 6;
const VALUE: u16 = 1;

/// How often a listing is begun anew because something changed meanwhile.
const ATTEMPTS: usize = 16;

/// One element as the kernel returns it.
struct Entry {
    key: Vec<u8>,
    data: Vec<u8>,
    comment: Option<String>,
}

impl Firewall {
    /// Whether there is a table `inet minet`, whatever is in it.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn table_is_installed(&mut self) -> Result<bool, Error> {
        let answer = self.ask(&get_table(), "look for table inet minet")?;
        Ok(!answer.is_empty())
    }

    /// Whether the network of this bridge is in the table; not so if there is no table.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn network_is_installed(&mut self, bridge: &IfName) -> Result<bool, Error> {
        let key = vec![Value::Ifname(bridge.clone())];
        let found = self.get(&set("bridges"), key, "look for a network")?;
        Ok(found.is_some())
    }

    /// Where this host port leads to, if it is published.
    ///
    /// Only protocol, host address and host port of `port` are looked at.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn publication(&mut self, port: &PublishedPort) -> Result<Option<Installed>, Error> {
        let map = map_of(any_layout(), port);
        let entry = self.get(&map, key_of(port), "look for a published port")?;
        Ok(entry.and_then(|entry| installed(family_of(port.host_ip), &entry)))
    }

    /// Whether this edge is open.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn edge_is_open(&mut self, edge: &crate::Edge) -> Result<bool, Error> {
        let found = self.get(&set(&edge.set_name()), edge.key(), "look for an edge")?;
        Ok(found.is_some())
    }

    /// The bridges of all networks in the table; none if there is no table.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn networks(&mut self) -> Result<Vec<IfName>, Error> {
        self.interfaces_in("bridges")
    }

    /// The interfaces that a set holds; none if there is no table.
    pub(crate) fn interfaces_in(&mut self, name: &str) -> Result<Vec<IfName>, Error> {
        let entries = self.elements(&set(name), "list interfaces")?;
        Ok(entries.iter().filter_map(|e| ifname(&e.key)).collect())
    }

    /// The bridges of those networks in the table that have IPv6.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn networks6(&mut self) -> Result<Vec<IfName>, Error> {
        let home = set(&IPV6.set("home"));
        let entries = self.elements(&home, "list the networks with IPv6")?;
        // Subnet, then bridge.
        let bridge = |entry: &Entry| ifname(entry.key.get(16..)?);
        Ok(entries.iter().filter_map(bridge).collect())
    }

    /// All published ports in the table; none if there is no table.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn publications(&mut self) -> Result<Vec<Installed>, Error> {
        let mut all = Vec::new();
        for family in FAMILIES {
            for map in ["publish", "publish_at"] {
                let entries = self.elements(&set(&family.set(map)), "list the published ports")?;
                all.extend(entries.iter().filter_map(|entry| installed(family, entry)));
            }
        }
        Ok(all)
    }

    fn elements(&mut self, set: &Set, act: &str) -> Result<Vec<Entry>, Error> {
        let answer = self.dump(&dump_elements(set), act)?;
        Ok(answer.iter().flat_map(entries).collect())
    }

    fn get(&mut self, set: &Set, key: Vec<Value>, act: &str) -> Result<Option<Entry>, Error> {
        let element = Element {
            key,
            data: Vec::new(),
            comment: String::new(),
        };
        let answer = self.ask(&get_element(set, &element), act)?;
        Ok(answer.iter().flat_map(entries).next())
    }

    /// Everything that is to be told, as it was at one moment.
    pub(crate) fn dump(&mut self, question: &Message, act: &str) -> Result<Vec<Incoming>, Error> {
        for _ in 0..ATTEMPTS {
            let answer = self.ask(question, act)?;
            let disturbed = |m: &Incoming| m.flags & libc::NLM_F_DUMP_INTR as u16 != 0;
            if !answer.iter().any(disturbed) {
                return Ok(answer);
            }
        }
        Err(Error::Refused {
            act: act.to_owned(),
            words: Some("it changes faster than it can be read".to_owned()),
            source: Errno::EBUSY,
        })
    }

    /// One question; what is not there, be it the table, is an empty answer.
    pub(crate) fn ask(&mut self, question: &Message, act: &str) -> Result<Vec<Incoming>, Error> {
        let (bytes, next_seq) = batch::single(question, self.socket.next_seq());
        let answer = self.socket.exchange(&bytes, next_seq);
        let answer = answer.map_err(|errno| Error::socket(act, errno))?;
        match answer.complaints.into_iter().next() {
            None => Ok(answer.messages),
            Some(complaint) if complaint.errno == Errno::ENOENT => Ok(Vec::new()),
            Some(complaint) => Err(complaint.into_error(act, "nftables")),
        }
    }
}

fn set(name: &str) -> Set {
    crate::table_set(any_layout(), name)
}

/// The elements in one message.
fn entries(message: &Incoming) -> Vec<Entry> {
    let Some(list) = message.attributes().inside(LIST_ELEMENTS) else {
        return Vec::new();
    };
    let value = |element: Attributes<'_>, kind| {
        let value = element.inside(kind).and_then(|data| data.get(VALUE));
        value.unwrap_or_default().to_vec()
    };
    list.map(|(_, bytes)| Attributes(bytes))
        .map(|element| Entry {
            key: value(element, KEY),
            data: value(element, DATA),
            comment: element.get(USERDATA).and_then(userdata::read_comment),
        })
        .collect()
}

/// Reads an element of one of a family's two maps, which differ by the address in front.
fn installed(family: &Family, entry: &Entry) -> Option<Installed> {
    let length = family.address.bytes() as usize;
    let (host_ip, rest) = match entry.key.len() {
        8 => (unspecified(family), &entry.key[..]),
        _ => (address(family, &entry.key)?, entry.key.get(length..)?),
    };
    let protocol = match rest.first()? {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        132 => Protocol::Sctp,
        _ => return None,
    };
    let port = PublishedPort {
        protocol,
        container_port: port(entry.data.get(length..length + 2)?),
        host_ip,
        host_port: port(rest.get(4..6)?),
    };
    let owner = entry.comment.as_deref().and_then(owner_in);
    let (owner, owner_id) = owner.unzip();
    Some(Installed {
        port,
        container: address(family, &entry.data)?,
        owner,
        owner_id,
    })
}

fn unspecified(family: &Family) -> IpAddr {
    match family.address {
        DataType::Ipv6Addr => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    }
}

fn address(family: &Family, bytes: &[u8]) -> Option<IpAddr> {
    match family.address {
        DataType::Ipv6Addr => {
            let octets: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
            Some(octets.into())
        }
        _ => {
            let octets: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
            Some(octets.into())
        }
    }
}

fn port(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

fn ifname(bytes: &[u8]) -> Option<IfName> {
    let name = bytes.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(name).ok()?.parse().ok()
}
