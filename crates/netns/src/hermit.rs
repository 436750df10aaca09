//! A process that has nothing, for work on what strangers send.
//!
//! Whoever reads what a container sends may be led astray by it, and a supervisor is root. So
//! the reading is done by a hermit: this program once more, in a process that is started when
//! there is something to read, with three open files. Before it has seen the first byte it has
//! given up all else, for good:
//!
//! | it has | it has no longer |
//! | --- | --- |
//! | three files, which its maker chose | any other open file, a directory, a terminal |
//! | what comes to it over them, and may be sent there | the way to open a file or a socket, to connect, to start or to signal a process (`seccomp/hermit.rs`) |
//! | 256 MiB of addresses, a time slice, the least right to memory | a capability, or a way to get one; its maker's memory |
//!
//! ```text
//!  maker                             hermit
//!  retreat    clone3, execve ──────▶ Retreat::begin    takes its files
//!                                    …                 makes what it will need
//!                                    Retreat::close_the_door
//!                 questions ◀──────▶ works
//! ```
//!
//! It dies with its maker, and with the [`Hermit`] that its maker holds.

use crate::{
    Capabilities, capabilities,
    failure::{Doing, Failure},
    launch::{LaunchError, hide, leash, one_thread, reap},
    oom,
    seccomp::{
        Filter,
        hermit::{ANSWERS, LINE, OTHER},
    },
    sys::{self, Beyond, Cloned, Parent},
};
use minet_model::OomScore;
use nix::{sched::CloneFlags, sys::signal::SigSet, unistd::execve};
use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, Signal, chdir, pidfd_send_signal, setrlimit, setsid},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout},
};
use std::{
    convert::Infallible,
    ffi::CStr,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

/// The whole of its addresses: the program takes some thirty; who wants more than this has
/// gone astray.
const MEMORY: u64 = 256 * 1024 * 1024;

/// For what it is sent over its line, and what it accepts.
const OPEN_FILES: u64 = 1024;

/// A hermit at work. When this is dropped, it is killed.
#[derive(Debug)]
pub struct Hermit {
    pidfd: OwnedFd,
}

impl Drop for Hermit {
    fn drop(&mut self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = reap(self.pidfd.as_fd());
    }
}

/// The files of a hermit, which stay open for as long as it lives.
#[derive(Debug)]
pub struct HermitFiles {
    /// A socket to its maker. Messages with descriptors come and go here and nowhere else.
    pub line: OwnedFd,
    /// A socket through which, of all that it has, may be sent to an address.
    pub answers: OwnedFd,
    /// One more.
    pub other: OwnedFd,
}

/// Starts this program as a hermit, under a name by which it knows what it is for.
///
/// # Errors
///
/// If this process cannot be copied: it must have one thread. What fails later ends the
/// hermit, which closes its end of the line.
pub fn retreat(files: HermitFiles, name: &CStr) -> Result<Hermit, LaunchError> {
    let one = one_thread()?;
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::Caller)
        .doing(|| "start a process that reads".to_owned())?;
    match cloned {
        Cloned::Caller(_, pidfd) => Ok(Hermit { pidfd }),
        Cloned::Copy(_) => {
            let Err(_) = leave_everything(files, name);
            sys::exit_now(1)
        }
    }
}

fn leave_everything(files: HermitFiles, name: &CStr) -> Result<Infallible, Failure> {
    let doing = || "become a hermit".to_owned();
    leash()?;
    hide()?;
    sys::reset_signal_actions();
    SigSet::empty().thread_set_mask().doing(doing)?;
    oom::assume(Some(OomScore::OF_HERMIT))?;
    setsid().and_then(|_| chdir("/")).doing(doing)?;
    stand_in_line(&files).doing(doing)?;
    sys::shut_descriptors(Beyond::CloseOnExec).doing(doing)?;
    limit().doing(doing)?;
    capabilities::bound(Capabilities::NONE)?;
    capabilities::hold(Capabilities::NONE)?;
    capabilities::refuse_new_privileges()?;
    let nothing: [&CStr; 0] = [];
    execve(c"/proc/self/exe", &[name], &nothing).doing(doing)
}

/// Puts the files in the places of the standard streams.
fn stand_in_line(files: &HermitFiles) -> io::Result<()> {
    let all = [&files.line, &files.answers, &files.other];
    // The copies come first: one may be in the place of another.
    let [line, answers, other] = all.map(|file| fcntl_dupfd_cloexec(file, 3));
    dup2_stdin(line?)?;
    dup2_stdout(answers?)?;
    Ok(dup2_stderr(other?)?)
}

fn limit() -> rustix::io::Result<()> {
    let at_most = |number| Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    setrlimit(Resource::As, at_most(MEMORY))?;
    setrlimit(Resource::Nofile, at_most(OPEN_FILES))
}

/// The hermit's side, until it has closed the door.
#[derive(Debug)]
pub struct Retreat {
    files: HermitFiles,
}

impl Retreat {
    /// Takes the files that came as standard streams. To be called first of all, by the process
    /// that [`retreat`] has started, when nothing else is open.
    pub fn begin(name: &CStr) -> io::Result<Self> {
        hide().map_err(io::Error::other)?;
        rustix::thread::set_name(name)?;
        // The numbers by which the filter knows them: the lowest that are free.
        let files = HermitFiles {
            line: fcntl_dupfd_cloexec(stdin(), LINE)?,
            answers: fcntl_dupfd_cloexec(stdout(), ANSWERS)?,
            other: fcntl_dupfd_cloexec(stderr(), OTHER)?,
        };
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        Ok(Retreat { files })
    }

    /// From now on there is no way out. The files stay open, whoever drops them: the filter
    /// relies on their being these.
    pub fn close_the_door(self) -> Result<HermitFiles, Failure> {
        Filter::of_hermit().install()?;
        Ok(self.files)
    }
}
