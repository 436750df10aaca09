//! The elements of all sets and maps as they stand in the kernel, whoever put them there.

use crate::change::Change;
use crate::command::Command;
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes as Read, Incoming};
use crate::netlink::batch::Batch;
use crate::netlink::encode::{dump_elements, get_element, raw_data, raw_key, take_away};
use crate::netlink::message::{Attributes, Message};
use crate::netlink::userdata;
use crate::table::{DataType, Element, Set, Shape, Transit, layout};
use minet_model::IfName;
use nftnl::nftnl_sys as sys;
use nix::errno::Errno;
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const LIST_ELEMENTS: u16 = 3;
const KEY: u16 = 1;
const DATA: u16 = 2;
const FLAGS: u16 = 3;
const USERDATA: u16 = 6;
const KEY_END: u16 = 10;
const VALUE: u16 = 1;
/// `NFT_SET_ELEM_INTERVAL_END`: this one only says where a range ends.
const INTERVAL_END: u32 = 1;

/// One element as the kernel returns it, complete enough to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawElement {
    key: Vec<u8>,
    key_end: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    flags: u32,
}

/// An element that stands in a set or a map of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The set or map.
    pub set: String,
    /// Whose it is, as its comment says.
    pub owner: Owner,
    /// The interfaces that its key names.
    pub interfaces: Vec<IfName>,
    /// The first address in its data or, without data, in its key.
    pub address: Option<IpAddr>,
    /// The key, and, of a range that takes two elements, the end.
    raw: Vec<RawElement>,
}

/// Whose an element is, as its comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A network's.
    Network(String),
    /// A container's: its name, and the short form of its identity.
    Container(String, String),
    /// Nothing is said, or nothing that minet says.
    Unknown,
}

/// Which elements some changes make.
#[derive(Debug, Default)]
pub struct Expected(HashSet<(String, Vec<u8>)>);

impl Expected {
    /// The elements of these.
    pub fn of(changes: &[Change]) -> Self {
        let added = changes.iter().flat_map(added);
        Expected(
            added
                .map(|(set, element)| (set.name, raw_key(&element)))
                .collect(),
        )
    }

    /// Whether this is one of them.
    pub fn includes(&self, standing: &Standing) -> bool {
        let key = standing.raw[0].key.clone();
        self.0.contains(&(standing.set.clone(), key))
    }
}

fn added(change: &Change) -> Vec<(Set, Element)> {
    let element = |command| match command {
        Command::AddElement { set, element, .. } => Some((set, element)),
        _ => None,
    };
    change.commands().into_iter().filter_map(element).collect()
}

impl Firewall {
    /// What of these changes the kernel does not have, or has otherwise; an element each,
    /// as `nft` writes it. One question per element, however many there are.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn lacks(&mut self, changes: &[Change]) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for (set, element) in changes.iter().flat_map(added) {
            let answer = self.ask(&get_element(&set, &element), "look for an element")?;
            let data = (!element.data.is_empty()).then(|| raw_data(&element));
            let is_it = |found: &RawElement| {
                found.key == raw_key(&element) && found.flags == 0 && found.data == data
            };
            if !answer
                .iter()
                .flat_map(raw_elements)
                .any(|found| is_it(&found))
            {
                missing.push(format!("{} {{ {} }}", set.name, element.key_to_nft()));
            }
        }
        Ok(missing)
    }

    /// Every element of every set and map of the table that minet knows.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn standing(&mut self) -> Result<Vec<Standing>, Error> {
        let mut all = Vec::new();
        // What rules add themselves belongs to nobody, and goes by itself.
        let put_there = |set: &Set| set.shape != Shape::Counted;
        let sets = layout(Transit::Untouched).sets;
        for set in sets.into_iter().filter(put_there) {
            let elements = self.raw_elements_of(&set)?;
            all.extend(gather(&set, elements));
        }
        Ok(all)
    }

    /// Takes these elements away, each on its own; what is gone already is gone.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn discard(&mut self, elements: &[Standing]) -> Result<(), Error> {
        for element in elements {
            let raw = element.raw.iter().map(RawElement::key_alone).collect();
            self.transact(&[take_away(&element.set, raw)], &[Errno::ENOENT])?;
        }
        Ok(())
    }

    /// One transaction of messages; these errors mean that it is done already.
    pub(crate) fn transact(&mut self, messages: &[Message], fine: &[Errno]) -> Result<(), Error> {
        const ACT: &str = "change table inet minet";
        let mut batch = Batch::begin(self.socket.next_seq());
        for message in messages {
            batch.push(message);
        }
        let (bytes, next_seq) = batch.end();
        self.deleted = Some(Instant::now());
        let answer = self.socket.exchange(&bytes, next_seq);
        let answer = answer.map_err(|errno| Error::socket(ACT, errno))?;
        let mut serious = answer.complaints.into_iter();
        match serious.find(|complaint| !fine.contains(&complaint.errno)) {
            Some(complaint) => Err(complaint.into_error(ACT, "nftables")),
            None => Ok(()),
        }
    }

    pub(crate) fn raw_elements_of(&mut self, set: &Set) -> Result<Vec<RawElement>, Error> {
        let answer = self.dump(&dump_elements(set), "list the elements of a set")?;
        Ok(answer.iter().flat_map(raw_elements).collect())
    }
}

impl RawElement {
    /// All of it, to be put back.
    pub(crate) fn whole(&self) -> Attributes {
        let mut attributes = self.key_alone();
        if let Some(data) = &self.data {
            attributes = attributes.with(sys::NFTNL_SET_ELEM_DATA, data.clone());
        }
        if let Some(notes) = &self.notes {
            attributes = attributes.with(sys::NFTNL_SET_ELEM_USERDATA, notes.clone());
        }
        attributes
    }

    fn key_alone(&self) -> Attributes {
        let mut key = Attributes::new().with(sys::NFTNL_SET_ELEM_KEY, self.key.clone());
        if let Some(end) = &self.key_end {
            key = key.with(sys::NFTNL_SET_ELEM_KEY_END, end.clone());
        }
        if self.flags & INTERVAL_END != 0 {
            key = key.with(sys::NFTNL_SET_ELEM_FLAGS, INTERVAL_END);
        }
        key
    }

    fn ends_a_range(&self) -> bool {
        self.flags & INTERVAL_END != 0
    }
}

/// The elements in one message.
fn raw_elements(message: &Incoming) -> Vec<RawElement> {
    let Some(list) = message.attributes().inside(LIST_ELEMENTS) else {
        return Vec::new();
    };
    let value = |element: Read<'_>, kind| {
        let value = element.inside(kind).and_then(|data| data.get(VALUE));
        value.map(<[u8]>::to_vec)
    };
    let read = |(_, bytes)| {
        let element = Read(bytes);
        let flags = element.get(FLAGS).and_then(|flags| flags.try_into().ok());
        Some(RawElement {
            key: value(element, KEY)?,
            key_end: value(element, KEY_END),
            data: value(element, DATA),
            notes: element.get(USERDATA).map(<[u8]>::to_vec),
            flags: u32::from_be_bytes(flags.unwrap_or_default()),
        })
    };
    list.filter_map(read).collect()
}

/// The elements of a set, a range with its end.
fn gather(set: &Set, elements: Vec<RawElement>) -> Vec<Standing> {
    let mut ends: Vec<RawElement> = elements
        .iter()
        .filter(|element| element.ends_a_range())
        .cloned()
        .collect();
    ends.sort_by(|a, b| a.key.cmp(&b.key));
    let starts = elements
        .into_iter()
        .filter(|element| !element.ends_a_range());
    starts
        .map(|start| {
            let is_split = set.shape == Shape::Interval && start.key_end.is_none();
            let end = ends.iter().find(|end| is_split && end.key > start.key);
            Standing {
                set: set.name.clone(),
                owner: owner(&start),
                interfaces: interfaces(set, &start.key),
                address: address(set, &start),
                raw: [Some(start), end.cloned()].into_iter().flatten().collect(),
            }
        })
        .collect()
}

fn owner(element: &RawElement) -> Owner {
    let comment = element.notes.as_deref().and_then(userdata::read_comment);
    let Some(comment) = comment else {
        return Owner::Unknown;
    };
    if let Some(network) = comment.strip_prefix("network ") {
        return Owner::Network(network.to_owned());
    }
    match crate::publication::owner_in(&comment) {
        Some((name, id)) => Owner::Container(name, id),
        None => Owner::Unknown,
    }
}

/// The fields of a key, each with its type.
fn fields<'a>(types: &'a [DataType], bytes: &'a [u8]) -> Vec<(DataType, &'a [u8])> {
    let mut at = 0;
    let mut found = Vec::new();
    for field in types {
        let len = field.bytes() as usize;
        found.extend(bytes.get(at..at + len).map(|value| (*field, value)));
        at += field.padded_len() as usize;
    }
    found
}

fn interfaces(set: &Set, key: &[u8]) -> Vec<IfName> {
    let name = |bytes: &[u8]| {
        let name = bytes.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(name).ok()?.parse().ok()
    };
    let fields = fields(&set.key, key).into_iter();
    fields
        .filter(|(kind, _)| *kind == DataType::Ifname)
        .filter_map(|(_, bytes)| name(bytes))
        .collect()
}

fn address(set: &Set, element: &RawElement) -> Option<IpAddr> {
    let fields = match &element.data {
        Some(data) => fields(&set.data, data),
        None => fields(&set.key, &element.key),
    };
    let of = |(kind, bytes): &(DataType, &[u8])| match kind {
        DataType::Ipv4Addr => <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from),
        DataType::Ipv6Addr => <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from),
        _ => None,
    };
    fields.iter().find_map(of)
}
