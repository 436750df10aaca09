//! What no safe function offers, because it is asked for by nobody with good intentions.
#![expect(
    unsafe_code,
    reason = "system calls by number are what an attacker makes"
)]

use nix::errno::Errno;

/// Makes a system call with these arguments; none if its name is not known here.
pub(crate) fn call(name: &str, arguments: [u64; 6]) -> Option<Result<(), Errno>> {
    let number = match name {
        "add_key" => libc::SYS_add_key,
        "bpf" => libc::SYS_bpf,
        "clone3" => libc::SYS_clone3,
        "io_uring_setup" => libc::SYS_io_uring_setup,
        "kexec_load" => libc::SYS_kexec_load,
        "keyctl" => libc::SYS_keyctl,
        "mount" => libc::SYS_mount,
        "open_by_handle_at" => libc::SYS_open_by_handle_at,
        "perf_event_open" => libc::SYS_perf_event_open,
        "personality" => libc::SYS_personality,
        "ptrace" => libc::SYS_ptrace,
        "setns" => libc::SYS_setns,
        "socket" => libc::SYS_socket,
        "swapon" => libc::SYS_swapon,
        "unshare" => libc::SYS_unshare,
        "userfaultfd" => libc::SYS_userfaultfd,
        // Beyond what any kernel has.
        "newest" => 4000,
        _ => return None,
    };
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: none of these writes to memory of ours when its pointers are null, and none
    // makes a second process that would go on with this one's memory.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    Some(Errno::result(answer).map(drop))
}
