//! Notes that `nft` keeps beside objects: type, length, value, one byte for the first two.
//!
//! The kernel stores them unread. `nft` prints comments from them, and knows by
//! `KEYBYTEORDER` how to print a set's keys.

use crate::table::ByteOrder;
use nftnl::nftnl_sys as sys;

/// A comment on a table, a chain, a rule or an element: there its number is always 0.
pub(crate) fn comment(text: &str) -> Vec<u8> {
    let mut notes = Vec::new();
    push_text(&mut notes, sys::NFTNL_UDATA_RULE_COMMENT, text);
    notes
}

/// The notes on a set or a map.
pub(crate) fn set(key: ByteOrder, data: Option<ByteOrder>, comment: &str) -> Vec<u8> {
    let mut notes = Vec::new();
    push_order(&mut notes, sys::NFTNL_UDATA_SET_KEYBYTEORDER, key);
    if let Some(data) = data {
        push_order(&mut notes, sys::NFTNL_UDATA_SET_DATABYTEORDER, data);
    }
    push_text(&mut notes, sys::NFTNL_UDATA_SET_COMMENT, comment);
    notes
}

/// The comment among the notes on an element, if there is one.
pub(crate) fn read_comment(notes: &[u8]) -> Option<String> {
    let mut rest = notes;
    while let [kind, len, tail @ ..] = rest {
        let value = tail.get(..usize::from(*len))?;
        if u32::from(*kind) == sys::NFTNL_UDATA_SET_ELEM_COMMENT {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return String::from_utf8(text.to_vec()).ok();
        }
        rest = &tail[usize::from(*len)..];
    }
    None
}

fn push_order(notes: &mut Vec<u8>, kind: u32, order: ByteOrder) {
    push(notes, kind, &(order as u32).to_ne_bytes());
}

fn push_text(notes: &mut Vec<u8>, kind: u32, text: &str) {
    push(notes, kind, &[text.as_bytes(), &[0]].concat());
}

fn push(notes: &mut Vec<u8>, kind: u32, value: &[u8]) {
    notes.push(u8::try_from(kind).expect("the kinds are small"));
    notes.push(u8::try_from(value.len()).expect("comments are at most 128 bytes"));
    notes.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_type_length_text_and_nul() {
        assert_eq!(comment("web"), *b"\x00\x04web\x00");
        assert_eq!(read_comment(b"\x00\x04web\x00").as_deref(), Some("web"));
    }

    #[test]
    fn a_comment_is_found_behind_other_notes_and_never_past_the_end() {
        let behind = b"\x01\x04\x01\x00\x00\x00\x00\x04web\x00";
        assert_eq!(read_comment(behind).as_deref(), Some("web"));
        for cut in 0..behind.len() {
            assert_eq!(read_comment(&behind[..cut]), None);
        }
    }

    #[test]
    fn a_set_notes_the_order_of_its_keys() {
        let notes = set(ByteOrder::Host, None, "c");
        assert_eq!(notes[..2], [0, 4]);
        assert_eq!(notes[2..6], 1u32.to_ne_bytes());
        assert_eq!(notes[6..], *b"\x07\x02c\x00");
    }
}
