//! How a run ends: the command's own code, or 125, 126, 127, or 128 and a signal.

use minet_tests::TestHost;
use std::time::Duration;

#[test]
fn the_commands_exit_code_is_minets() {
    let host = TestHost::new();
    for code in [0, 1, 7, 255] {
        for options in ["", "--mode none", "--mode host", "--init"] {
            assert_eq!(
                host.run_sh(options, &format!("exit {code}")).code(),
                code,
                "{options}"
            );
        }
    }
}

#[test]
fn a_command_that_does_not_exist_is_127_and_one_that_cannot_be_run_126() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("run --rm -- no-such-command")
        .refused_with(127, &["no-such-command"]);
    host.minet("run --rm -- /no/such/command")
        .refused_with(127, &["/no/such/command"]);
    host.minet("run --rm -- /etc/passwd")
        .refused_with(126, &["/etc/passwd"]);
    host.minet("run --rm -- /etc").refused_with(126, &["/etc"]);
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_command_without_an_interpreter_is_127() {
    let host = TestHost::new();
    let script = host
        .file("script", "#!/no/such/interpreter\n")
        .display()
        .to_string();
    host.exec(["chmod", "+x", &script]).succeed();
    host.minet(["run", "--rm", "--", &script])
        .refused_with(127, &["script"]);
}

#[test]
fn a_signal_is_128_and_its_number() {
    let host = TestHost::new();
    for (signal, code) in [("KILL", 137), ("TERM", 143), ("INT", 130)] {
        let script = format!("kill -s {signal} $$; sleep 5");
        assert_eq!(host.run_sh("--init", &script).code(), code, "{signal}");
    }
}

#[test]
fn a_command_killed_from_outside_is_137() {
    let host = TestHost::new();
    let web = host.idle("web", "--rm");
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    host.exec(["kill", "-s", "KILL", &pid]).succeed();
    assert_eq!(web.finish().code(), 137);
}

#[test]
fn signals_reach_the_command() {
    let host = TestHost::new();
    for (signal, options) in [
        ("TERM", ""),
        ("INT", ""),
        ("HUP", ""),
        ("USR1", ""),
        ("TERM", "--init"),
    ] {
        let script = format!(
            "trap 'echo got {signal}; exit 5' {signal}; echo ready; while :; do sleep 0.05; done"
        );
        let mut words = vec!["run", "--rm"];
        words.extend(options.split_whitespace());
        words.extend(["--", "sh", "-c", &script]);
        let mut run = host.spawn_minet(&words[..]);
        run.wait_for("ready");
        run.signal(signal);
        assert_eq!(run.finish().end_with(5), format!("ready\ngot {signal}"));
    }
}

#[test]
fn a_command_that_knows_no_signals_ends_at_sigterm_all_the_same() {
    // As PID 1 of its namespace it would ignore what it does not handle.
    let host = TestHost::new();
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let mut run = host.idle("web", "--rm");
        run.signal(signal);
        let run = run.finish();
        assert!(run.took() < Duration::from_secs(5), "{run}");
        run.end_with(code);
    }
}

#[test]
fn orphans_are_reaped_and_do_not_hold_up_the_end() {
    let host = TestHost::new();
    let script = "sh -c 'sleep 1000 & sleep 0.01 &'; sleep 0.1; exit 3";
    for options in ["", "--init"] {
        let run = host.run_sh(options, script);
        assert!(run.took() < Duration::from_secs(5), "{run}");
        run.end_with(3);
    }
}
