//! `minet wait`: until a container has ended for good.

use crate::{Error, Runtime, find};
use minet_state::{ContainerRow, Status};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::os::fd::AsFd;

impl Runtime {
    /// The container's exit code, as soon as it has one that its restart policy lets be.
    pub fn wait(&mut self, container: &str) -> Result<i32, Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        if row.status == Status::Exited {
            return Ok(row.exit_code.unwrap_or(0));
        }
        self.store.close();
        if let Some(supervisor) = row
            .live
            .as_ref()
            .and_then(|live| self.open_process(live, live.supervisor))
        {
            let mut fds = [PollFd::new(supervisor.as_fd(), PollFlags::POLLIN)];
            while let Err(errno) = poll(&mut fds, PollTimeout::NONE) {
                if errno != Errno::EINTR {
                    return Err(Error::process("wait for the container")(errno));
                }
            }
        }
        self.exit_code_of(&row)
    }

    fn exit_code_of(&mut self, row: &ContainerRow) -> Result<i32, Error> {
        let (now, remembered) = self.store.read(|tx| {
            let now = tx.container(&row.id)?;
            Ok::<_, Error>((now, tx.remembered_end(&row.id)?))
        })?;
        match now {
            Some(now) if now.status == Status::Exited => Ok(now.exit_code.unwrap_or(0)),
            // Its supervisor was killed, and the container with it.
            Some(_) => {
                self.put_right()?;
                Ok(137)
            }
            None => remembered.ok_or_else(|| Error::NoSuchContainer(row.name.to_string())),
        }
    }
}
