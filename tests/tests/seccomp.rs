//! Which system calls a command may make: the list, profiles, and programs that must not
//! notice any of it.

use minet_tests::TestHost;

/// What the kernel answers to a system call in a container with these options.
fn call(host: &TestHost, options: &str, call: &str) -> String {
    let probe = host.probe();
    host.run_sh(options, &format!("{probe} call {call}"))
        .succeed()
}

#[test]
fn what_administers_the_machine_is_refused() {
    let host = TestHost::new();
    let probe = host.probe();
    // All capabilities that the calls could want but the one that allows them: so it is the
    // filter that answers, not the kernel behind it.
    let calls = [
        "keyctl",
        "add_key",
        "bpf",
        "kexec_load",
        "mount",
        "unshare 268435456",
        "setns",
        "swapon",
        "io_uring_setup",
        "userfaultfd",
        "perf_event_open",
        "open_by_handle_at",
        "socket 38 5",
        "socket 40 1",
        "socket 4294967334 5",
        "personality 262144",
    ];
    let script: String = calls
        .iter()
        .map(|call| format!("echo {call}: $({probe} call {call})\n"))
        .collect();
    for options in ["", "--mode host", "--cap-add SYS_NICE", "-u 1:1"] {
        if options == "-u 1:1" && !host.has_other_users() {
            continue;
        }
        let answers = host.run_sh(options, &script).succeed();
        for (answer, call) in answers.lines().zip(calls) {
            assert_eq!(answer, format!("{call}: EPERM"), "{options}");
        }
        assert_eq!(answers.lines().count(), calls.len());
    }
}

#[test]
fn what_does_not_exist_is_told_apart_from_what_is_forbidden() {
    let host = TestHost::new();
    // A program that hears ENOSYS does without; the C library asks for clone3 first.
    assert_eq!(call(&host, "", "clone3"), "ENOSYS");
    assert_eq!(call(&host, "", "newest"), "ENOSYS");
    assert_eq!(call(&host, "", "personality 4294967295"), "done");
    // PTRACE_TRACEME.
    assert_eq!(call(&host, "", "ptrace 0"), "done");
}

#[test]
fn with_a_capability_come_its_calls() {
    let host = TestHost::new();
    // Null pointers and flags that do not exist: the kernel itself answers.
    for (options, question, answer) in [
        ("--cap-add SYS_ADMIN", "clone3", "EINVAL"),
        ("--cap-add SYS_ADMIN", "mount", "EFAULT"),
        ("--cap-add SYS_ADMIN", "keyctl", "EPERM"),
        ("--cap-add DAC_READ_SEARCH", "open_by_handle_at", "EFAULT"),
        ("--cap-add ALL", "io_uring_setup", "EPERM"),
    ] {
        assert_eq!(
            call(&host, options, question),
            answer,
            "{options} {question}"
        );
    }
}

#[test]
fn unconfined_is_unconfined() {
    let host = TestHost::new();
    let options = "--security-opt seccomp=unconfined";
    assert_eq!(call(&host, options, "io_uring_setup"), "EFAULT");
    let mode = "grep ^Seccomp: /proc/self/status";
    assert_eq!(host.run_sh(options, mode).succeed(), "Seccomp:\t0");
    assert_eq!(host.run_sh("", mode).succeed(), "Seccomp:\t2");
    assert_eq!(host.run_sh("--init", mode).succeed(), "Seccomp:\t2");
}

#[test]
fn exec_and_a_restart_have_the_same_filter() {
    let host = TestHost::new();
    let profile = host.file(
        "profile.json",
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}"#,
    );
    let (probe, profile) = (host.probe(), profile.display().to_string());
    let security = format!("seccomp={profile}");
    host.minet(format!(
        "run -d --name web --security-opt {security} -- sleep 1000"
    ))
    .succeed();
    // What counts is what the file said when the container was made.
    std::fs::remove_file(&profile).expect("remove the profile");
    let ask = || {
        host.minet(format!("exec web -- {probe} call keyctl"))
            .succeed()
    };
    assert_eq!(ask(), "ENOSPC");
    host.minet("restart -t 0 web").succeed();
    assert_eq!(ask(), "ENOSPC");
    let shown = host.inspect("web")["HostConfig"]["SecurityOpt"].to_string();
    assert!(
        shown.contains("no-new-privileges") && shown.contains("keyctl"),
        "{shown}"
    );
    host.minet("rm -f web").succeed();
    let _db = host.idle("db", "");
    let ask = host.minet(format!("exec db -- {probe} call keyctl"));
    assert_eq!(ask.succeed(), "EPERM");
}

#[test]
fn a_profile_may_allow_next_to_nothing() {
    let host = TestHost::new();
    let profile = host.file(
        "docker.json",
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "archMap": [
                {"architecture": "SCMP_ARCH_X86_64",
                 "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
            "syscalls": [
                {"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    let profile = profile.display().to_string();
    // Nothing but exec: a program cannot even end in an orderly way.
    let run = host.minet([
        "run",
        "--rm",
        "--security-opt",
        &format!("seccomp={profile}"),
        "--",
        "true",
    ]);
    assert_ne!(run.code(), 0, "{run}");
}

#[test]
fn a_bad_profile_is_refused_before_anything_is_made() {
    let host = TestHost::new();
    let before = host.snapshot();
    let bad = host.file("bad.json", r#"{"defaultAction": "SCMP_ACT_PERHAPS"}"#);
    for (option, words) in [
        (format!("seccomp={}", bad.display()), "SCMP_ACT_PERHAPS"),
        ("seccomp=/nowhere.json".to_owned(), "/nowhere.json"),
        ("apparmor=docker-default".to_owned(), "no AppArmor"),
        ("secomp=unconfined".to_owned(), "seccomp=unconfined"),
    ] {
        let run = host.minet([
            "run",
            "--rm",
            "--security-opt",
            option.as_str(),
            "--",
            "true",
        ]);
        assert!(run.code() != 0 && run.stderr().contains(words), "{run}");
    }
    before.assert_unchanged(&host);
}

#[test]
fn new_privileges_can_be_allowed() {
    let host = TestHost::new();
    let key = |options: &str, key: &str| {
        let status = format!("grep ^{key}: /proc/self/status");
        let line = host.run_sh(options, &status).succeed();
        line.split_whitespace().last().map(str::to_owned)
    };
    let allowed = "--security-opt no-new-privileges=false";
    assert_eq!(key(allowed, "NoNewPrivs").as_deref(), Some("0"));
    assert_eq!(key(allowed, "Seccomp").as_deref(), Some("2"));
    assert_eq!(key("", "NoNewPrivs").as_deref(), Some("1"));
    // The filter is as strict, and whoever is not root keeps it, too.
    assert_eq!(call(&host, allowed, "keyctl"), "EPERM");
    if host.has_other_users() {
        let options = format!("{allowed} -u 1:1");
        assert_eq!(call(&host, &options, "keyctl"), "EPERM");
    }
}

#[test]
fn ordinary_programs_do_not_notice() {
    let host = TestHost::new();
    let script = r#"
import os, socket, subprocess, threading, tempfile, select, mmap, signal, time
box = []
threads = [threading.Thread(target=lambda: box.append(1)) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(box) == 8
assert subprocess.check_output(["sh", "-c", "echo $((6*7))"]) == b"42\n"
one, other = socket.socketpair()
poll = select.epoll(); poll.register(other, select.EPOLLIN)
one.send(b"x"); assert poll.poll(2)
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname()); server.accept()[0].sendall(b"hello")
assert client.recv(5) == b"hello"
with tempfile.TemporaryFile(dir="/dev/shm") as file:
    file.truncate(4096); memory = mmap.mmap(file.fileno(), 4096); memory[:5] = b"hello"
pid = os.fork()
if pid == 0: os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
signal.setitimer(signal.ITIMER_REAL, 0.01); signal.signal(signal.SIGALRM, lambda *_: None)
os.memfd_create("x"); os.getrandom(8); os.sched_getaffinity(0); os.setpriority(os.PRIO_PROCESS, 0, 1)
print("fine")
"#;
    let file = host.file("ordinary.py", script).display().to_string();
    let python = host.minet(["run", "--rm", "--", "/usr/bin/python3", file.as_str()]);
    assert_eq!(python.succeed(), "fine");
}
