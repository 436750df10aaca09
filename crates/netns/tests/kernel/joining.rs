use crate::support::{Going, Scratch, await_end, launch, launch_program, launch_sh};
use std::{
    fs,
    process::{Command, Stdio},
};

/// A container that runs until its standard input ends.
fn container(options: &[&str]) -> (Going, String) {
    let mut going = Going::start(&[options, &["sh", "-c", "echo up; cat; exit 0"]].concat());
    assert_eq!(going.line(), "up");
    let pid = going.container().to_string();
    (going, pid)
}

#[test]
fn a_joined_process_sees_the_same_world() {
    let root = Scratch::rootfs();
    let on_host = ["--net", "new"];
    let in_root = ["--net", "new", "--root", root.str(), "--init"];
    for options in [&on_host[..], &in_root, &[]] {
        let (_going, pid) = container(options);
        let join = ["--join", pid.as_str()];
        let names = "for n in mnt pid uts ipc net; do readlink /proc/self/ns/$n; done";
        let names = if options.contains(&"--root") {
            names.replace("readlink", "busybox readlink")
        } else {
            names.to_owned()
        };
        let inside = launch_sh(&join, &names).good();
        let first = launch_sh(&join, &names.replace("self", "1"));
        let expected: String = ["mnt", "pid", "uts", "ipc", "net"]
            .map(|name| fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap())
            .map(|link| format!("{}\n", link.display()))
            .concat();
        assert_eq!(inside, expected, "{options:?}");
        // Process 1 may be looked into unless it is an own init, which hides.
        assert!(
            first.out == expected || options.contains(&"--init"),
            "{first:?}"
        );
    }
}

#[test]
fn nothing_of_the_hosts_comes_along() {
    let root = Scratch::rootfs();
    let (_going, pid) = container(&["--root", root.str()]);
    let script =
        "exec 9</etc 10</; exec \"$0\" --join $1 busybox sh -c 'ls /proc/self/fd; ls /; pwd'";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(launch_program())
        .arg(&pid)
        .output();
    let out = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        ["0", "1", "2", "3", "bin", "dev", "proc", "sys", "/"]
    );
    let out = launch_sh(
        &["--join", &pid],
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status",
    )
    .good();
    let words: Vec<_> = out.split_whitespace().skip(1).step_by(2).collect();
    let (none, default) = ("0000000000000000", "00000000a80405fb");
    assert_eq!(words, [none, default, default, default, none, "1"]);
}

#[test]
fn a_joined_process_has_codes_and_a_terminal() {
    let root = Scratch::rootfs();
    let (going, pid) = container(&["--root", root.str()]);
    let join = ["--join", pid.as_str()];
    assert_eq!(launch_sh(&join, "exit 9").code, Some(9));
    assert_eq!(launch(&["--join", &pid, "nosuch"]).code, Some(127));
    assert_eq!(launch(&["--join", &pid, "/bin"]).code, Some(126));
    let (code, err) = launch(&["--join", &pid, "--user", "ghost", "true"]).bad();
    assert!(
        code == 125 && err.contains("unable to find user ghost"),
        "{err}"
    );
    let tty = ["--join", &pid, "--tty"];
    assert_eq!(
        launch_sh(&tty, "tty; stty cols 70 rows 20; stty size").good(),
        "/dev/pts/0\r\n20 70\r\n"
    );
    drop(going);
    await_end(&pid);
    let (code, err) = launch(&["--join", &pid, "true"]).bad();
    assert!(
        code == 125 && err.contains("the container is not running"),
        "{err}"
    );
}

#[test]
fn a_joined_process_dies_with_its_caller_and_with_the_container() {
    let (mut going, pid) = container(&[]);
    let joined = ["--join", &pid, "sh", "-c", "echo up; exec sleep 1000"];
    let mut caller = Going::start(&joined);
    assert_eq!(caller.line(), "up");
    let process = caller.container().to_string();
    caller.child.kill().unwrap();
    caller.child.wait().unwrap();
    await_end(&process);
    let mut caller = Going::start(&joined);
    assert_eq!(caller.line(), "up");
    going.child.kill().unwrap();
    assert_eq!(caller.child.wait().unwrap().code(), Some(137));
}

#[test]
fn a_container_that_covers_its_terminals_gets_none() {
    let (_going, pid) = container(&["--cap-add", "SYS_ADMIN"]);
    launch_sh(
        &["--join", &pid, "--cap-add", "SYS_ADMIN"],
        "mount -t tmpfs x /dev/pts",
    )
    .good();
    let output = Command::new(launch_program())
        .args(["--join", &pid, "--tty", "true"])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.contains("find the container's /dev/pts"), "{err}");
}
