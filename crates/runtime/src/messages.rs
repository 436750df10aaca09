//! Messages between processes of minet's: JSON, one to a packet, and perhaps an open file.

use minet_netns::{receive_message, send_message};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

/// Sends a message over a sequenced-packet socket.
pub(crate) fn send(
    line: BorrowedFd<'_>,
    message: &impl Serialize,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    send_message(line, &bytes, descriptor)
}

/// Takes the next message, which is no longer than `space`. None means that the other side has
/// closed the line.
pub(crate) fn receive<T: DeserializeOwned>(
    line: BorrowedFd<'_>,
    space: &mut [u8],
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let (length, descriptor) = receive_message(line, space)?;
    match length {
        0 => Ok(None),
        _ => Ok(Some((
            serde_json::from_slice(&space[..length])?,
            descriptor,
        ))),
    }
}
