//! What an `NLMSG_ERROR` says besides its number.
//!
//! ```text
//! | errno (i32) | header of the refused message (16) | NLMSGERR_ATTR_MSG "text" | … |
//! ```
//!
//! With `NETLINK_CAP_ACK` only the header of the refused message is echoed, so the
//! attributes begin at a fixed place. Source: `netlink_ack` in `net/netlink/af_netlink.c`.

use crate::Refusal;
use netlink_packet_core::{ErrorMessage, NLM_F_ACK_TLVS, NlasIterator};

const ECHOED_HEADER: usize = 16;
/// `NLMSGERR_ATTR_MSG` in `include/uapi/linux/netlink.h`.
const ATTR_MSG: u16 = 1;

/// The verdict of one acknowledgement: `Ok` for errno 0.
pub(super) fn verdict(header_flags: u16, error: &ErrorMessage) -> Result<(), Refusal> {
    let Some(code) = error.code else {
        return Ok(());
    };
    let reason = if header_flags & NLM_F_ACK_TLVS == 0 {
        None
    } else {
        error.header.get(ECHOED_HEADER..).and_then(text)
    };
    Err(Refusal {
        errno: code.get().saturating_abs(),
        reason,
    })
}

/// The text among the attributes that follow the echoed header.
pub(super) fn text(attributes: &[u8]) -> Option<String> {
    NlasIterator::new(attributes)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind() == ATTR_MSG)
        .map(|attribute| {
            String::from_utf8_lossy(attribute.value())
                .trim_end_matches('\0')
                .to_owned()
        })
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroI32;

    fn error(code: i32, header: Vec<u8>) -> ErrorMessage {
        let mut error = ErrorMessage::default();
        error.code = NonZeroI32::new(code);
        error.header = header;
        error
    }

    fn with_text(text: &str) -> Vec<u8> {
        let mut bytes = vec![0; ECHOED_HEADER];
        bytes.extend(u16::try_from(4 + text.len()).unwrap().to_ne_bytes());
        bytes.extend(ATTR_MSG.to_ne_bytes());
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn errno_zero_is_an_acknowledgement() {
        assert_eq!(verdict(0, &error(0, vec![0; ECHOED_HEADER])), Ok(()));
    }

    #[test]
    fn the_kernels_text_is_kept() {
        let refusal = verdict(
            NLM_F_ACK_TLVS,
            &error(-22, with_text("Unknown device type\0")),
        )
        .unwrap_err();
        assert_eq!(refusal.errno, 22);
        assert_eq!(refusal.reason.as_deref(), Some("Unknown device type"));
    }

    #[test]
    fn without_the_flag_the_rest_is_an_echo_and_no_text() {
        let refusal = verdict(0, &error(-22, with_text("payload"))).unwrap_err();
        assert_eq!(refusal.reason, None);
    }

    #[test]
    fn cut_off_attributes_are_no_text() {
        let mut bytes = with_text("some words");
        bytes.truncate(ECHOED_HEADER + 6);
        assert_eq!(
            verdict(NLM_F_ACK_TLVS, &error(-1, bytes))
                .unwrap_err()
                .reason,
            None
        );
        assert_eq!(
            verdict(NLM_F_ACK_TLVS, &error(-1, vec![1, 2])).unwrap_err(),
            Refusal {
                errno: 1,
                reason: None
            }
        );
    }
}
