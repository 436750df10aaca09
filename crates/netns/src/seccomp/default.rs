//! What a command may ask of the kernel if nothing is said: what Docker allows, but for two
//! things. `socket` is compared by the 32 bits that the kernel looks at, and 32-bit programs
//! have no `socketcall`, whose arguments a filter cannot see: through either, `AF_ALG` and
//! `AF_VSOCK` would be had after all.
//!
//! What is left out, and why: `keyctl` and friends (keys have no namespace), `io_uring_*`
//! (does what was asked without a system call, so that no filter sees it), `userfaultfd`
//! (holds the kernel up at a place of one's choice), `bpf`, `perf_event_open`, modules,
//! `kexec_*`, `mount` and namespaces (a new user namespace makes everybody root to much of
//! the kernel), the clock, swap, quota, NUMA placement.

use super::{
    arch,
    policy::{Action, Comparison, Condition, Policy, Rule},
};
use crate::Capabilities;
use caps::Capability;

/// Files and directories, by name and by descriptor.
const FILES: &str = "\
    access chdir chmod chown chown32 close close_range creat faccessat faccessat2 \
    fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fgetxattr \
    flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 \
    ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat \
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lchown lchown32 lgetxattr \
    link linkat listmount listxattr listxattrat llistxattr lremovexattr lsetxattr lstat \
    lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 \
    readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir setxattr \
    setxattrat stat stat64 statfs statfs64 statmount statx symlink symlinkat truncate \
    truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes";

/// Reading, writing and copying; waiting for more.
const BYTES: &str = "\
    _llseek _newselect arm_fadvise64_64 arm_sync_file_range cachestat copy_file_range dup dup2 \
    dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 \
    epoll_wait epoll_wait_old eventfd eventfd2 fadvise64 fadvise64_64 fallocate fcntl fcntl64 \
    fdatasync fsync io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 \
    io_setup io_submit ioctl lseek msync pipe pipe2 poll ppoll ppoll_time64 pread64 preadv \
    preadv2 pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readv select \
    sendfile sendfile64 signalfd signalfd4 splice sync sync_file_range syncfs \
    tee vmsplice write writev";

/// Sockets; which kinds there are is decided by the argument of `socket`.
const NETWORK: &str = "\
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom \
    recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown \
    socketpair";

/// Memory and its protection.
const MEMORY: &str = "\
    brk cacheflush madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock \
    mlock2 mlockall mmap mmap2 mprotect mremap mseal munlock munlockall munmap pkey_alloc \
    pkey_free pkey_mprotect process_mrelease remap_file_pages shmat shmctl shmdt shmget";

/// Processes, threads and their limits.
const PROCESSES: &str = "\
    arch_prctl breakpoint execve execveat exit exit_group fork futex futex_requeue \
    futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu \
    getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid ioprio_get \
    ioprio_set modify_ldt pause pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv \
    process_vm_writev ptrace restart_syscall rseq sched_get_priority_max \
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler \
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr \
    sched_setparam sched_setscheduler sched_yield set_robust_list set_thread_area \
    set_tid_address set_tls setpgid setpriority setrlimit setsid ugetrlimit uretprobe vfork \
    wait4 waitid waitpid";

/// Whom a process runs as, and what it gives up.
const IDENTITY: &str = "\
    capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 \
    getresgid getresgid32 getresuid getresuid32 getuid getuid32 landlock_add_rule \
    landlock_create_ruleset landlock_restrict_self seccomp setfsgid setfsgid32 setfsuid \
    setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 \
    setresuid setresuid32 setreuid setreuid32 setuid setuid32";

/// Signals.
const SIGNALS: &str = "\
    alarm kill rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn \
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack \
    sigprocmask sigreturn tgkill tkill";

/// Clocks, timers and sleep.
const TIME: &str = "\
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime \
    clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep \
    setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 \
    timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 \
    timerfd_settime timerfd_settime64 times";

/// Message queues and semaphores.
const QUEUES: &str = "\
    ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend \
    mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop \
    semtimedop_time64";

/// What the machine says of itself.
const MACHINE: &str = "\
    getrandom sysinfo uname";

/// What comes with a capability: the calls that it was made for.
const WITH: [(Capability, &str); 14] = [
    (Capability::CAP_BPF, "bpf"),
    (Capability::CAP_DAC_READ_SEARCH, "open_by_handle_at"),
    (Capability::CAP_PERFMON, "perf_event_open"),
    (
        Capability::CAP_SYS_ADMIN,
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie \
         lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog \
         umount umount2 unshare",
    ),
    (Capability::CAP_SYS_BOOT, "reboot"),
    (Capability::CAP_SYS_CHROOT, "chroot"),
    (
        Capability::CAP_SYS_MODULE,
        "delete_module finit_module init_module",
    ),
    (
        Capability::CAP_SYS_NICE,
        "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    ),
    (Capability::CAP_SYS_PACCT, "acct"),
    (
        Capability::CAP_SYS_PTRACE,
        "kcmp pidfd_getfd process_madvise",
    ),
    (Capability::CAP_SYS_RAWIO, "ioperm iopl"),
    (
        Capability::CAP_SYS_TIME,
        "clock_settime clock_settime64 settimeofday stime",
    ),
    (Capability::CAP_SYS_TTY_CONFIG, "vhangup"),
    (Capability::CAP_SYSLOG, "syslog"),
];

/// Flags of `clone` that make namespaces, `CLONE_NEW*` in `clone(2)`.
const NEW_NAMESPACES: u64 = 0x7e02_0000;

/// The bits of a parameter that is an `int`.
const INT: u64 = 0xffff_ffff;

/// `personality(2)`: to ask, Linux, the two that 32-bit programs use, and no randomization
/// is not among them.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, INT];

/// The list for a command with these capabilities.
pub(super) fn policy(capabilities: Capabilities) -> Policy<'static> {
    let plain = [
        FILES, BYTES, NETWORK, MEMORY, PROCESSES, IDENTITY, SIGNALS, TIME, QUEUES, MACHINE,
    ];
    let held = WITH
        .into_iter()
        .filter(|(capability, _)| capabilities.include(*capability));
    let names = plain.into_iter().chain(held.map(|(_, names)| names));
    let mut rules = vec![Rule {
        names: names.flat_map(str::split_ascii_whitespace).collect(),
        action: Action::ALLOW,
        conditions: Vec::new(),
    }];
    rules.extend(sockets());
    rules.extend(
        PERSONALITIES.map(|which| allow("personality", &[int_is(Comparison::Equal, which)])),
    );
    if !capabilities.include(Capability::CAP_SYS_ADMIN) {
        rules.extend(no_namespaces());
    }
    Policy {
        default: Action::errno(libc::EPERM as u16),
        unknown: Action::errno(libc::ENOSYS as u16),
        foreign: Action::KILL_PROCESS,
        arches: arch::HERE.to_vec(),
        rules,
    }
}

/// All families but `AF_ALG`, the kernel's cryptography, and `AF_VSOCK`, the hypervisor.
fn sockets() -> [Rule<'static>; 1] {
    let not = |family: i32| int_is(Comparison::NotEqual, family as u64);
    [allow("socket", &[not(libc::AF_ALG), not(libc::AF_VSOCK)])]
}

/// Processes and threads, but no namespaces. The flags of `clone3` are in memory, where a
/// filter cannot look: who hears that it does not exist uses `clone`.
fn no_namespaces() -> [Rule<'static>; 2] {
    let none = Condition {
        argument: 0,
        mask: NEW_NAMESPACES,
        comparison: Comparison::Equal,
        value: 0,
    };
    let not_there = Rule {
        names: vec!["clone3"],
        action: Action::errno(libc::ENOSYS as u16),
        conditions: Vec::new(),
    };
    [allow("clone", &[none]), not_there]
}

/// A condition on the first argument as an `int`.
fn int_is(comparison: Comparison, value: u64) -> Condition {
    Condition {
        argument: 0,
        mask: INT,
        comparison,
        value,
    }
}

fn allow(name: &'static str, conditions: &[Condition]) -> Rule<'static> {
    Rule {
        names: vec![name],
        action: Action::ALLOW,
        conditions: conditions.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{arch::Arch, compile, machine};
    use super::*;

    /// What becomes of a system call of this machine type's.
    fn verdict(capabilities: Capabilities, arch: Arch, name: &str, arguments: [u64; 6]) -> Action {
        let program = compile::program(&policy(capabilities)).unwrap();
        let number = machine::number_of(arch, name);
        machine::run(&program, arch.audit_number(), number, arguments)
    }

    const EPERM: Action = Action::errno(libc::EPERM as u16);
    const ENOSYS: Action = Action::errno(libc::ENOSYS as u16);

    #[test]
    fn programs_get_on_and_the_machine_is_left_alone() {
        for arch in arch::HERE {
            for name in [
                "read",
                "openat",
                "execve",
                "futex",
                "ptrace",
                "bind",
                "exit_group",
            ] {
                let verdict = verdict(Capabilities::NONE, arch, name, [0; 6]);
                assert_eq!(verdict, Action::ALLOW, "{arch:?} {name}");
            }
            for name in [
                "keyctl",
                "add_key",
                "request_key",
                "bpf",
                "mount",
                "unshare",
                "setns",
                "reboot",
                "kexec_load",
                "init_module",
                "swapon",
                "io_uring_setup",
                "io_uring_enter",
                "userfaultfd",
                "perf_event_open",
                "open_by_handle_at",
                "settimeofday",
                "acct",
                "quotactl",
                "chroot",
                "mbind",
                "kcmp",
                "pivot_root",
                "fsopen",
            ] {
                let verdict = verdict(Capabilities::NONE, arch, name, [0; 6]);
                assert_eq!(verdict, EPERM, "{arch:?} {name}");
            }
        }
    }

    #[test]
    fn every_name_is_a_system_call_of_some_machine() {
        let known: std::collections::HashSet<&str> =
            [Arch::X86_64, Arch::X86, Arch::Aarch64, Arch::Arm]
                .into_iter()
                .flat_map(Arch::system_calls)
                .map(|(_, name)| name)
                .collect();
        // Names of these machines' that the table of numbers does not have yet.
        let policy = policy(Capabilities::NONE);
        let unknown: Vec<_> = policy.rules[0]
            .names
            .iter()
            .filter(|name| !known.contains(**name))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn namespaces_are_for_who_may_administer() {
        let new_user = libc::CLONE_NEWUSER as u64 | libc::SIGCHLD as u64;
        let clone = |capabilities, flags| {
            verdict(capabilities, arch::HERE[0], "clone", [flags, 0, 0, 0, 0, 0])
        };
        let admin = Capabilities::of(Capability::CAP_SYS_ADMIN);
        assert_eq!(
            clone(Capabilities::NONE, libc::SIGCHLD as u64),
            Action::ALLOW
        );
        assert_eq!(clone(Capabilities::NONE, new_user), EPERM);
        assert_eq!(clone(admin, new_user), Action::ALLOW);
        for (capabilities, expected) in [(Capabilities::NONE, ENOSYS), (admin, Action::ALLOW)] {
            assert_eq!(
                verdict(capabilities, arch::HERE[0], "clone3", [0; 6]),
                expected
            );
        }
    }

    #[test]
    fn a_socket_is_judged_by_what_the_kernel_looks_at() {
        let socket = |family: u64| {
            verdict(
                Capabilities::NONE,
                arch::HERE[0],
                "socket",
                [family, 0, 0, 0, 0, 0],
            )
        };
        for family in [
            libc::AF_INET,
            libc::AF_UNIX,
            libc::AF_NETLINK,
            libc::AF_PACKET,
        ] {
            assert_eq!(socket(family as u64), Action::ALLOW, "{family}");
        }
        for family in [libc::AF_ALG, libc::AF_VSOCK] {
            assert_eq!(socket(family as u64), EPERM, "{family}");
            assert_eq!(
                socket(family as u64 | 1 << 32),
                EPERM,
                "{family}, in disguise"
            );
        }
    }

    #[test]
    fn what_is_newer_than_this_program_is_not_there() {
        let program = compile::program(&policy(Capabilities::NONE)).unwrap();
        let here = arch::HERE[0].audit_number();
        assert_eq!(machine::run(&program, here, 5000, [0; 6]), ENOSYS);
        // The numbers of the x32 machine, which is x86_64 with another size of pointers.
        assert_eq!(machine::run(&program, here, 0x4000_0000, [0; 6]), ENOSYS);
        assert_eq!(
            machine::run(&program, 0x1234, 0, [0; 6]),
            Action::KILL_PROCESS
        );
    }

    #[test]
    fn a_personality_is_linux() {
        let personality = |which: u64| {
            verdict(
                Capabilities::NONE,
                arch::HERE[0],
                "personality",
                [which, 0, 0, 0, 0, 0],
            )
        };
        assert_eq!(personality(0xffff_ffff), Action::ALLOW);
        assert_eq!(personality(0x0004_0000), EPERM);
    }
}
