//! Attending to a running process: signals in, bytes both ways, and the exit code.
//!
//! One event loop, one thread. While nothing happens it sleeps in `epoll_wait`.
//!
//! ```text
//!   SIGTERM, SIGINT, … ──▶ signals.rs ──▶ the container's first process
//!   terminal or pipes  ◀─▶ console.rs, pump.rs ◀─▶ its standard streams
//!   [::]:8080          ──▶ relay ──▶ its IPv4 address
//!   127.0.0.11:53      ◀─▶ the resolver: who is called so?        (also heir.rs)
//!   pidfd readable     ──▶ its exit code
//! ```

mod background;
mod console;
mod guard;
mod heir;
mod inside;
mod keeper;
mod logged;
mod pump;
mod replaced;
mod signals;
pub(crate) mod watch;

pub(crate) use background::{Background, Farewell};
pub(crate) use console::Console;
pub(crate) use logged::{Logged, SharedLog};
pub(crate) use signals::{leaves_to_the_kernel, send_to};

pub(crate) use guard::Guard;
pub(crate) use heir::Heir;
pub(crate) use inside::Rumours;

use crate::{
    Error,
    ports::HeldPort,
    resolve::{Answering, Resolver},
};
use keeper::Keeper;
use minet_model::SignalNumber;
use minet_netns::{Io, Running};
use signals::Signals;
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
    time::Duration,
};

/// How long output may still come after the process has ended: something that it left
/// running may hold the other end of the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The streams of a process that is about to be started.
pub(crate) trait Streams {
    /// What the process gets.
    fn io(&self) -> Result<Io, Error>;

    /// Takes our side of the container's terminal, when there is one.
    fn attach(&self, terminal: Option<OwnedFd>);
}

/// One thread: whoever starts a process must have no other.
pub(crate) fn event_loop() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(Error::process("start the event loop"))
}

/// The event loop with its ears open: from here on signals wait until they are attended to.
pub(crate) struct Events {
    runtime: tokio::runtime::Runtime,
    signals: Signals,
}

impl Events {
    pub(crate) fn listen() -> Result<Self, Error> {
        let runtime = event_loop()?;
        let signals = {
            let _entered = runtime.enter();
            Signals::listen().map_err(Error::process("listen for signals"))?
        };
        Ok(Events { runtime, signals })
    }
}

/// A host port and where it leads.
pub(crate) struct Relay {
    held: HeldPort,
    target: Option<SocketAddrV4>,
}

/// The held ports with the container's address; those that the kernel serves are only held.
pub(crate) fn relays(held: Vec<HeldPort>, container: Option<Ipv4Addr>) -> Vec<Relay> {
    let with_target = |held: HeldPort| {
        let target = container.map(|address| SocketAddrV4::new(address, held.port.container_port));
        Relay { held, target }
    };
    held.into_iter().map(with_target).collect()
}

/// What is done for a container beside running its command.
#[derive(Default)]
pub(crate) struct Duties {
    /// Its host ports.
    pub(crate) relays: Vec<Relay>,
    /// Where others ask for more ports, or fewer.
    pub(crate) control: Option<OwnedFd>,
    /// Its name server.
    pub(crate) resolver: Option<Resolver>,
    /// The name server of its network, when the one who has it ends.
    pub(crate) heir: Option<Heir>,
    /// Its turn in guarding what stands.
    pub(crate) guard: Option<Guard>,
}

/// What is done, until this is dropped.
#[derive(Default)]
struct Done {
    ports: Keeper,
    _resolver: Option<Answering>,
}

impl Duties {
    /// Begins. Must be called within the event loop.
    fn begin(self) -> Result<Done, Error> {
        let done = Done {
            ports: Keeper::keep(self.relays, self.control)?,
            _resolver: self.resolver.map(Resolver::listen),
        };
        if let Some(heir) = self.heir {
            heir.wait();
        }
        if let Some(guard) = self.guard {
            guard.post();
        }
        Ok(done)
    }
}

/// Kills a process that nobody attends to any more, so that its network does not go before it;
/// returns its exit code, if nobody has taken that before.
pub(crate) fn end(running: &Running) -> Option<i32> {
    // One that has ended already cannot be told to.
    let _ = send_to(&running.pidfd, 0, SignalNumber::KILL);
    running.wait().ok()
}

/// Attends to a process until it ends, and returns its exit code (128 + n after signal n).
/// Whenever somebody says that its addresses have changed, `look` is called.
pub(crate) fn attend(
    events: Events,
    running: &Running,
    console: Console,
    duties: Duties,
    look: &mut dyn FnMut(),
) -> Result<i32, Error> {
    let Events {
        runtime,
        mut signals,
    } = events;
    runtime.block_on(async {
        // Held for as long as this function runs, and freed when the process is gone.
        let done = duties.begin()?;
        let mut console = console.start()?;
        // A pidfd becomes readable when its process ends (pidfd_open(2)).
        let ended = running
            .pidfd
            .try_clone()
            .and_then(watch::watch)
            .map_err(Error::process("watch the process"))?;
        let told_to_look = done.ports.told_to_look();
        let killed_by = loop {
            tokio::select! {
                () = told_to_look.notified() => look(),
                readable = ended.readable() => {
                    drop(readable);
                    break None;
                }
                signal = signals.next() => {
                    if let Some(signal) = signals::deliver(signal, running, &console) {
                        break Some(signal);
                    }
                }
            }
        };
        let code = running.wait()?;
        console.drain().await;
        Ok(killed_by.map_or(code, |signal| 128 + signal))
    })
}
