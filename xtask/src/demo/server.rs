//! The web server that the demo starts with minet, and what minet says about it.

use super::picture::Facts;
use crate::{say, shell};
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that began before the port was published leads nowhere, however long one
/// waits: the kernel decides on the way of a connection once. So rather begin another.
const ATTEMPT: Duration = Duration::from_millis(200);

/// `minet run … -- busybox httpd`, running.
pub(super) struct Server {
    minet: PathBuf,
    name: &'static str,
    child: Child,
}

impl Server {
    /// Starts the server and waits until its published port answers.
    pub(super) fn start(
        minet: &Path,
        name: &'static str,
        port: u16,
        page_dir: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(minet);
        command
            .args([
                "run",
                "--rm",
                "--explain",
                "--mode",
                "bridge",
                "--name",
                name,
            ])
            .args(["-p", &format!("{port}:80"), "--"])
            .args(["busybox", "httpd", "-f", "-h"])
            .arg(page_dir);
        println!("   $ minet {}\n", words_of(&command));
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", minet.display()))?;
        if let Some(steps) = child.stderr.take() {
            thread::spawn(move || print_indented(steps));
        }
        let mut server = Server {
            minet: minet.to_owned(),
            name,
            child,
        };
        server.wait_for_port(port)?;
        Ok(server)
    }

    fn wait_for_port(&mut self, port: u16) -> Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let started = Instant::now();
        while TcpStream::connect_timeout(&address, ATTEMPT).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("minet ended before the web server answered: {status}");
            }
            if started.elapsed() > PATIENCE {
                bail!("the web server does not answer on {address}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What `minet inspect` says.
    pub(super) fn inspect(&self) -> Result<Facts> {
        let json = shell::output_of(Command::new(&self.minet).args(["inspect", self.name]))?;
        Facts::from_inspect(&json)
    }

    /// Ends the server as Ctrl-C or a service manager would: by asking minet.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        shell::run(Command::new("kill").args(["-TERM", &pid]))?;
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            if started.elapsed() > PATIENCE {
                bail!("minet still runs {} s after SIGTERM", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(10));
        }
        say::line("the web server, its namespace, its cable and its port are gone");
        Ok(())
    }
}

impl Drop for Server {
    /// Where something failed in between: minet cleans up when it is told to end.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = self.child.id().to_string();
            if shell::succeeds(Command::new("kill").args(["-TERM", &pid])) {
                let _ = self.child.wait();
            }
        }
    }
}

fn print_indented(steps: impl Read) {
    for line in BufReader::new(steps).lines().map_while(|line| line.ok()) {
        say::line(&line);
    }
}

fn words_of(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}
