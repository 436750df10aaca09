//! Reading whole lists.

use super::{Rtnl, ack, is_stale, receive::Answer, unexpected};
use crate::{Cause, Refusal};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use std::{thread, time::Duration};

/// How often a list is read before its reader gives up: on a machine where a hundred
/// containers come and go, something changes every other millisecond.
const READINGS: u32 = 100;

/// So often at once, and then with a pause before each.
const EAGER: u32 = 5;
const PAUSE: Duration = Duration::from_millis(1);

impl Rtnl {
    /// Reads a whole list, again if it changed meanwhile.
    ///
    /// While the kernel hands out a long list piece by piece, links come and go; then it
    /// marks the pieces with `NLM_F_DUMP_INTR`, and entries may be missing or doubled.
    pub(crate) fn dump(
        &mut self,
        question: &RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, Cause> {
        for reading in 0..READINGS {
            if reading >= EAGER {
                thread::sleep(PAUSE);
            }
            match self.dump_once(question.clone()) {
                Ok(Reading::Complete(list)) => return Ok(list),
                Ok(Reading::Interrupted) => {}
                Err(cause) => {
                    // Pieces may still be coming, and as long as they do, the kernel
                    // answers the next dump on this socket with EBUSY.
                    self.inbox.discard(&self.socket);
                    return Err(cause);
                }
            }
        }
        Err(Cause::Unsteady { attempts: READINGS })
    }

    fn dump_once(&mut self, question: RouteNetlinkMessage) -> Result<Reading, Cause> {
        let mut bytes = Vec::with_capacity(64);
        // Never NLM_F_ACK: a dump ends with NLMSG_DONE, and an acknowledgement would be
        // left in the queue for the next request to trip over.
        self.append(&mut bytes, question, NLM_F_REQUEST | NLM_F_DUMP);
        self.send(&bytes)?;
        let mut list = Vec::new();
        let mut interrupted = false;
        loop {
            let answers = match self.inbox.receive(&self.socket) {
                // The queue overflowed and pieces are lost: drop the rest, read again.
                Err(Cause::Socket(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.inbox.discard(&self.socket);
                    return Ok(Reading::Interrupted);
                }
                other => other?,
            };
            for answer in answers {
                if is_stale(answer.sequence, self.sequence) {
                    continue;
                }
                interrupted |= answer.is_interrupted();
                match end_of_dump(answer)? {
                    Piece::Entry(message) => list.push(message),
                    Piece::End if interrupted => return Ok(Reading::Interrupted),
                    Piece::End => return Ok(Reading::Complete(list)),
                }
            }
        }
    }
}

enum Reading {
    Complete(Vec<RouteNetlinkMessage>),
    Interrupted,
}

enum Piece {
    Entry(RouteNetlinkMessage),
    End,
}

fn end_of_dump(answer: Answer) -> Result<Piece, Cause> {
    match answer.payload {
        NetlinkPayload::InnerMessage(message) => Ok(Piece::Entry(message)),
        NetlinkPayload::Done(done) if done.code == 0 => Ok(Piece::End),
        NetlinkPayload::Done(done) => Err(Refusal {
            errno: done.code.saturating_abs(),
            reason: ack::text(&done.extended_ack),
        }
        .into()),
        NetlinkPayload::Error(error) => match ack::verdict(answer.flags, &error) {
            Err(refusal) => Err(refusal.into()),
            Ok(()) => Err(Cause::Malformed("an acknowledged dump".to_owned())),
        },
        other => Err(unexpected(&other)),
    }
}
