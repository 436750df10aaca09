//! Netlink messages and attributes, written and read byte by byte.
//!
//! A message is a header of 16 bytes (length, type, flags, number, port), nfnetlink's own
//! header of 4 (family, version, resource) and attributes: length, type, value, padded to 4.

use nix::libc;

/// A header for a message whose attributes follow.
pub(crate) fn header(kind: u16, flags: u16, seq: u32, family: u8, resource: u16) -> Vec<u8> {
    let flags = libc::NLM_F_REQUEST as u16 | flags;
    let mut bytes = vec![0; 4];
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(seq.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend([family, libc::NFNETLINK_V0 as u8]);
    bytes.extend(resource.to_be_bytes());
    bytes
}

/// Fills in the length of a message.
pub(crate) fn finish(mut message: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(message.len()).expect("a message is shorter than 4 GiB");
    message[..4].copy_from_slice(&len.to_ne_bytes());
    message
}

/// Appends one attribute.
pub(crate) fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(4 + value.len()).expect("an attribute is shorter than 64 KiB");
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Appends an attribute that holds attributes.
pub(crate) fn nest(message: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    fill(&mut inner);
    put(message, kind | libc::NLA_F_NESTED as u16, &inner);
}

/// One message that came from the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// Type.
    pub(crate) kind: u16,
    /// Flags.
    pub(crate) flags: u16,
    /// The number of the message that it answers.
    pub(crate) seq: u32,
    /// What follows the 16 bytes of the header.
    pub(crate) payload: Vec<u8>,
}

impl Incoming {
    /// The attributes behind nfnetlink's own header.
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes(self.payload.get(4..).unwrap_or_default())
    }
}

/// The messages in a datagram; stops at the first that is cut short.
pub(crate) fn messages(mut datagram: &[u8]) -> Vec<Incoming> {
    let mut found = Vec::new();
    while let Some(header) = datagram.get(..16) {
        let len = u32_at(header, 0) as usize;
        let Some(payload) = datagram.get(16..len) else {
            break;
        };
        found.push(Incoming {
            kind: u16_at(header, 4),
            flags: u16_at(header, 6),
            seq: u32_at(header, 8),
            payload: payload.to_vec(),
        });
        datagram = datagram.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// Attributes in a row; stops at the first that is cut short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this type.
    pub(crate) fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }

    /// The attributes inside the first attribute of this type.
    pub(crate) fn inside(self, kind: u16) -> Option<Attributes<'a>> {
        self.get(kind).map(Attributes)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.get(..4)?;
        let len = usize::from(u16_at(header, 0));
        let kind =
            u16_at(header, 2) & !(libc::NLA_F_NESTED as u16 | libc::NLA_F_NET_BYTEORDER as u16);
        let value = self.0.get(4..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

/// Four bytes as a number in the machine's order; 0 where there are fewer.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_ne_bytes(four.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut message = header(7, 0, 3, 2, 0);
        put(&mut message, 1, b"abc");
        nest(&mut message, 2, |inner| put(inner, 5, &[9]));
        let message = messages(&finish(message)).remove(0);
        assert_eq!((message.kind, message.seq), (7, 3));
        assert_eq!(message.attributes().get(1), Some(&b"abc"[..]));
        let inner = message.attributes().inside(2).unwrap();
        assert_eq!(inner.get(5), Some(&[9][..]));
        assert_eq!(inner.get(1), None);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut message = header(7, 0, 3, 2, 0);
        put(&mut message, 1, b"abcdefgh");
        let message = finish(message);
        for cut in 0..message.len() {
            assert_eq!(messages(&message[..cut]), []);
        }
        for cut in 0..12 {
            assert_eq!(Attributes(&message[20..20 + cut]).get(1), None);
        }
        // A length of zero must not be read for ever.
        assert_eq!(messages(&[0; 32]), []);
        assert_eq!(Attributes(&[0; 32]).count(), 0);
    }
}
