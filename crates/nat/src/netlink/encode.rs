//! From a command to the message that carries it out.

use super::bytecode::compile;
use super::message::{Attributes, Message, Object};
use super::userdata;
use crate::command::{Command, IfPresent};
use crate::table::{
    Base, ByteOrder, Chain, DataType, Element, Rule, Set, Shape, TABLE, Value, concat_bytes,
    concat_len, type_id,
};
use nftnl::nftnl_sys::{self as sys, libc};

/// `NFT_SET_CONCAT` of the kernel's `nf_tables.h`, which the libc crate does not have yet.
const NFT_SET_CONCAT: i32 = 0x80;

/// The family of minet's table.
const INET: u8 = libc::NFPROTO_INET as u8;

/// The message that carries out the command.
pub(crate) fn encode(command: &Command) -> Message {
    match command {
        Command::AddTable { comment } => add(
            libc::NFT_MSG_NEWTABLE,
            libc::NLM_F_EXCL,
            Object::Table(table().with(sys::NFTNL_TABLE_USERDATA, userdata::comment(comment))),
        ),
        Command::DeleteTable => delete(libc::NFT_MSG_DELTABLE, Object::Table(table())),
        Command::AddSet { set, id } => add(
            libc::NFT_MSG_NEWSET,
            0,
            Object::Set(set_attributes(set, *id)),
        ),
        Command::AddChain(chain) => add(
            libc::NFT_MSG_NEWCHAIN,
            0,
            Object::Chain(chain_attributes(chain)),
        ),
        Command::AddRule { chain, rule } => add(
            libc::NFT_MSG_NEWRULE,
            libc::NLM_F_APPEND,
            Object::Rule(rule_attributes(chain, rule), compile(rule)),
        ),
        Command::AddElement {
            set,
            element,
            if_present,
        } => add(
            libc::NFT_MSG_NEWSETELEM,
            match if_present {
                IfPresent::Keep => 0,
                IfPresent::Fail => libc::NLM_F_EXCL,
            },
            Object::Elements(elements_of(&set.name), element_attributes(set, element)),
        ),
        Command::DeleteElement { set, element } => delete(
            libc::NFT_MSG_DELSETELEM,
            Object::Elements(elements_of(&set.name), element_keys(set, element)),
        ),
    }
}

/// Asks for the table itself.
pub(crate) fn get_table() -> Message {
    Message {
        kind: libc::NFT_MSG_GETTABLE as u16,
        flags: 0,
        family: INET,
        object: Object::Table(table()),
    }
}

/// Asks for one element by its key.
pub(crate) fn get_element(set: &Set, element: &Element) -> Message {
    Message {
        kind: libc::NFT_MSG_GETSETELEM as u16,
        flags: 0,
        family: INET,
        object: Object::Elements(elements_of(&set.name), element_keys(set, element)),
    }
}

/// Asks for every element of a set.
pub(crate) fn dump_elements(set: &Set) -> Message {
    dump(
        libc::NFT_MSG_GETSETELEM,
        Object::Elements(elements_of(&set.name), Vec::new()),
    )
}

/// Asks for every set of the table.
pub(crate) fn dump_sets() -> Message {
    let table = Attributes::new().with(sys::NFTNL_SET_TABLE, TABLE);
    dump(libc::NFT_MSG_GETSET, Object::Set(table))
}

/// Asks for every chain; the kernel cannot be asked for those of one table.
pub(crate) fn dump_chains() -> Message {
    dump(libc::NFT_MSG_GETCHAIN, Object::Chain(Attributes::new()))
}

/// Asks for every rule of the table.
pub(crate) fn dump_rules() -> Message {
    let table = Attributes::new().with(sys::NFTNL_RULE_TABLE, TABLE);
    dump(libc::NFT_MSG_GETRULE, Object::Rule(table, Vec::new()))
}

/// Puts elements back as they were read; several fit into one message.
pub(crate) fn put_back(set: &str, elements: Vec<Attributes>) -> Message {
    add(
        libc::NFT_MSG_NEWSETELEM,
        0,
        Object::Elements(elements_of(set), elements),
    )
}

/// Takes elements away that were read before.
pub(crate) fn take_away(set: &str, elements: Vec<Attributes>) -> Message {
    delete(
        libc::NFT_MSG_DELSETELEM,
        Object::Elements(elements_of(set), elements),
    )
}

/// The key of an element, as the kernel tells it.
pub(crate) fn raw_key(element: &Element) -> Vec<u8> {
    concat_bytes(&element.key, Value::first_bytes)
}

/// The data of an element, as the kernel tells it.
pub(crate) fn raw_data(element: &Element) -> Vec<u8> {
    concat_bytes(&element.data, Value::first_bytes)
}

fn dump(kind: i32, object: Object) -> Message {
    Message {
        kind: kind as u16,
        flags: libc::NLM_F_DUMP as u16,
        family: INET,
        object,
    }
}

fn add(kind: i32, flags: i32, object: Object) -> Message {
    Message {
        kind: kind as u16,
        flags: (libc::NLM_F_CREATE | flags) as u16,
        family: INET,
        object,
    }
}

fn delete(kind: i32, object: Object) -> Message {
    Message {
        kind: kind as u16,
        flags: 0,
        family: INET,
        object,
    }
}

fn table() -> Attributes {
    Attributes::new().with(sys::NFTNL_TABLE_NAME, TABLE)
}

fn elements_of(set: &str) -> Attributes {
    Attributes::new()
        .with(sys::NFTNL_SET_TABLE, TABLE)
        .with(sys::NFTNL_SET_NAME, set)
}

fn set_attributes(set: &Set, id: u32) -> Attributes {
    let is_range_of_several = set.shape == Shape::Interval && set.key.len() > 1;
    let mut flags = match set.shape {
        Shape::Exact => 0,
        Shape::Interval => libc::NFT_SET_INTERVAL,
        Shape::Counted => libc::NFT_SET_EVAL,
    };
    if is_range_of_several {
        flags |= NFT_SET_CONCAT;
    }
    let is_map = !set.data.is_empty();
    if is_map {
        flags |= libc::NFT_SET_MAP;
    }
    let mut attributes = elements_of(&set.name)
        .with(sys::NFTNL_SET_FLAGS, flags as u32)
        .with(sys::NFTNL_SET_ID, id)
        .with(sys::NFTNL_SET_KEY_TYPE, type_id(&set.key))
        .with(sys::NFTNL_SET_KEY_LEN, concat_len(&set.key));
    if set.shape == Shape::Counted {
        attributes = attributes.with(sys::NFTNL_SET_DESC_SIZE, 65535);
    }
    if is_map {
        attributes = attributes
            .with(sys::NFTNL_SET_DATA_TYPE, type_id(&set.data))
            .with(sys::NFTNL_SET_DATA_LEN, concat_len(&set.data));
    }
    if is_range_of_several {
        // The ranges of each field are matched on their own, so the kernel must know where
        // one field ends.
        let lengths = set
            .key
            .iter()
            .map(|field| field.bytes() as u8)
            .collect::<Vec<_>>();
        attributes = attributes.with(sys::NFTNL_SET_DESC_CONCAT, lengths);
    }
    let data = is_map.then(|| byte_order(&set.data));
    let notes = userdata::set(byte_order(&set.key), data, &set.comment);
    attributes.with(sys::NFTNL_SET_USERDATA, notes)
}

fn byte_order(fields: &[DataType]) -> ByteOrder {
    match fields {
        [one] => one.byte_order(),
        _ => ByteOrder::Mixed,
    }
}

fn chain_attributes(chain: &Chain) -> Attributes {
    let attributes = Attributes::new()
        .with(sys::NFTNL_CHAIN_TABLE, TABLE)
        .with(sys::NFTNL_CHAIN_NAME, chain.name)
        .with(sys::NFTNL_CHAIN_USERDATA, userdata::comment(chain.comment));
    let Some(Base {
        kind,
        hook,
        priority,
    }) = chain.base
    else {
        return attributes;
    };
    attributes
        .with(sys::NFTNL_CHAIN_TYPE, kind.name())
        .with(sys::NFTNL_CHAIN_HOOKNUM, hook as u32)
        .with(sys::NFTNL_CHAIN_PRIO, priority as i32 as u32)
        .with(sys::NFTNL_CHAIN_POLICY, libc::NF_ACCEPT as u32)
}

fn rule_attributes(chain: &str, rule: &Rule) -> Attributes {
    let attributes = Attributes::new()
        .with(sys::NFTNL_RULE_TABLE, TABLE)
        .with(sys::NFTNL_RULE_CHAIN, chain);
    match rule.comment.is_empty() {
        true => attributes,
        false => attributes.with(sys::NFTNL_RULE_USERDATA, userdata::comment(rule.comment)),
    }
}

/// The element with all that belongs to it.
fn element_attributes(set: &Set, element: &Element) -> Vec<Attributes> {
    let mut parts = element_keys(set, element);
    let mut first = std::mem::take(&mut parts[0]);
    if !element.data.is_empty() {
        let data = concat_bytes(&element.data, Value::first_bytes);
        first = first.with(sys::NFTNL_SET_ELEM_DATA, data);
    }
    if !element.comment.is_empty() {
        let notes = userdata::comment(&element.comment);
        first = first.with(sys::NFTNL_SET_ELEM_USERDATA, notes);
    }
    parts[0] = first;
    parts
}

/// The element's key: one value, a range from first to last, or, in the tree that holds
/// ranges of a single field, the first value and the one after the last.
fn element_keys(set: &Set, element: &Element) -> Vec<Attributes> {
    let first = concat_bytes(&element.key, Value::first_bytes);
    let last = concat_bytes(&element.key, Value::last_bytes);
    let key = Attributes::new().with(sys::NFTNL_SET_ELEM_KEY, first);
    match (set.shape, element.key.len()) {
        (Shape::Exact | Shape::Counted, _) => vec![key],
        (Shape::Interval, 1) => {
            let end = Attributes::new()
                .with(sys::NFTNL_SET_ELEM_KEY, successor(last))
                .with(
                    sys::NFTNL_SET_ELEM_FLAGS,
                    libc::NFT_SET_ELEM_INTERVAL_END as u32,
                );
            vec![key, end]
        }
        (Shape::Interval, _) => vec![key.with(sys::NFTNL_SET_ELEM_KEY_END, last)],
    }
}

/// The number after this one, big-endian.
fn successor(mut number: Vec<u8>) -> Vec<u8> {
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_after_carries() {
        assert_eq!(successor(vec![172, 17, 255, 255]), [172, 18, 0, 0]);
        assert_eq!(successor(vec![10, 0, 0, 7]), [10, 0, 0, 8]);
    }
}
