//! A throw-away host, and this program on it.

use crate::{figure::Figure, race::Effort};
use anyhow::{Context, Result, bail, ensure};
use minet_tests::{Place, TestHost};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A host for one group.
pub(crate) struct Session {
    pub(crate) host: TestHost,
    pub(crate) effort: Effort,
}

/// What a group reports, one JSON line for each.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Told {
    Figure(Figure),
    /// What could not be measured, and why.
    Missing(String),
}

/// Tells whoever has called `inside`.
pub(crate) fn tell(told: &Told) -> Result<()> {
    println!("{}", serde_json::to_string(told)?);
    Ok(())
}

impl Session {
    pub(crate) fn new(effort: Effort) -> Self {
        Session {
            host: TestHost::new(),
            effort,
        }
    }

    /// A command somewhere; it dies with the host.
    pub(crate) fn command(&self, place: Place, line: &str) -> Command {
        let mut command = self.host.command(place);
        command.args(line.split_whitespace());
        command.env("MINET_BIN", minet_tests::minet());
        command
    }

    /// This program, as it is called there.
    pub(crate) fn ourselves() -> Result<String> {
        let path = std::env::current_exe().context("find the running program")?;
        Ok(path.display().to_string())
    }

    /// Takes a group's figures on the host, as they come; `heard` is told each.
    pub(crate) fn inside(
        &self,
        group: &str,
        bound: Duration,
        heard: &mut dyn FnMut(Told),
    ) -> Result<()> {
        let quick = self.effort.choose("--quick", "");
        let line = format!("{} inside {group} {quick}", Self::ourselves()?);
        let mut child = self
            .command(Place::Host, &line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("run {line}"))?;
        let heard_all = listen(&mut child, bound, heard);
        if heard_all.is_err() {
            // Everything else of it dies with the host.
            let _ = child.kill();
        }
        let status = child.wait()?;
        heard_all?;
        ensure!(status.success(), "group {group} ended with {status}");
        Ok(())
    }

    /// Runs a line to its end and returns what it prints.
    pub(crate) fn output(&self, place: Place, line: &str, bound: Duration) -> Result<String> {
        let mut child = self
            .command(place, line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("run {line}"))?;
        let began = Instant::now();
        // Small outputs only: they fit into the pipe.
        while child.try_wait()?.is_none() {
            if began.elapsed() > bound {
                let _ = child.kill();
                let _ = child.wait();
                bail!("{line}: still running after {bound:?}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{line}: {} {text}", errors.trim());
        Ok(text)
    }

    /// A directory on the host for one server's own files.
    pub(crate) fn scratch(&self, name: &str) -> String {
        let dir = self.host.scratch_dir().join(name);
        // If it cannot be made, the server says so.
        let _ = std::fs::create_dir_all(&dir);
        dir.display().to_string()
    }

    /// `minet` with these arguments.
    pub(crate) fn minet(&self, arguments: &str) -> Result<String> {
        let line = format!("{} {arguments}", minet_tests::minet().display());
        self.output(Place::Host, &line, Duration::from_secs(60))
    }

    /// Leaves a command running in the background until the host is gone.
    pub(crate) fn leave(&self, place: Place, line: &str) -> Result<Left> {
        let child = self
            .command(place, line)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("run {line}"))?;
        Ok(Left(child))
    }
}

/// A command in the background, ended when it is dropped.
pub(crate) struct Left(Child);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listen(child: &mut Child, bound: Duration, heard: &mut dyn FnMut(Told)) -> Result<()> {
    let stdout = child.stdout.take().context("standard output is a pipe")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let deadline = Instant::now() + bound;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(rest) {
            Ok(line) => heard(serde_json::from_str(&line).with_context(|| line.clone())?),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("not finished after {bound:?}"),
        }
    }
}
