//! What a process may ask of the kernel that only reads what it is sent, answers, and passes
//! questions on over sockets that it is given (`hermit.rs`).
//!
//! There is no way to open or to make anything: no file, no socket, no connection, no process.
//! Where a call is needed for one file and would be a way out for others, the number of the
//! file decides. So those files must stay what they are, and cannot be closed.

use super::{
    arch,
    policy::{Action, Comparison, Condition, Policy, Rule},
};

/// The line to its maker.
pub(crate) const LINE: i32 = 3;
/// The socket through which datagrams are answered, to whoever sent them.
pub(crate) const ANSWERS: i32 = 4;
/// One more file.
pub(crate) const OTHER: i32 = 5;

/// What it may do with whatever it has: wait, read, write, use memory, end.
const PLAIN: &str = "\
    read write readv writev recv recvfrom shutdown accept accept4 listen getsockopt setsockopt \
    getsockname getpeername \
    epoll_wait epoll_pwait epoll_ctl poll ppoll \
    brk munmap mremap madvise futex sched_yield sched_getaffinity rseq \
    clock_gettime clock_nanosleep nanosleep getrandom gettid getpid \
    rt_sigprocmask rt_sigreturn sigaltstack restart_syscall exit exit_group";

/// The policy for such a process on this machine.
pub(super) fn policy() -> Policy<'static> {
    let mut rules = vec![rule(PLAIN, Vec::new())];
    // Answers go where the questions came from; whatever else is sent goes where the socket is
    // connected to, which means that no address is given.
    rules.push(rule("sendto", vec![file_is(ANSWERS)]));
    rules.push(rule(
        "sendto",
        vec![argument(4, Comparison::Equal, 0, u64::MAX)],
    ));
    rules.push(rule("send", Vec::new()));
    // A message may carry an address, or files.
    rules.push(rule("sendmsg recvmsg", vec![file_is(LINE)]));
    rules.push(rule(
        "close",
        vec![argument(0, Comparison::Greater, OTHER as u64, INT)],
    ));
    // To look whether a file waits, and to make it wait or not.
    for command in [libc::F_GETFL, libc::F_SETFL, libc::F_GETFD, libc::F_SETFD] {
        let is = argument(1, Comparison::Equal, command as u64, INT);
        rules.push(rule("fcntl", vec![is]));
    }
    // Memory never becomes code.
    let not_code = argument(2, Comparison::Equal, 0, EXEC);
    rules.push(rule("mmap mprotect", vec![not_code]));
    Policy {
        default: Action::errno(libc::EPERM as u16),
        unknown: Action::errno(libc::ENOSYS as u16),
        foreign: Action::KILL_PROCESS,
        // It never becomes a 32-bit program.
        arches: vec![arch::HERE[0]],
        rules,
    }
}

/// The bits of a parameter that is an `int`.
const INT: u64 = 0xffff_ffff;
const EXEC: u64 = libc::PROT_EXEC as u64;

fn rule(names: &'static str, conditions: Vec<Condition>) -> Rule<'static> {
    Rule {
        names: names.split_ascii_whitespace().collect(),
        action: Action::ALLOW,
        conditions,
    }
}

fn file_is(number: i32) -> Condition {
    argument(0, Comparison::Equal, number as u64, INT)
}

fn argument(argument: u8, comparison: Comparison, value: u64, mask: u64) -> Condition {
    Condition {
        argument,
        mask,
        comparison,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{compile, machine};
    use super::*;

    fn verdict(name: &str, arguments: [u64; 6]) -> Action {
        let program = compile::program(&policy()).unwrap();
        let here = arch::HERE[0];
        let number = machine::number_of(here, name);
        machine::run(&program, here.audit_number(), number, arguments)
    }

    const EPERM: Action = Action::errno(libc::EPERM as u16);

    #[test]
    fn it_reads_and_answers_and_there_is_no_way_out() {
        for name in [
            "read",
            "write",
            "recvfrom",
            "accept4",
            "futex",
            "exit_group",
        ] {
            assert_eq!(verdict(name, [0; 6]), Action::ALLOW, "{name}");
        }
        for name in [
            "openat",
            "openat2",
            "socket",
            "connect",
            "bind",
            "socketpair",
            "pipe2",
            "clone",
            "clone3",
            "execve",
            "execveat",
            "kill",
            "tgkill",
            "pidfd_open",
            "pidfd_send_signal",
            "ptrace",
            "process_vm_writev",
            "unlinkat",
            "symlinkat",
            "mount",
            "setns",
            "unshare",
            "prctl",
            "capset",
            "setresuid",
            "ioctl",
            "dup3",
            "memfd_create",
            "io_uring_setup",
            "sendmmsg",
            "recvmmsg",
            "seccomp",
            "bpf",
            "prlimit64",
        ] {
            assert_eq!(verdict(name, [0; 6]), EPERM, "{name}");
        }
    }

    #[test]
    fn which_file_it_is_decides() {
        let (line, answers, other) = (LINE as u64, ANSWERS as u64, OTHER as u64);
        let address = 0x7fff_0000;
        let sendto = |file, to| verdict("sendto", [file, 0, 0, 0, to, 16]);
        assert_eq!(sendto(answers, address), Action::ALLOW);
        assert_eq!(sendto(17, 0), Action::ALLOW);
        for file in [line, other, 17] {
            assert_eq!(sendto(file, address), EPERM, "{file}");
        }
        for name in ["sendmsg", "recvmsg"] {
            assert_eq!(verdict(name, [line, 0, 0, 0, 0, 0]), Action::ALLOW);
            for file in [answers, other, 17] {
                assert_eq!(verdict(name, [file, 0, 0, 0, 0, 0]), EPERM, "{name} {file}");
            }
        }
        for file in [0, line, answers, other] {
            assert_eq!(verdict("close", [file, 0, 0, 0, 0, 0]), EPERM, "{file}");
        }
        assert_eq!(verdict("close", [6, 0, 0, 0, 0, 0]), Action::ALLOW);
        let duplicate = [17, libc::F_DUPFD_CLOEXEC as u64, 0, 0, 0, 0];
        assert_eq!(verdict("fcntl", duplicate), EPERM);
        let code = [0, 4096, (libc::PROT_READ | libc::PROT_EXEC) as u64, 0, 0, 0];
        assert_eq!(verdict("mprotect", code), EPERM);
    }
}
