//! Hosts files that are rewritten while they are read without a pause.

use minet_tests::{Readers, TestHost, change_links, change_links_under_readers};

fn inode(host: &TestHost, container: &str) -> String {
    host.minet(format!("exec {container} stat -c %d-%i /etc/hosts"))
        .succeed()
}

/// `cargo xtask soak` makes thousands of changes.
#[test]
fn readers_never_see_a_torn_file() {
    change_links_under_readers(&TestHost::new(), 150);
}

/// Whoever keeps the file open is waited for no longer than is reasonable, and the others are
/// none the worse for it; nor are those in a container that has it from another.
#[test]
fn one_that_keeps_the_file_open_harms_no_other_reader() {
    let host = TestHost::new();
    host.leave("--name db", "exec sleep 1000");
    host.leave("--name web", "exec sleep 1000 </etc/hosts");
    host.leave("--name guest --network container:web", "exec sleep 1000");
    let readers = Readers::start(&host, &["web", "guest"]);
    change_links(&host, 0..10);
    readers.stop();
    assert_eq!(inode(&host, "web"), inode(&host, "guest"));
}

/// Whether it goes into the file or into what is shown in its place for a moment.
#[test]
fn what_a_user_writes_meanwhile_stays() {
    let host = TestHost::new();
    host.leave("--name db", "exec sleep 1000");
    host.leave("--name web", "exec sleep 1000");
    let readers = Readers::start(&host, &["web"]);
    let write = "for i in $(seq 200); do echo 10.9.8.$i mine-$i >>/etc/hosts; sleep 0.01; done";
    let writer = host.spawn_minet(["exec", "web", "sh", "-c", write]);
    for round in 0..5 {
        change_links(&host, round * 10..round * 10 + 10);
    }
    writer.finish().succeed();
    let text = host.minet("exec web cat /etc/hosts").succeed();
    assert_eq!(text.matches(" mine-").count(), 200, "{text}");
    assert!(!text.contains("first-"), "{text}");
    drop(readers);
}

/// A writer that is killed leaves the container with the screen; the next command takes it
/// away.
#[test]
fn a_screen_that_a_crash_has_left_goes() {
    let host = TestHost::new();
    host.leave("--name db", "exec sleep 1000");
    // The writer waits for this one with the screen up.
    host.leave("--name web", "exec sleep 1000 </etc/hosts");
    let before = inode(&host, "web");
    let hosts = host.inspect("web")["HostsPath"].as_str().map(str::to_owned);
    let screen = format!("{}.screen", hosts.expect("a path"));
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    // It is up for as long as that one is waited for, a quarter of a second.
    let minet = minet_tests::minet().display();
    let kill = format!(
        "{minet} link db:killed web & writer=$!
        until [ -e {screen} ]; do kill -0 $writer || exit 1; done
        sleep 0.05
        kill -KILL $writer; wait $writer || true"
    );
    host.sh(&kill).succeed();
    // Without a command of minet's, which would put it right.
    let seen = host.sh(&format!("stat -c %d-%i /proc/{pid}/root/etc/hosts"));
    assert_ne!(seen.succeed(), before, "the screen");
    host.minet("ps").succeed();
    assert_eq!(inode(&host, "web"), before);
    assert_ne!(host.sh(&format!("test -e {screen}")).code(), 0);
    host.minet("link db:last web").succeed();
    let text = host.minet("exec web cat /etc/hosts").succeed();
    assert!(text.contains(" last "), "{text}");
}
