use super::{
    file,
    read::{Reader, parse},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::ControlFlow,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

/// Passes on what comes, from file to file, until the supervisor ends, the time (in
/// milliseconds since 1970) has come, or nobody listens.
pub(super) fn follow(
    dir: &Path,
    current: File,
    (supervisor, until): (&OwnedFd, Option<i64>),
    reader: &mut Reader<'_>,
) -> io::Result<()> {
    let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE;
    changes.add_watch(dir, flags)?;
    let mut follower = Follower {
        dir,
        current,
        partial: Vec::new(),
    };
    loop {
        let left = until.map(|until| until - crate::time::now());
        // Asked before the files are read: what it wrote before its end is there then.
        let ended = is_readable(supervisor)? || left.is_some_and(|left| left < 0);
        if follower.catch_up(reader)?.is_break() || ended {
            return Ok(());
        }
        let mut fds = [
            PollFd::new(changes.as_fd(), PollFlags::POLLIN),
            PollFd::new(supervisor.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout(left)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        // What the events say is not needed; that there were some is.
        let _ = changes.read_events();
    }
}

/// As long as `poll` can wait at once; who woke too early looks again.
fn timeout(left: Option<i64>) -> PollTimeout {
    let Some(left) = left else {
        return PollTimeout::NONE;
    };
    PollTimeout::try_from(left + 1).unwrap_or(PollTimeout::MAX)
}

fn is_readable(fd: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    Ok(poll(&mut fds, PollTimeout::ZERO)? > 0)
}

struct Follower<'a> {
    dir: &'a Path,
    current: File,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl Follower<'_> {
    /// Reads to the end of the newest file.
    fn catch_up(&mut self, reader: &mut Reader<'_>) -> io::Result<ControlFlow<()>> {
        loop {
            if self.read_to_end(reader)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(next) = self.next_file()? else {
                return Ok(ControlFlow::Continue(()));
            };
            // Between the look at the end and the look for a newer file more may have come.
            if self.read_to_end(reader)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.current = next;
            self.partial.clear();
        }
    }

    fn read_to_end(&mut self, reader: &mut Reader<'_>) -> io::Result<ControlFlow<()>> {
        // With one file only, putting aside means to empty it.
        if self.current.metadata()?.len() < self.current.stream_position()? {
            self.current.seek(SeekFrom::Start(0))?;
            self.partial.clear();
        }
        let mut buffer = [0; 8192];
        loop {
            let count = self.current.read(&mut buffer)?;
            if count == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            self.partial.extend_from_slice(&buffer[..count]);
            while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.partial.drain(..=end).collect();
                if let Some(entry) = parse(&line)
                    && reader(&entry).is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }

    /// The file that was begun after the current one; if that is gone already, the oldest.
    fn next_file(&self) -> io::Result<Option<File>> {
        let inode = self.current.metadata()?.ino();
        let mut younger = None;
        for age in 0.. {
            match File::open(file(self.dir, age)) {
                Ok(found) if found.metadata()?.ino() == inode => return Ok(younger),
                Ok(found) => younger = Some(found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(younger),
                Err(error) => return Err(error),
            }
        }
        Ok(younger)
    }
}
