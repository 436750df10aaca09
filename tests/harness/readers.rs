//! Readers of a container's hosts file, who notice whatever is not whole, and changes of it.

use crate::{Running, TestHost, binaries};
use std::{
    fs,
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant},
};

// Whoever is kept from its processor between opening and reading for longer than a writer waits
// (a quarter of a second, `docs/links.md`) proves nothing: that is a busy machine's doing.

/// A reader that maps the file; `sys.argv[1]` is there when it shall stop.
const MAPPED: &str = r##"
import mmap, os, re, sys, time
print("ready", flush=True)
reads = 0
while not os.path.exists(sys.argv[1]):
    for _ in range(64):
        began = time.monotonic()
        with open("/etc/hosts", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as map:
            text = bytes(map)
        reads += 1
        numbers = [re.findall(word + rb"-(\d+)", text) for word in (b"first", b"last")]
        whole = text.startswith(b"# minet begin\n127.0.0.1\tlocalhost\n") and text.endswith(b"\n# minet end\n")
        torn = not whole or b"\0" in text or numbers[0] != numbers[1]
        if torn and time.monotonic() - began < 0.25:
            print("torn:", text.decode(errors="replace"), flush=True)
print("read", reads, "times")
"##;

/// The tools that everybody has.
const TOOLS: &str = r##"
echo ready
reads=0
until [ -e "$0" ]; do
    began=$(date +%s%N)
    text=$(cat /etc/hosts; echo .)
    case $text in
    '# minet begin'*'localhost'*'# minet end
.') ;;
    *) [ $(($(date +%s%N) - began)) -gt 250000000 ] || echo "torn: $text" ;;
    esac
    getent -s files hosts host.minet.internal >/dev/null || echo "torn: getent found nothing"
    reads=$((reads + 2))
done
echo "read $reads times"
"##;

/// One reader of each kind in each of some containers, which reads without a pause.
pub struct Readers<'h> {
    stop: PathBuf,
    running: Vec<Running<'h>>,
}

impl<'h> Readers<'h> {
    /// Starts them, and waits until each is ready.
    pub fn start(host: &'h TestHost, containers: &[&str]) -> Self {
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

    /// Ends them: all of them have read now and then, and never anything torn.
    pub fn stop(self) {
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
pub fn change_links(host: &TestHost, changes: Range<usize>) {
    let minet = binaries::minet().display();
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

/// Lets links come and go, twice as many changes as links, while readers loop in their
/// receiver; there is hardly a moment in which nobody has the file open.
pub fn change_links_under_readers(host: &TestHost, links: usize) {
    const AT_ONCE: usize = 10;
    /// Well below what a command of the harness may take, whatever else the machine does.
    const SPELL: Duration = Duration::from_secs(8);
    host.leave("--name db", "exec sleep 1000");
    host.leave("--name web", "exec sleep 1000");
    let hosts = host.inspect("web")["HostsPath"].as_str().map(str::to_owned);
    let hosts = hosts.expect("a path");
    let inode = || {
        let seen = host.minet("exec web stat -c %d-%i /etc/hosts");
        seen.succeed()
    };
    let before = inode();
    let mut done = 0;
    while done < links {
        let began = Instant::now();
        let readers = Readers::start(host, &["web"]);
        while done < links && began.elapsed() < SPELL {
            change_links(host, done..done + AT_ONCE);
            done += AT_ONCE;
        }
        readers.stop();
    }
    assert_eq!(inode(), before);
    let left = host.sh(&format!("ls $(dirname {hosts})")).succeed();
    assert!(!left.contains("screen"), "{left}");
}
