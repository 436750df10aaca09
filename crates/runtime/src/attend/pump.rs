use super::watch::watch;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
};
use tokio::task::JoinHandle;

/// Moves bytes from one descriptor to another until the first one ends.
pub(super) struct Pump {
    from: OwnedFd,
    to: OwnedFd,
    direction: Direction,
}

/// Which way, and therefore whether anybody waits for the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From the user into the container; ends with the container.
    Input,
    /// From the container to the user; its last words count.
    Output,
}

impl Pump {
    pub(super) fn input(from: OwnedFd, to: OwnedFd) -> Self {
        Pump {
            from,
            to,
            direction: Direction::Input,
        }
    }

    pub(super) fn output(from: OwnedFd, to: OwnedFd) -> Self {
        Pump {
            from,
            to,
            direction: Direction::Output,
        }
    }
}

/// Starts a pump; the handle is of those that are worth waiting for.
///
/// The source is waited for with epoll and read only when there is something, so it need
/// not be made non-blocking: that would change the user's terminal for his shell too.
pub(super) fn start(pump: Pump) -> Option<JoinHandle<()>> {
    let Pump {
        from,
        to,
        direction,
    } = pump;
    let task = tokio::spawn(async move {
        // A pump that breaks ends: nobody is at the other end any more.
        let _ = run(from, to).await;
    });
    (direction == Direction::Output).then_some(task)
}

async fn run(from: OwnedFd, to: OwnedFd) -> io::Result<()> {
    let mut to = File::from(to);
    let mut buffer = [0; 8192];
    let source = watch(from)?;
    loop {
        let mut ready = source.readable().await?;
        match nix::unistd::read(ready.get_inner(), &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length])?,
            Err(Errno::EINTR) => {}
            // The other side of a terminal has closed (EIO), which is its end of file.
            Err(errno) => return Err(errno.into()),
        }
        if !has_more(ready.get_inner()) {
            ready.clear_ready();
        }
    }
}

/// epoll speaks up once for what has come (it is used edge-triggered), so what is left
/// after a read must be asked for.
pub(super) fn has_more(source: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
