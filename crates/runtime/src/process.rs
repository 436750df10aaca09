//! Processes that cannot be mistaken for others, and the boot they belong to.

use minet_state::ProcessIdentity;
use nix::{errno::Errno, sys::signal, unistd::Pid};
use procfs::process::Process;
use rustix::process::{PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;

/// The kernel's name for this boot, a random UUID (random(4)).
pub(crate) fn boot_id() -> std::io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned())
}

/// Whether `/proc` shows the PID namespace that this process is in. After `unshare --pid`
/// it may still show the outer one, where every number means somebody else.
pub(crate) fn proc_shows_us() -> bool {
    std::fs::read_link("/proc/self")
        .is_ok_and(|link| link.to_str() == Some(&std::process::id().to_string()))
}

/// The identity of a running process.
pub(crate) fn identify(pid: Pid) -> procfs::ProcResult<ProcessIdentity> {
    let stat = Process::new(pid.as_raw())?.stat()?;
    Ok(ProcessIdentity {
        pid: pid.as_raw(),
        start: stat.starttime,
    })
}

/// Whether exactly this process still runs; a zombie does not.
pub(crate) fn is_alive(process: ProcessIdentity) -> bool {
    Process::new(process.pid)
        .and_then(|process| process.stat())
        .is_ok_and(|stat| stat.starttime == process.start && !matches!(stat.state, 'Z' | 'X'))
}

/// A handle on exactly this process, if it still runs.
pub(crate) fn open(process: ProcessIdentity) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(process.pid)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    // Looked at after the handle was taken: the number cannot have changed hands since.
    is_alive(process).then_some(pidfd)
}

/// Whether nobody at all has this number: one system call, for the look at every row.
///
/// A number that has been reused by another process passes for alive here; whoever is
/// about to act on the container asks [`is_alive`].
pub(crate) fn is_surely_gone(process: ProcessIdentity) -> bool {
    signal::kill(Pid::from_raw(process.pid), None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_its_number_and_its_start() {
        let me = identify(Pid::this()).unwrap();
        assert!(is_alive(me));
        assert!(!is_surely_gone(me));
        assert!(
            !is_alive(ProcessIdentity {
                start: me.start + 1,
                ..me
            }),
            "a reused number"
        );
        assert!(is_surely_gone(ProcessIdentity {
            pid: i32::MAX,
            start: 0
        }));
        assert_eq!(boot_id().unwrap().len(), 36);
    }
}
