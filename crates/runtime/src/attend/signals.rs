use super::console::Attached;
use minet_model::SignalNumber;
use minet_netns::Running;
use nix::sys::signal::Signal;
use procfs::process::Process;
use std::os::fd::{AsFd, OwnedFd};
use tokio::signal::unix::{self, SignalKind};

/// What a user or a service manager sends to a program that it means to reach.
const FORWARDED: [Signal; 6] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// Ears for the signals that are passed on, and for the terminal's change of size.
pub(super) struct Signals {
    forwarded: Vec<(Signal, unix::Signal)>,
    resized: unix::Signal,
}

/// What came.
pub(super) enum Heard {
    Forward(Signal),
    Resized,
}

impl Signals {
    /// A signal that the caller ignores, as `nohup` does, goes on being ignored.
    pub(super) fn listen() -> std::io::Result<Self> {
        let ignored = Process::myself()
            .and_then(|process| process.status())
            .map_or(0, |status| status.sigign);
        let heard = |signal: &Signal| ignored & bit(*signal) == 0;
        let listen =
            |signal: Signal| Ok((signal, unix::signal(SignalKind::from_raw(signal as i32))?));
        Ok(Signals {
            forwarded: FORWARDED
                .into_iter()
                .filter(heard)
                .map(listen)
                .collect::<std::io::Result<_>>()?,
            resized: unix::signal(SignalKind::window_change())?,
        })
    }

    /// The next signal that comes.
    pub(super) async fn next(&mut self) -> Heard {
        std::future::poll_fn(|context| {
            for (signal, stream) in &mut self.forwarded {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(Heard::Forward(*signal));
                }
            }
            self.resized.poll_recv(context).map(|_| Heard::Resized)
        })
        .await
    }
}

/// Passes a signal on. Returns its number if it ended the container by default.
///
/// The kernel drops a signal to the first process of a PID namespace that has no handler
/// for it (pid_namespaces(7)), so that Ctrl-C would do nothing to `sleep`. A program that
/// says nothing about a signal wants its default action, which is to end: so it is ended.
pub(super) fn deliver(heard: Heard, running: &Running, console: &Attached) -> Option<i32> {
    let Heard::Forward(signal) = heard else {
        console.resize();
        return None;
    };
    SignalNumber::try_from(signal as i32)
        .ok()
        .and_then(|signal| send(running, signal))
}

/// A signal's place in the masks of `/proc/PID/status` (proc(5)).
fn bit(signal: Signal) -> u64 {
    1 << (signal as i32 - 1)
}

/// The same for a signal that minet itself sends.
pub(super) fn send(running: &Running, signal: SignalNumber) -> Option<i32> {
    send_to(&running.pidfd, running.pid.as_raw_nonzero().get(), signal)
}

/// The same for any first process of a container.
pub(crate) fn send_to(pidfd: &OwnedFd, pid: i32, signal: SignalNumber) -> Option<i32> {
    let default = leaves_to_the_kernel(pid, signal);
    let sent = if default { SignalNumber::KILL } else { signal };
    // It may have ended in this very moment, which whoever waits for it will notice.
    let _ = minet_netns::send_signal(pidfd.as_fd(), sent);
    default.then_some(signal.number())
}

/// Whether the kernel would end a process for this signal, were it not number 1: it neither
/// handles nor ignores nor (as an init that waits for signals) blocks it.
pub(crate) fn leaves_to_the_kernel(pid: i32, signal: SignalNumber) -> bool {
    if signal == SignalNumber::KILL || HARMLESS.contains(&signal.number()) {
        return false;
    }
    // A shell blocks everything for a moment whenever it starts a program; whoever waits
    // for signals with sigwait(3) or signalfd(2) blocks them for good.
    for _ in 0..LOOKS {
        match attitude(pid, signal) {
            Some(Attitude::Indifferent) => return true,
            Some(Attitude::Blocks) => std::thread::sleep(BETWEEN_LOOKS),
            Some(Attitude::Cares) | None => return false,
        }
    }
    false
}

const LOOKS: usize = 10;
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(2);

/// What a process has arranged for a signal.
enum Attitude {
    /// It handles or ignores it.
    Cares,
    /// It blocks it, now.
    Blocks,
    /// Nothing.
    Indifferent,
}

/// From the masks of `/proc/PID/status` (proc(5)); none if the process is gone.
fn attitude(pid: i32, signal: SignalNumber) -> Option<Attitude> {
    let bit = 1_u64 << (signal.number() - 1);
    let status = Process::new(pid)
        .and_then(|process| process.status())
        .ok()?;
    Some(if (status.sigcgt | status.sigign) & bit != 0 {
        Attitude::Cares
    } else if status.sigblk & bit != 0 {
        Attitude::Blocks
    } else {
        Attitude::Indifferent
    })
}

/// Signals that end nobody (signal(7)).
const HARMLESS: [i32; 8] = [
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGURG,
    libc::SIGWINCH,
];
