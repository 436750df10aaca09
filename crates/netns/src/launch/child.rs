use super::{
    Actor, Channel, Io, Launch, LaunchError, Message, Preparing, Program, Stdio, Terminal, world,
};
use crate::{
    failure::{Doing, Failure},
    oom,
    sys::{self, Cloned, ManyThreads, OneThread, Parent},
};
use nix::sched::{CloneFlags, setns};
use rustix::process::{
    DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal, setsid,
};
use rustix::system::setdomainname;
use std::{
    convert::Infallible,
    io,
    os::fd::AsFd,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The namespaces that are born with the process.
const NEW_NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWIPC);

/// The parent's half: copies the process and leaves the copy to its work.
pub(super) fn begin(launch: Launch) -> Result<Preparing, LaunchError> {
    let program = Program::new(&launch.command, &launch.env)?.with_open_files(launch.open_files);
    let one = one_thread()?;
    let (ours, theirs) = Channel::pair().doing(|| "make a socket pair".to_owned())?;
    let cloned = sys::clone_process(one, NEW_NAMESPACES, Parent::Caller)
        .doing(|| "start a process in new namespaces".to_owned())?;
    match cloned {
        Cloned::Caller(pid, pidfd) => Ok(Preparing::new(pid, pidfd, ours)),
        Cloned::Copy(one) => {
            drop(ours);
            in_the_copy(theirs, |channel| be_launched(launch, program, channel, one))
        }
    }
}

/// The child's half, stages 1 to 5 of the module's documentation.
fn be_launched(
    launch: Launch,
    program: Program,
    channel: &Channel,
    one: OneThread,
) -> Result<Infallible, Message> {
    leash()?;
    hide()?;
    oom::assume(launch.oom_score)?;
    if let Some(netns) = &launch.netns {
        setns(netns, CloneFlags::CLONE_NEWNET)
            .doing(|| "join the container's network namespace".to_owned())?;
    }
    setsid().doing(|| "begin a session".to_owned())?;
    nix::unistd::sethostname(&launch.hostname)
        .doing(|| format!("set the host name {}", launch.hostname))?;
    if let Some(domain) = &launch.domainname {
        setdomainname(domain.as_bytes()).doing(|| format!("set the domain name {domain}"))?;
    }
    let world = world::build(&launch)?;
    if let Some(folder) = world.etc {
        channel
            .send_with(&Message::Etc, Some(folder.as_fd()))
            .doing(|| "send the folder of generated files to the parent".to_owned())?;
    }
    let stdio = match launch.io {
        Io::Streams {
            stdin,
            stdout,
            stderr,
        } => Stdio::Streams([stdin, stdout, stderr]),
        Io::Terminal => {
            let terminal = Terminal::open(&world.terminals)?;
            world::place_console(&world.root, &terminal)?;
            Stdio::Terminal(terminal)
        }
    };
    let actor = Actor {
        program,
        user: launch.user,
        workdir: launch.workdir,
        capabilities: launch.capabilities,
        seccomp: launch.seccomp,
        new_privileges: launch.new_privileges,
        init: launch.init,
    };
    actor.perform(&world.root, stdio, channel, one)
}

/// Does the copy's work and ends the process, whatever happens: a copy must never return
/// into code that believes to be the original.
pub(crate) fn in_the_copy(
    channel: Channel,
    work: impl FnOnce(&Channel) -> Result<Infallible, Message>,
) -> ! {
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&channel)));
    let last_words = match outcome {
        Ok(Ok(never)) => match never {},
        Ok(Err(message)) => message,
        Err(_) => {
            let cause = io::Error::other("a defect of minet");
            Message::Failed(Failure::new("start the process (it panicked)", cause))
        }
    };
    // If nobody listens any more, nobody is left to be told.
    let _ = channel.send(&last_words);
    sys::exit_now(1)
}

/// Ties this process to its parent: when the parent's thread dies, this process is killed.
/// The kernel forgets it when ids change.
///
/// If the parent died before, nobody will answer on the channel, and this process ends there.
pub(crate) fn leash() -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .doing(|| "ask to be killed with the parent".to_owned())
}

/// Keeps everybody from looking into this process until it executes another program.
pub(crate) fn hide() -> Result<(), Failure> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .doing(|| "hide from other processes".to_owned())
}

pub(crate) fn one_thread() -> Result<OneThread, LaunchError> {
    let counted = OneThread::prove().doing(|| "count this process's threads".to_owned())?;
    counted.map_err(|ManyThreads(threads)| LaunchError::ManyThreads(threads))
}
