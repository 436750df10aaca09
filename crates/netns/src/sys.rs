//! The system calls that neither `rustix` nor `nix` offers in safe form.
#![expect(
    unsafe_code,
    reason = "clone3, mount_setattr, close_range and friends have no safe wrapper elsewhere"
)]

use crate::Pid;
use minet_model::bpf::Instruction;
use nix::sched::CloneFlags;
use rustix::mount::MountAttrFlags;
use std::{
    io, mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
    time::Duration,
};

/// The kind of a namespace's file, `ioctl_ns(2)`.
pub(crate) fn namespace_kind(namespace: BorrowedFd<'_>) -> io::Result<CloneFlags> {
    // SAFETY: NS_GET_NSTYPE takes no argument and touches no memory of ours.
    let kind = unsafe { libc::ioctl(namespace.as_raw_fd(), libc::NS_GET_NSTYPE) };
    Ok(CloneFlags::from_bits_retain(answer(kind)?))
}

/// The knowledge that this process has one thread, without which it must not be copied:
/// a lock that another thread held would stay locked in the copy for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneThread(());

/// How many threads there are, where one was needed.
#[derive(Debug)]
pub(crate) struct ManyThreads(pub(crate) u64);

impl OneThread {
    /// Counts the threads of this process in `/proc/self/task`, whose link count is two more.
    ///
    /// A thread that was just joined may still be on its way out of the kernel; it is
    /// given a moment.
    pub(crate) fn prove() -> io::Result<Result<Self, ManyThreads>> {
        let mut threads = 0;
        for _ in 0..200 {
            threads = rustix::fs::stat("/proc/self/task")?
                .st_nlink
                .saturating_sub(2);
            if threads == 1 {
                return Ok(Ok(OneThread(())));
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        Ok(Err(ManyThreads(threads)))
    }
}

/// Which of the two a process finds itself to be after [`clone_process`].
pub(crate) enum Cloned {
    /// The one that called, with the new process's number and handle.
    Caller(Pid, OwnedFd),
    /// The new one, which has one thread again.
    Copy(OneThread),
}

/// Whose child the new process becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    Caller,
    /// The caller's own parent: the new process becomes its sibling.
    CallersParent,
}

/// Copies this process as `fork` does, into new namespaces of the given kinds.
pub(crate) fn clone_process(
    one: OneThread,
    namespaces: CloneFlags,
    parent: Parent,
) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is plain integers, for which zero means "not used".
    let mut args: libc::clone_args = unsafe { mem::zeroed() };
    // Only namespace flags come in here; nothing that would share memory with the copy.
    args.flags = u64::from(namespaces.bits().cast_unsigned()) | libc::CLONE_PIDFD as u64;
    args.pidfd = ptr::from_mut(&mut pidfd) as u64;
    match parent {
        Parent::Caller => args.exit_signal = libc::SIGCHLD as u64,
        Parent::CallersParent => args.flags |= libc::CLONE_PARENT as u64,
    }
    // SAFETY: no memory is shared and no stack is given, so the copy goes on with a copy
    // of this stack, like after fork(2). `OneThread` says that no other thread can have
    // left a lock behind. `pidfd` outlives the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, mem::size_of_val(&args)) };
    match answer(pid)? {
        0 => Ok(Cloned::Copy(one)),
        pid => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // SAFETY: CLONE_PIDFD has stored a new descriptor that nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            let pid = pid.ok_or_else(|| io::Error::other("clone3 returned no process number"))?;
            Ok(Cloned::Caller(pid, pidfd))
        }
    }
}

/// `struct mount_attr`, `mount_setattr(2)`.
#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// How far a change of mount attributes reaches.
#[derive(Clone, Copy)]
pub(crate) enum Reach {
    ThisMount,
    AllBelow,
}

/// Adds attributes to a mount that is held open.
pub(crate) fn restrict_mount(
    mount: BorrowedFd<'_>,
    attributes: MountAttrFlags,
    reach: Reach,
) -> io::Result<()> {
    let attr = MountAttr {
        attr_set: u64::from(attributes.bits()),
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let recursive = match reach {
        Reach::ThisMount => 0,
        Reach::AllBelow => libc::AT_RECURSIVE,
    };
    // SAFETY: the path is a C string and `attr` has the layout of version 0 of the
    // structure, whose size is passed along.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | recursive,
            &raw const attr,
            mem::size_of_val(&attr),
        )
    };
    answer(done).map(drop)
}

/// What happens to every descriptor beyond standard error.
#[derive(Clone, Copy)]
pub(crate) enum Beyond {
    /// Closed by the next successful exec.
    CloseOnExec,
    /// Closed now. Only for a process that owns none of them as a Rust value any more.
    Close,
}

/// Lets no descriptor above 2 through, whoever left it open.
pub(crate) fn shut_descriptors(beyond: Beyond) -> io::Result<()> {
    let flags = match beyond {
        Beyond::CloseOnExec => libc::CLOSE_RANGE_CLOEXEC,
        Beyond::Close => 0,
    };
    // SAFETY: integers only. `Close` is called by processes that never return to code
    // that holds descriptors.
    answer(unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, flags) }).map(drop)
}

/// Every signal does again what it does by default. Rust ignores SIGPIPE, and whoever
/// started minet may ignore others; a program that minet starts should not notice.
///
/// The C library's functions leave out the two signals that it keeps for itself, so the
/// kernel is asked directly.
pub(crate) fn reset_signal_actions() {
    set_signal_actions(1..=64, libc::SIG_DFL);
}

/// No signal does anything by itself, but for SIGCHLD: without its default, children would
/// leave no word of how they ended. Whoever waits for blocked signals gets them all the
/// same; and others can see that they are not left to the kernel, which a mask does not
/// show, since it is open while they are waited for (`do_sigtimedwait`, kernel/signal.c).
pub(crate) fn ignore_signals() {
    set_signal_actions(
        (1..=64).filter(|signal| *signal != libc::SIGCHLD),
        libc::SIG_IGN,
    );
}

fn set_signal_actions(signals: impl Iterator<Item = i32>, handler: libc::sighandler_t) {
    // More than the kernel's `struct sigaction` on any machine; behind the handler all is
    // zero: no flags, no restorer and an empty mask.
    let mut action = [0; 16];
    action[0] = handler;
    let mask_size = mem::size_of::<u64>();
    for signal in signals {
        // SAFETY: the kernel only reads `action`, and SIG_DFL and SIG_IGN install no code.
        // For SIGKILL and SIGSTOP the call fails and changes nothing.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                action.as_ptr(),
                ptr::null_mut::<u64>(),
                mask_size,
            )
        };
    }
}

/// Waits for the next blocked signal and takes it; real-time signals too.
pub(crate) fn next_signal() -> io::Result<i32> {
    // SAFETY: a sigset_t is plain integers and filled by sigfillset before it is used.
    let mut all: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: `all` is valid for writing; the information about the signal is not wanted.
    answer(unsafe {
        libc::sigfillset(&raw mut all);
        libc::sigwaitinfo(&raw const all, ptr::null_mut())
    })
}

/// Sends any signal, real-time signals too.
pub(crate) fn send_signal(pid: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: integers only.
    answer(unsafe { libc::kill(pid.as_raw_nonzero().get(), signal) }).map(drop)
}

/// Puts a filter on this thread's system calls, which is inherited and stays for good.
///
/// Not against speculation: kernels since 5.16 leave that out by themselves, and before it
/// cost a container more than it was worth.
pub(crate) fn filter_system_calls(program: &[Instruction]) -> io::Result<()> {
    let fprog = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `fprog` and the program that it points to outlive the call, in which the
    // kernel only reads and copies them. An `Instruction` has the layout of a sock_filter.
    answer(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
            &raw const fprog,
        )
    })
    .map(drop)
}

/// Sends any signal to the very process that is held open, `pidfd_send_signal(2)`.
///
/// `rustix` has this for the signals that have names of their own.
pub(crate) fn send_signal_to(process: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: integers only; without information about the signal the kernel fills it in.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            signal,
            ptr::null::<libc::siginfo_t>(),
            0u32,
        )
    };
    answer(sent).map(drop)
}

/// Lets all threads take memory from one heap, `mallopt(3)`. By itself the C library gives
/// each thread another one, of which something always stays behind.
pub(crate) fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: integers only; where it is refused, everything is as it was.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1)
    };
}

/// Gives free pages of the heap back to the kernel, `malloc_trim(3)`.
pub(crate) fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: an integer only; memory that is in use is not touched.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Further below this is nothing that anybody still uses: more than the red zone and the
/// frames of the functions that are called from here.
const STACK_MARGIN: usize = 16 * 1024;

/// So far below the stack there is nothing else: the kernel keeps a gap of 1 MiB free there
/// (`stack_guard_gap`, mm/mmap.c).
const STACK_DEPTH: usize = 512 * 1024;

/// Gives the pages of the main thread's stack back to the kernel that deeper calls have used.
pub(crate) fn trim_stack() {
    let on_main_thread = rustix::thread::gettid() == rustix::process::getpid();
    if !on_main_thread {
        return;
    }
    let here = 0_u8;
    // SAFETY: an integer only.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Ok(page) = usize::try_from(page) else {
        return;
    };
    let end = (ptr::from_ref(&here).addr() - STACK_MARGIN) & !(page - 1);
    let begin = ptr::without_provenance_mut(end - STACK_DEPTH);
    // SAFETY: on the main thread this range holds nothing but pages of its stack, below all
    // frames that are in use. What is not mapped is passed over (`madvise(2)`, ENOMEM).
    unsafe { libc::madvise(begin, STACK_DEPTH, libc::MADV_DONTNEED) };
}

/// Has a netlink socket hear what is announced in other namespaces, too: in all that have a
/// number in the socket's own (`NETLINK_LISTEN_ALL_NSID`, netlink(7)).
pub(crate) fn hear_all_namespaces(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads one int, which lives until the call returns.
    answer(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_NETLINK,
            libc::NETLINK_LISTEN_ALL_NSID,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    })
    .map(drop)
}

/// Takes one message from such a socket, without waiting: its length, and the number of the
/// namespace that it is about, if that is not the socket's own.
pub(crate) fn receive_of_any_namespace(
    socket: BorrowedFd<'_>,
    message: &mut [u8],
) -> io::Result<(usize, Option<i32>)> {
    #[repr(C)]
    struct Control {
        header: libc::cmsghdr,
        namespace: i32,
    }
    let mut part = libc::iovec {
        iov_base: message.as_mut_ptr().cast(),
        iov_len: message.len(),
    };
    // SAFETY: all zeros is a valid value of both.
    let (mut control, mut call): (Control, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    call.msg_iov = &raw mut part;
    call.msg_iovlen = 1;
    call.msg_control = (&raw mut control).cast();
    call.msg_controllen = size_of_val(&control);
    // SAFETY: the kernel writes into `message` and `control` no more than is said to be
    // there, and both live until the call returns.
    let received =
        answer(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut call, libc::MSG_DONTWAIT) })?;
    let told = call.msg_controllen >= size_of_val(&control.header) + size_of::<i32>()
        && control.header.cmsg_level == libc::SOL_NETLINK
        && control.header.cmsg_type == libc::NETLINK_LISTEN_ALL_NSID;
    Ok((received.unsigned_abs(), told.then_some(control.namespace)))
}

/// Ends this process at once: no destructors, no exit handlers, no buffers.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(code) }
}

/// -1 means: look at errno.
fn answer<T: From<i8> + PartialEq>(result: T) -> io::Result<T> {
    match result == T::from(-1) {
        true => Err(io::Error::last_os_error()),
        false => Ok(result),
    }
}
