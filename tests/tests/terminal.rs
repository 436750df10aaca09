//! `-t`, `-i`: a real terminal, and standard input.

use minet_tests::{Terminal, TestHost, minet};

/// Says that it goes on, and goes on. A process of its own says so: a shell between its
/// `fork` and `exec` may miss a signal.
const GO_ON: &str = "sh -c 'echo going-$((40 + 2)); exec sleep 1000'\r";

#[test]
fn a_shell_has_a_terminal_of_the_right_size() {
    let host = TestHost::new();
    let mut terminal = Terminal::minet(&host, "run --rm -it -- sh");
    terminal.type_in("tty; stty size; test -t 0 && test -t 1 && echo yes-$((40 + 2))\r");
    terminal.wait_for("yes-42");
    let screen = terminal.screen();
    assert!(screen.contains("/dev/"), "{screen}");
    assert!(screen.contains("24 80"), "{screen}");
    terminal.resize(40, 100);
    terminal.type_in("sleep 0.2; stty size; echo resized-$((40 + 2))\r");
    terminal.wait_for("resized-42");
    assert!(
        terminal.screen().contains("40 100"),
        "{}",
        terminal.screen()
    );
    terminal.type_in("exit 4\r");
    terminal.finish().end_with(4);
}

#[test]
fn ctrl_c_is_for_the_program_in_the_foreground() {
    let host = TestHost::new();
    let mut terminal = Terminal::minet(&host, "run --rm -it -- sh");
    terminal.type_in(GO_ON);
    terminal.wait_for("going-42");
    terminal.type_in("\u{3}");
    terminal.type_in("echo still-$((40 + 2)) $?\r");
    terminal.wait_for("still-42");
    terminal.type_in("\u{4}");
    assert!(terminal.finish().took().as_secs() < 20);
}

#[test]
fn ctrl_z_stops_a_job_and_not_minet() {
    let host = TestHost::new();
    let mut terminal = Terminal::minet(&host, "run --rm -it -- bash --norc -i");
    terminal.type_in(GO_ON);
    terminal.wait_for("going-42");
    terminal.type_in("\u{1a}");
    terminal.wait_for("Stopped");
    terminal.type_in("jobs; kill %1; exit 0\rexit 0\r");
    terminal.finish();
}

#[test]
fn the_users_terminal_is_given_back_as_it_was() {
    let host = TestHost::new();
    let terminal = Terminal::minet(&host, "ps");
    let before = terminal.attributes();
    let mut terminal = Terminal::minet(&host, "run --rm --name web -it -- sh");
    terminal.type_in("echo raw-$((40 + 2))\r");
    terminal.wait_for("raw-42");
    assert_ne!(terminal.attributes(), before, "minet passes every key on");
    terminal.type_in("exit\r");
    terminal.finish().end_with(0);
    assert_eq!(terminal.attributes(), before);
    let mut terminal = Terminal::minet(&host, "run --rm -it -- no-such-command");
    terminal.finish().end_with(127);
    assert_eq!(terminal.attributes(), before);
}

#[test]
fn ctrl_c_without_a_terminal_of_its_own_ends_the_command() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut terminal = Terminal::minet(&host, "run --rm --name web -- sleep 1000");
    host.sh(
        "for n in $(seq 500); do MINET ps | grep -q web && exit; sleep 0.01; done; exit 1"
            .replace("MINET", &minet().display().to_string())
            .as_str(),
    )
    .succeed();
    terminal.type_in("\u{3}");
    terminal.finish().end_with(130);
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn exec_gets_a_terminal_too() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let mut terminal = Terminal::minet(&host, "exec -it web -- sh");
    terminal.type_in("test -t 0 && stty size && hostname && exit 6\r");
    terminal.finish().end_with(6);
    assert!(terminal.screen().contains("24 80"), "{}", terminal.screen());
}

#[test]
fn a_terminal_cannot_be_made_of_a_pipe() {
    let host = TestHost::new();
    host.minet("run --rm -it -- true").refused(&["not a TTY"]);
}

#[test]
fn standard_input_is_passed_on_if_asked() {
    let host = TestHost::new();
    let minet = minet().display().to_string();
    let cat = |options: &str| host.sh(&format!("echo hello | {minet} run --rm {options} -- cat"));
    assert_eq!(cat("-i").succeed(), "hello");
    assert_eq!(cat("").succeed(), "");
    let large = format!("head -c 3000000 /dev/zero | {minet} run --rm -i -- wc -c");
    assert_eq!(host.sh(&large).succeed(), "3000000");
    let _web = host.idle("web", "");
    assert_eq!(
        host.sh(&format!("echo hello | {minet} exec -i web -- cat"))
            .succeed(),
        "hello"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_disaster() {
    let host = TestHost::new();
    let minet = minet().display().to_string();
    let script = format!("{minet} run --rm -- sh -c 'yes | head -n 100000' | head -n 1");
    assert_eq!(host.sh(&script).succeed(), "y");
}

/// A label with which somebody who may start containers would command the terminal of
/// whoever lists them: clear the screen, and two other ways to begin such a sequence.
const HOSTILE: &str = "evil=\u{1b}[2J\u{9b}31m\u{7}\r";

/// Whatever is listed, no byte of it reaches a terminal as a command.
#[test]
fn no_escape_sequence_reaches_a_terminal() {
    let host = TestHost::new();
    host.minet(["network", "create", "--label", HOSTILE, "front"])
        .succeed();
    let run = [
        "run",
        "-d",
        "--name",
        "web",
        "--network",
        "front",
        "-p",
        "8080:80",
        "-l",
        HOSTILE,
        "-e",
        HOSTILE,
        "--",
        "sh",
        "-c",
        "exec sleep 1000",
        HOSTILE,
    ];
    host.minet(run).succeed();
    let with_label = "{{.Label \"evil\"}} {{.Labels}}";
    let columns = "table {{.Label \"evil\"}}\t{{.Labels}}";
    let environment = "{{json .Config.Env}} {{.Config.Labels}} {{range .Config.Env}}{{.}}{{end}}";
    let commands: [&[&str]; 18] = [
        &["ps"],
        &["ps", "--no-trunc"],
        &["ps", "--format", with_label],
        &["ps", "--format", columns],
        &["ps", "--format", "json"],
        &["inspect", "web"],
        &["inspect", "--format", environment, "web"],
        &["network", "ls"],
        &["network", "ls", "--format", with_label],
        &["network", "inspect", "front"],
        &["leases"],
        &["veth"],
        &["port", "web"],
        &["top", "web"],
        &["check"],
        &["rm", HOSTILE],
        &["inspect", HOSTILE],
        &[
            "run",
            "--dry-run",
            "--script",
            "-l",
            HOSTILE,
            "-e",
            HOSTILE,
            "--",
            "true",
            HOSTILE,
        ],
    ];
    for command in commands {
        let mut terminal = Terminal::minet(&host, command);
        let screen = terminal.finish().stdout().to_owned();
        assert!(
            !screen.is_empty() || command == ["check"],
            "{command:?} printed nothing"
        );
        let raw = screen
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(raw, None, "{command:?}: {screen:?}");
    }
    // Whoever reads it by program gets what was given.
    let label = host.minet(["ps", "--format", "{{.Label \"evil\"}}"]);
    assert_eq!(
        label.stdout().trim_end_matches('\n'),
        HOSTILE.split_once('=').unwrap().1
    );
    let json: serde_json::Value =
        serde_json::from_str(&host.minet(["ps", "--format", "json"]).succeed()).unwrap();
    assert!(json["Labels"].as_str().unwrap().contains('\u{9b}'));
}
