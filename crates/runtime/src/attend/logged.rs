//! The standard streams of a container in the background: they end in its log.

use super::{Streams, pump::has_more, watch::watch};
use crate::{
    Error,
    logs::{Lines, LogStream, LogWriter},
};
use minet_model::TerminalMode;
use minet_netns::Io;
use nix::errno::Errno;
use std::{
    cell::{Cell, RefCell},
    fs::File,
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinHandle;

/// The streams before the process exists.
pub(crate) struct Logged {
    mode: TerminalMode,
    sources: RefCell<Vec<(OwnedFd, LogStream)>>,
    terminal: Cell<Option<OwnedFd>>,
    /// Our end of standard input, for as long as the process lives: it never reads an end.
    stdin: Cell<Option<OwnedFd>>,
}

/// The streams while the process runs.
pub(super) struct Logging {
    tasks: Vec<JoinHandle<()>>,
    _terminal: Option<OwnedFd>,
    _stdin: Option<OwnedFd>,
}

/// The log, which both streams write to.
pub(crate) type SharedLog = Arc<Mutex<LogWriter>>;

impl Logged {
    pub(crate) fn new(mode: TerminalMode) -> Self {
        Logged {
            mode,
            sources: RefCell::default(),
            terminal: Cell::default(),
            stdin: Cell::default(),
        }
    }

    fn pipe(&self, stream: LogStream) -> io::Result<OwnedFd> {
        let (ours, theirs) = io::pipe()?;
        self.sources.borrow_mut().push((ours.into(), stream));
        Ok(theirs.into())
    }

    fn stdin(&self) -> io::Result<OwnedFd> {
        if !self.mode.interactive {
            return Ok(File::open("/dev/null")?.into());
        }
        let (theirs, ours) = io::pipe()?;
        self.stdin.set(Some(ours.into()));
        Ok(theirs.into())
    }

    /// Starts to read. Must be called within the event loop.
    pub(super) fn start(self, log: &SharedLog) -> io::Result<Logging> {
        let mut sources = self.sources.into_inner();
        let terminal = self.terminal.into_inner();
        if let Some(terminal) = &terminal {
            sources.push((terminal.try_clone()?, LogStream::Stdout));
        }
        let start = |(source, stream)| {
            let log = Arc::clone(log);
            tokio::spawn(async move {
                // A stream that breaks has ended.
                let _ = record(source, stream, &log).await;
            })
        };
        Ok(Logging {
            tasks: sources.into_iter().map(start).collect(),
            _terminal: terminal,
            _stdin: self.stdin.into_inner(),
        })
    }
}

impl Streams for Logged {
    fn io(&self) -> Result<Io, Error> {
        if self.mode.tty {
            return Ok(Io::Terminal);
        }
        let open = || {
            Ok::<_, io::Error>(Io::Streams {
                stdin: self.stdin()?,
                stdout: self.pipe(LogStream::Stdout)?,
                stderr: self.pipe(LogStream::Stderr)?,
            })
        };
        open().map_err(Error::process("open the standard streams"))
    }

    fn attach(&self, terminal: Option<OwnedFd>) {
        self.terminal.set(terminal);
    }
}

impl Logging {
    /// Waits for what the process wrote before it ended.
    pub(super) async fn drain(self) {
        for mut task in self.tasks {
            if tokio::time::timeout(super::LAST_WORDS, &mut task)
                .await
                .is_err()
            {
                task.abort();
            }
        }
    }
}

async fn record(source: OwnedFd, stream: LogStream, log: &SharedLog) -> io::Result<()> {
    let mut lines = Lines::new();
    let mut buffer = [0; 8192];
    let source = watch(source)?;
    loop {
        let mut ready = source.readable().await?;
        let count = match nix::unistd::read(ready.get_inner(), &mut buffer) {
            // The other side of a terminal has closed (EIO), which is its end of file.
            Ok(0) | Err(Errno::EIO) => break,
            Ok(count) => count,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        if !has_more(ready.get_inner()) {
            ready.clear_ready();
        }
        {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            lines.feed(&buffer[..count], |line| log.add(stream, line));
            log.flush();
        }
        // One who prints without a pause must not keep the others from their turn.
        tokio::task::yield_now().await;
    }
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    lines.finish(|line| log.add(stream, line));
    log.flush();
    Ok(())
}
