//! Hosts files that are rewritten thousands of times while they are read without a pause.

use minet_tests::{Running, TestHost};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A reader that maps the file; `sys.argv[1]` is there when it shall stop.
const MAPPED: &str = r##"
import mmap, os, re, sys
print("ready", flush=True)
reads = 0
while not os.path.exists(sys.argv[1]):
    for _ in range(64):
        with open("/etc/hosts", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as map:
            text = bytes(map)
        reads += 1
        numbers = [re.findall(word + rb"-(\d+)", text) for word in (b"first", b"last")]
        whole = text.startswith(b"# minet begin\n127.0.0.1\tlocalhost\n") and text.endswith(b"\n# minet end\n")
        if not whole or b"\0" in text or numbers[0] != numbers[1]:
            print("torn:", text.decode(errors="replace"), flush=True)
print("read", reads, "times")
"##;

/// The tools that everybody has.
const TOOLS: &str = r##"
echo ready
reads=0
until [ -e "$0" ]; do
    text=$(cat /etc/hosts; echo .)
    case $text in
    '# minet begin'*'localhost'*'# minet end
.') ;;
    *) echo "torn: $text" ;;
    esac
    getent -s files hosts host.minet.internal >/dev/null || echo "torn: getent found nothing"
    reads=$((reads + 2))
done
echo "read $reads times"
"##;

/// One reader of each kind in each of some containers.
struct Readers<'h> {
    stop: PathBuf,
    running: Vec<Running<'h>>,
}

impl<'h> Readers<'h> {
    fn start(host: &'h TestHost, containers: &[&str]) -> Self {
        let stop = host.scratch_dir().join("stop");
        let _ = fs::remove_file(&stop);
        let (probe, until) = (host.probe(), stop.display().to_string());
        let kinds = [
            vec!["python3", "-c", MAPPED, &until],
            vec!["sh", "-c", TOOLS, &until],
            vec![&probe, "read", "pieces", "/etc/hosts", &until],
            vec![&probe, "read", "whole", "/etc/hosts", &until],
        ];
        let mut running = Vec::new();
        for container in containers {
            for kind in &kinds {
                let words = [&["exec", container], &kind[..]].concat();
                let mut reader = host.spawn_minet(words.as_slice());
                reader.wait_for("ready");
                running.push(reader);
            }
        }
        Readers { stop, running }
    }

    /// All of them have read now and then, and never anything torn.
    fn stop(self) {
        fs::write(&self.stop, "").expect("tell the readers to stop");
        for reader in self.running {
            let said = reader.finish().succeed();
            assert!(!said.contains("torn"), "{said}");
            let reads = said.lines().last().and_then(|line| {
                let words = line.strip_prefix("read ")?.strip_suffix(" times")?;
                words.parse::<u64>().ok()
            });
            assert!(reads.expect("how often it read") >= 20, "{said}");
        }
    }
}

/// So many links, long ones and short ones, come and go.
fn change(host: &TestHost, changes: std::ops::Range<usize>) {
    let minet = minet_tests::minet().display();
    let (first, last) = (changes.start, changes.end - 1);
    let script = format!(
        "for i in $(seq {first} {last}); do
            names=$(seq -s, -f \"a-name-$i-%g.example.org\" $((1 + i * 7 % 60)))
            {minet} link db:first-$i,$names,last-$i web
            {minet} unlink db web
        done"
    );
    host.sh(&script).succeed();
}

fn inode(host: &TestHost, container: &str) -> String {
    host.minet(format!("exec {container} stat -c %d-%i /etc/hosts"))
        .succeed()
}

/// Two thousand changes. There is hardly a moment in which nobody has the file open.
#[test]
fn readers_never_see_a_torn_file() {
    const LINKS: usize = 1000;
    const AT_ONCE: usize = 10;
    /// Well below what a command of the harness may take, whatever else the machine does.
    const SPELL: Duration = Duration::from_secs(8);
    let host = TestHost::new();
    host.leave("--name db", "exec sleep 1000");
    host.leave("--name web", "exec sleep 1000");
    let before = inode(&host, "web");
    let mut done = 0;
    while done < LINKS {
        let began = Instant::now();
        let readers = Readers::start(&host, &["web"]);
        while done < LINKS && began.elapsed() < SPELL {
            change(&host, done..done + AT_ONCE);
            done += AT_ONCE;
        }
        readers.stop();
    }
    assert_eq!(inode(&host, "web"), before);
    let hosts = host.inspect("web")["HostsPath"].as_str().map(str::to_owned);
    let left = host.sh(&format!("ls $(dirname {})", hosts.expect("a path")));
    let left = left.succeed();
    assert!(!left.contains("screen"), "{left}");
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
    change(&host, 0..10);
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
    change(&host, 0..60);
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
