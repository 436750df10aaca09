//! The throw-away host itself.

use crate::{Finished, Running, Words, binaries, cage::Cage, command, snapshot::Snapshot};
use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Where in the small world of a test something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The host, where minet runs.
    Host,
    /// Its neighbour on the LAN.
    Neighbour,
    /// The router, which is also the server beyond it.
    Uplink,
}

/// A machine with a network, for one test.
#[derive(Debug)]
pub struct TestHost {
    cage: Cage,
    commands: AtomicU32,
}

impl TestHost {
    /// Makes one.
    #[expect(
        clippy::new_without_default,
        reason = "making a machine is nothing to do by default"
    )]
    pub fn new() -> Self {
        TestHost {
            cage: Cage::build(),
            commands: AtomicU32::new(0),
        }
    }

    /// Plays the same on two machines: one whose kernel shows bridged frames to the rules for
    /// packets (`br_netfilter`), and one on which it does not.
    #[track_caller]
    pub fn whether_frames_are_judged_or_not(play: impl Fn(&TestHost)) {
        for judged in ["0", "1"] {
            let host = TestHost::new();
            host.sh(&format!(
                "modprobe br_netfilter 2>/dev/null || :
                 for family in ip ip6 arp; do
                     echo {judged} >/proc/sys/net/bridge/bridge-nf-call-${{family}}tables
                 done"
            ))
            .succeed();
            play(&host);
        }
    }

    /// Runs `minet` with these arguments to its end.
    pub fn minet(&self, arguments: impl Words) -> Finished<'_> {
        self.spawn_minet(arguments).finish()
    }

    /// Starts `minet` with these arguments.
    pub fn spawn_minet(&self, arguments: impl Words) -> Running<'_> {
        let mut words = vec![binaries::minet().display().to_string()];
        words.extend(arguments.words());
        self.spawn(Place::Host, words)
    }

    /// Runs a shell script in a container that is gone afterwards; `options` are those of
    /// `minet run`.
    pub fn run_sh(&self, options: impl Words, script: &str) -> Finished<'_> {
        let mut words = vec!["run".to_owned(), "--rm".to_owned()];
        words.extend(options.words());
        words.extend(["--", "sh", "-euc", script].map(str::to_owned));
        self.minet(words)
    }

    /// Leaves a shell script running in the background, and returns the container's ID.
    #[track_caller]
    pub fn leave(&self, options: &str, script: &str) -> String {
        let mut words: Vec<&str> = vec!["run", "-d"];
        words.extend(options.split_whitespace());
        words.extend(["--", "sh", "-c", script]);
        self.minet(words.as_slice()).succeed()
    }

    /// A container called `name` that does nothing for as long as it is let. It is ready.
    #[track_caller]
    pub fn idle(&self, name: &str, options: impl Words) -> Running<'_> {
        let mut words = vec!["run".to_owned(), "--name".to_owned(), name.to_owned()];
        words.extend(options.words());
        words.extend(["--", "sh", "-c", "echo ready; exec sleep 1000"].map(str::to_owned));
        let mut container = self.spawn_minet(words);
        container.wait_for("ready");
        container
    }

    /// A container in which `probe serve` listens on all of `sockets`, such as
    /// `tcp:80 udp:5000`; `options` are those of `minet run`. It is ready.
    #[track_caller]
    pub fn serve(&self, options: impl Words, sockets: &str) -> Running<'_> {
        let mut words = vec!["run".to_owned()];
        words.extend(options.words());
        words.extend(["--".to_owned(), self.probe(), "serve".to_owned()]);
        words.extend(sockets.words());
        let mut server = self.spawn_minet(words);
        server.wait_for("ready");
        server
    }

    /// `probe serve` outside of any container. It is ready.
    #[track_caller]
    pub fn serve_at(&self, place: Place, sockets: &str) -> Running<'_> {
        let mut server = self.spawn(place, format!("{} serve {sockets}", self.probe()));
        server.wait_for("ready");
        server
    }

    /// Asks a `probe serve`, which answers with the address of who it thinks has asked.
    pub fn ask(&self, place: Place, question: &str) -> Finished<'_> {
        self.spawn(place, format!("{} ask {question}", self.probe()))
            .finish()
    }

    /// The path of the probe, the same everywhere.
    pub fn probe(&self) -> String {
        binaries::probe().display().to_string()
    }

    /// Runs a command on the host.
    pub fn exec(&self, words: impl Words) -> Finished<'_> {
        self.spawn(Place::Host, words).finish()
    }

    /// Runs a shell script on the host.
    pub fn sh(&self, script: &str) -> Finished<'_> {
        self.exec(["sh", "-euc", script])
    }

    /// Runs a command on the neighbour's machine.
    pub fn lan(&self, words: impl Words) -> Finished<'_> {
        self.spawn(Place::Neighbour, words).finish()
    }

    /// Runs a command on the router.
    pub fn uplink(&self, words: impl Words) -> Finished<'_> {
        self.spawn(Place::Uplink, words).finish()
    }

    /// Starts a command somewhere.
    pub fn spawn(&self, place: Place, words: impl Words) -> Running<'_> {
        let words = words.words();
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let pid_path = self.scratch_dir().join(format!("pid.{number}"));
        let mut command = self.command(place);
        // A shell that says which process it is and then becomes the command.
        command.args(["sh", "-c", r#"echo $$ >"$0"; exec "$@""#]);
        command.arg(&pid_path).args(&words);
        Running::start(self, words.join(" "), command, pid_path)
    }

    /// `nsenter` into a place, with an environment that is the same on every machine; the
    /// program and its arguments are still to be added. For what [`TestHost::spawn`] is too
    /// impatient or too slow for.
    pub fn command(&self, place: Place) -> Command {
        let mut command = match place {
            Place::Host => {
                let mut command = self.cage.enter(self.cage.host);
                command.args(["--mount", "--uts", "--ipc", "--wd=/"]);
                command
            }
            Place::Neighbour => self.cage.enter(self.cage.neighbour),
            Place::Uplink => self.cage.enter(self.cage.uplink),
        };
        command.arg("--").env_clear();
        command
            .env("PATH", command::PATH)
            .env("LC_ALL", "C")
            .env("HOME", "/root");
        command
    }

    /// A directory for the test's own files; it has the same path on the host.
    pub fn scratch_dir(&self) -> &Path {
        &self.cage.scratch_dir
    }

    /// Writes a file into the scratch directory.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.scratch_dir().join(name);
        std::fs::write(&path, content).expect("write into the scratch directory");
        path
    }

    /// Everything that minet could leave behind, as it is now.
    #[track_caller]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::settled(self)
    }

    /// The value of a key such as `net.ipv4.ip_forward`.
    #[track_caller]
    pub fn sysctl(&self, key: &str) -> String {
        self.exec(["cat", &format!("/proc/sys/{}", key.replace('.', "/"))])
            .succeed()
    }

    /// What `minet inspect` says about one container.
    #[track_caller]
    pub fn inspect(&self, name: &str) -> serde_json::Value {
        let mut list = self.minet(["inspect", name]).json();
        let list = list.as_array_mut().filter(|list| list.len() == 1);
        list.expect("inspect prints an array of one").remove(0)
    }

    /// The IPv4 address of a container on the default network.
    #[track_caller]
    pub fn address_of(&self, name: &str) -> String {
        let inspect = self.inspect(name);
        let address = &inspect["NetworkSettings"]["Networks"]["bridge"]["IPAddress"];
        let address = address.as_str().filter(|address| !address.is_empty());
        address
            .unwrap_or_else(|| panic!("no address in {inspect:#}"))
            .to_owned()
    }

    /// Whether more than one user exists here: not in a namespace that maps root alone.
    pub fn has_other_users(&self) -> bool {
        let map = self.exec("cat /proc/self/uid_map").succeed();
        map.split_whitespace().nth(2) != Some("1")
    }
}

impl fmt::Display for TestHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scratch_dir().display())
    }
}

impl Drop for TestHost {
    /// A failed test shows the machine it failed on.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let script = "ip -brief address; nft list ruleset; busybox ps; find /run /var/lib/minet";
        if let Ok(output) = self
            .command(Place::Host)
            .args(["sh", "-c", script])
            .output()
        {
            eprintln!(
                "the host at that moment:\n{}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
    }
}
