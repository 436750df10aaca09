use crate::support::{Going, Scratch, await_end, has_other_users, launch, launch_sh};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

fn status(options: &[&str]) -> Vec<String> {
    let out = launch_sh(options, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status").good();
    out.lines()
        .map(|line| line.split_whitespace().last().unwrap().to_owned())
        .collect()
}

#[test]
fn capabilities_are_those_of_the_set_and_none_can_grow() {
    let none = "0000000000000000";
    let default = "00000000a80405fb";
    assert_eq!(status(&[]), [none, default, default, default, none, "1"]);
    assert_eq!(
        status(&["--cap-drop", "ALL"]),
        [none, none, none, none, none, "1"]
    );
    let raw = "00000000a80425fb";
    assert_eq!(status(&["--cap-add", "NET_RAW"])[1..4], [raw, raw, raw]);
    assert_eq!(
        status(&["--init"]),
        [none, default, default, default, none, "1"]
    );
    if has_other_users() {
        assert_eq!(
            status(&["--user", "nobody"]),
            [none, none, none, default, none, "1"]
        );
    }
    let (_, err) = launch(&["--cap-add", "FOO", "true"]).bad();
    assert!(
        err.contains("invalid CapAdd: unknown capability: \"CAP_FOO\""),
        "{err}"
    );
}

#[test]
fn users_are_the_containers_own() {
    let root = Scratch::rootfs();
    fs::create_dir(root.join("etc")).unwrap();
    fs::write(root.join("etc/passwd"), "app:x:1234:77::/srv/app:/bin/sh\n").unwrap();
    fs::write(root.join("etc/group"), "ssl:x:9:app\nmany:x:78:\n").unwrap();
    let (code, err) = launch(&["--root", root.str(), "--user", "ghost", "id"]).bad();
    assert_eq!(code, 125);
    assert!(
        err.contains("unable to find user ghost: no matching entries in passwd file"),
        "{err}"
    );
    let app = launch_sh(
        &["--root", root.str(), "--user", "app"],
        "id -u; id -g; id -G; echo $HOME",
    );
    if !has_other_users() {
        // Root of a small user namespace is the only user there is.
        assert!(app.err.contains("become group 77"), "{app:?}");
        return;
    }
    assert_eq!(app.good(), "1234\n77\n77 9\n/srv/app\n");
    let options = [
        "--root",
        root.str(),
        "--user",
        "app:many",
        "--env",
        "HOME=/tmp",
    ];
    assert_eq!(
        launch_sh(&options, "id -G; echo $HOME").good(),
        "78\n/tmp\n"
    );
    launch_sh(
        &["--root", root.str(), "--user", "4321"],
        "echo via-path > /dev/stdout",
    )
    .good();
}

#[test]
fn commands_that_do_not_start_have_the_codes_of_shells() {
    let root = Scratch::rootfs();
    let script = |name: &str, text: &str| {
        fs::write(root.join(name), text).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    script("garbage", "\0\0\0");
    script("orphan", "#!/no/such/interpreter\n");
    for (command, code, text) in [
        (
            "nosuch",
            127,
            "exec: \"nosuch\": executable file not found in $PATH",
        ),
        (
            "/no/such",
            127,
            "exec: \"/no/such\": stat /no/such: no such file or directory",
        ),
        ("/orphan", 127, "no such file or directory"),
        ("/garbage", 126, "exec: \"/garbage\": exec format error"),
        ("/bin", 126, "exec: \"/bin\": is a directory"),
    ] {
        let (actual, err) = launch(&["--root", root.str(), command]).bad();
        assert!(
            actual == code && err.contains(text),
            "{command}: {actual} {err}"
        );
    }
    assert_eq!(launch_sh(&[], "exit 42").code, Some(42));
    assert_eq!(launch_sh(&["--init"], "exit 42").code, Some(42));
    assert_eq!(launch_sh(&["--init"], "kill -9 $$").code, Some(137));
    let (_, err) = launch(&["--workdir", "/no/where", "true"]).bad();
    assert!(
        err.contains("change to the working directory /no/where"),
        "{err}"
    );
}

#[test]
fn signals_do_what_they_do_by_default() {
    // Rust programs ignore SIGPIPE (13); what they start must not.
    let ignored = launch_sh(&[], "grep -E '^Sig(Blk|Ign)' /proc/self/status").good();
    assert!(
        ignored
            .lines()
            .all(|line| line.ends_with("0000000000000000")),
        "{ignored}"
    );
    assert_eq!(launch_sh(&[], "umask").good(), "0022\n");
}

#[test]
fn an_own_init_reaps_and_passes_signals_on() {
    let script = "(sleep 0.05 &) ; sleep 0.3; ps -eo stat,comm | grep -c Z";
    assert_eq!(launch_sh(&["--init"], script).out, "0\n");
    let script = "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut going = Going::start(&["--init", "sh", "-c", script]);
    assert_eq!(going.line(), "ready");
    let init = going.container();
    // The command may be ready before its init has let go of what it needed to start it.
    let only_three = || {
        let descriptors = fs::read_dir(format!("/proc/{init}/fd")).map(Iterator::count);
        descriptors.is_err() || descriptors.is_ok_and(|count| count == 3)
    };
    let began = Instant::now();
    while !only_three() {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "init keeps files open"
        );
        thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(init), Signal::SIGTERM).unwrap();
    assert_eq!(going.line(), "got it");
    assert_eq!(going.child.wait().unwrap().code(), Some(3));
}

#[test]
fn the_container_dies_with_its_maker() {
    for options in [&[][..], &["--init"], &["--user", "nobody"], &["--hold"]] {
        if options.contains(&"--user") && !has_other_users() {
            continue;
        }
        let mut going =
            Going::start(&[options, &["sh", "-c", "echo up; exec sleep 1000"]].concat());
        going.line();
        let process = going.container().to_string();
        going.child.kill().unwrap();
        going.child.wait().unwrap();
        await_end(&process);
    }
}

/// The kernel forgets the leash of a process that changes its user, and a command can do
/// that itself. An own init does not.
#[test]
fn an_own_init_keeps_the_leash_whatever_the_command_does() {
    if !has_other_users() {
        return;
    }
    let script = "echo up; exec setpriv --reuid 65534 --clear-groups sleep 1000";
    let mut going = Going::start(&["--init", "sh", "-c", script]);
    assert_eq!(going.line(), "up");
    let process = going.container().to_string();
    going.child.kill().unwrap();
    going.child.wait().unwrap();
    await_end(&process);
}

#[test]
fn a_prepared_process_waits_out_of_sight() {
    let mut going = Going::start(&["--hold", "sh", "-c", "echo started"]);
    let pid: i32 = going.line().parse().unwrap();
    assert_eq!(pid, going.container());
    // Not dumpable: its files in /proc belong to the real root, whoever it runs as.
    use std::os::unix::fs::MetadataExt;
    let owner = fs::metadata(format!("/proc/{pid}/status")).unwrap().uid();
    assert!(owner == 0 || owner == 65534);
    drop(going.child.stdin.take());
    assert_eq!(going.line(), "started");
    assert_eq!(going.child.wait().unwrap().code(), Some(0));
}
