use crate::{
    accounts::UnknownAccount,
    command::CommandError,
    failure::Failure,
    passing::{receive_message, send_message},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// One end of the line between minet and the process it is starting.
///
/// A sequenced-packet socket keeps messages apart, carries descriptors, and tells each
/// side when the other is gone.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
}

/// What is said on the line.
#[derive(Debug)]
pub(crate) enum Message {
    /// From the child: everything stands. With it may come the terminal's master side.
    Ready,
    /// From the child: with this comes the folder of its files in `/etc`, for a launch after it.
    Etc,
    /// From the parent: go on.
    Start,
    /// From a helper that joins a container: this is the process number of its sibling,
    /// whose handle comes with it.
    Born(i32),
    /// From the child: an act on an object failed.
    Failed(Failure),
    /// From the child: the container does not know this user or group.
    Unknown(UnknownAccount),
    /// From the child: the command cannot be executed.
    Command(CommandError),
}

impl From<Failure> for Message {
    fn from(failure: Failure) -> Self {
        Message::Failed(failure)
    }
}

impl From<UnknownAccount> for Message {
    fn from(account: UnknownAccount) -> Self {
        Message::Unknown(account)
    }
}

impl From<CommandError> for Message {
    fn from(error: CommandError) -> Self {
        Message::Command(error)
    }
}

/// More than any message needs.
const LONGEST: usize = 4096;

impl Channel {
    pub(crate) fn pair() -> io::Result<(Channel, Channel)> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Channel { socket: one }, Channel { socket: other }))
    }

    pub(crate) fn send(&self, message: &Message) -> io::Result<()> {
        self.send_with(message, None)
    }

    /// Sends a message and, with it, a descriptor.
    pub(crate) fn send_with(
        &self,
        message: &Message,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut bytes = encode(message);
        bytes.truncate(LONGEST);
        send_message(&self.socket, &bytes, descriptor)
    }

    /// Waits for a message; none means that the other side has closed the line.
    pub(crate) fn receive(&self) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
        let mut bytes = [0; LONGEST];
        let (length, descriptor) = receive_message(&self.socket, &mut bytes)?;
        if length == 0 {
            return Ok(None);
        }
        let message = decode(&bytes[..length])
            .ok_or_else(|| io::Error::other("the process being started sent nonsense"))?;
        Ok(Some((message, descriptor)))
    }

    /// Whether the other side is gone, without waiting.
    pub(crate) fn is_closed(&self) -> bool {
        let mut line = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        let ready = poll(&mut line, PollTimeout::ZERO).is_ok();
        ready
            && line[0]
                .revents()
                .is_some_and(|events| events.contains(PollFlags::POLLHUP))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A kind, a number and a text.
fn encode(message: &Message) -> Vec<u8> {
    let (kind, number, text) = match message {
        Message::Ready => (b'R', 0, ""),
        Message::Etc => (b'E', 0, ""),
        Message::Start => (b'S', 0, ""),
        Message::Born(pid) => (b'B', *pid, ""),
        Message::Failed(failure) => (
            b'F',
            failure.cause().raw_os_error().unwrap_or(0),
            failure.doing(),
        ),
        Message::Unknown(UnknownAccount::User(name)) => (b'u', 0, name.as_str()),
        Message::Unknown(UnknownAccount::Group(name)) => (b'g', 0, name.as_str()),
        Message::Command(CommandError::NotFound(name)) => (b'N', 0, name.as_str()),
        Message::Command(CommandError::NotExecutable(name, errno)) => {
            (b'X', *errno as i32, name.as_str())
        }
    };
    let mut bytes = vec![kind];
    bytes.extend(number.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Message> {
    let (&kind, rest) = bytes.split_first()?;
    let (number, text) = rest.split_first_chunk()?;
    let number = i32::from_le_bytes(*number);
    let text = String::from_utf8_lossy(text).into_owned();
    Some(match kind {
        b'R' => Message::Ready,
        b'E' => Message::Etc,
        b'S' => Message::Start,
        b'B' => Message::Born(number),
        b'F' => Message::Failed(Failure::new(text, io::Error::from_raw_os_error(number))),
        b'u' => Message::Unknown(UnknownAccount::User(text)),
        b'g' => Message::Unknown(UnknownAccount::Group(text)),
        b'N' => Message::Command(CommandError::NotFound(text)),
        b'X' => Message::Command(CommandError::NotExecutable(text, Errno::from_raw(number))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_descriptors_arrive() {
        let (one, other) = Channel::pair().unwrap();
        let failure = Failure::new(
            "mount a fresh proc on /proc",
            io::Error::from_raw_os_error(1),
        );
        one.send(&Message::Failed(failure)).unwrap();
        one.send_with(&Message::Ready, Some(one.as_fd())).unwrap();
        let Some((Message::Failed(failure), None)) = other.receive().unwrap() else {
            panic!("expected a failure");
        };
        assert_eq!(failure.doing(), "mount a fresh proc on /proc");
        assert_eq!(failure.cause().raw_os_error(), Some(1));
        let Some((Message::Ready, Some(descriptor))) = other.receive().unwrap() else {
            panic!("expected a descriptor");
        };
        drop(descriptor);
        assert!(!other.is_closed());
        drop(one);
        assert!(other.is_closed());
        assert!(other.receive().unwrap().is_none());
    }
}
