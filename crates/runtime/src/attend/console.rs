//! The user's end of the container's standard streams.
//!
//! The container never gets the user's terminal itself: whoever holds a terminal open can
//! read what is typed into it. Without `-t` a terminal is replaced by pipes; a file or a
//! pipe is handed over as it is. With `-t` the container has a terminal of its own, and
//! the user's is switched to raw mode, so that every key, Ctrl-C included, goes there.

use super::{
    Streams,
    pump::{self, Pump},
};
use crate::Error;
use minet_model::TerminalMode;
use minet_netns::Io;
use nix::sys::termios::{self, SetArg, Termios};
use rustix::termios::{tcgetwinsize, tcsetwinsize};
use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{self, IsTerminal},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// The streams before the process exists.
pub(crate) struct Console {
    mode: TerminalMode,
    /// Our ends of the pipes, and where their bytes go.
    pipes: RefCell<Vec<Pump>>,
    terminal: Cell<Option<OwnedFd>>,
}

/// The streams while the process runs.
pub(super) struct Attached {
    pumps: Vec<tokio::task::JoinHandle<()>>,
    terminal: Option<OwnedFd>,
    _raw: Option<RawMode>,
}

impl Console {
    pub(crate) fn open(mode: TerminalMode) -> Result<Self, Error> {
        if mode.tty && mode.interactive && !io::stdin().is_terminal() {
            return Err(Error::Conflict(
                "-t with -i, and the input device is not a TTY".into(),
            ));
        }
        Ok(Console {
            mode,
            pipes: RefCell::default(),
            terminal: Cell::default(),
        })
    }

    fn stdin(&self) -> io::Result<OwnedFd> {
        if !self.mode.interactive {
            return Ok(File::open("/dev/null")?.into());
        }
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return stdin.as_fd().try_clone_to_owned();
        }
        let (theirs, ours) = io::pipe()?;
        let from = stdin.as_fd().try_clone_to_owned()?;
        self.pipes.borrow_mut().push(Pump::input(from, ours.into()));
        Ok(theirs.into())
    }

    fn output(&self, to: impl AsFd + IsTerminal) -> io::Result<OwnedFd> {
        if !to.is_terminal() {
            return to.as_fd().try_clone_to_owned();
        }
        let (ours, theirs) = io::pipe()?;
        let to = to.as_fd().try_clone_to_owned()?;
        self.pipes.borrow_mut().push(Pump::output(ours.into(), to));
        Ok(theirs.into())
    }

    /// Starts to move bytes. Must be called within the event loop.
    pub(super) fn start(self) -> Result<Attached, Error> {
        let act = "attach to the terminal";
        let mut pumps = self.pipes.into_inner();
        let terminal = self.terminal.into_inner();
        let mut raw = None;
        if let Some(terminal) = &terminal {
            let ours = || terminal.try_clone().map_err(Error::process(act));
            let duplicate =
                |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map_err(Error::process(act));
            pumps.push(Pump::output(ours()?, duplicate(io::stdout().as_fd())?));
            if self.mode.interactive {
                raw = RawMode::enter(duplicate(io::stdin().as_fd())?);
                pumps.push(Pump::input(duplicate(io::stdin().as_fd())?, ours()?));
            }
        }
        let pumps = pumps.into_iter().filter_map(pump::start).collect();
        let attached = Attached {
            pumps,
            terminal,
            _raw: raw,
        };
        attached.resize();
        Ok(attached)
    }
}

impl Streams for Console {
    fn io(&self) -> Result<Io, Error> {
        if self.mode.tty {
            return Ok(Io::Terminal);
        }
        let streams = (
            self.stdin(),
            self.output(io::stdout()),
            self.output(io::stderr()),
        );
        match streams {
            (Ok(stdin), Ok(stdout), Ok(stderr)) => Ok(Io::Streams {
                stdin,
                stdout,
                stderr,
            }),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                Err(Error::process("open the standard streams")(error))
            }
        }
    }

    fn attach(&self, terminal: Option<OwnedFd>) {
        self.terminal.set(terminal);
    }
}

impl Attached {
    /// Gives the container's terminal the size of the user's.
    pub(super) fn resize(&self) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        let size = [io::stdin().as_fd(), io::stdout().as_fd()]
            .into_iter()
            .find_map(|fd| tcgetwinsize(fd).ok());
        if let Some(size) = size {
            // A terminal that has just closed has no size to set.
            let _ = tcsetwinsize(terminal, size);
        }
    }

    /// Waits for what the process wrote before it ended.
    pub(super) async fn drain(&mut self) {
        for pump in self.pumps.drain(..) {
            let _ = tokio::time::timeout(super::LAST_WORDS, pump).await;
        }
    }
}

/// The user's terminal passes every key on as it is; restored when this is dropped.
struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    fn enter(terminal: OwnedFd) -> Option<Self> {
        let before = termios::tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&terminal, SetArg::TCSANOW, &raw).ok()?;
        Some(RawMode { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
