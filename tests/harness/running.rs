//! Commands that still run, and what they have said so far.

use crate::{Finished, TestHost, command::indented};
use std::{
    io::Read,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A command in the background. When the value is dropped, the command is killed at the
/// latest with its host.
pub struct Running<'h> {
    host: &'h TestHost,
    line: String,
    child: Child,
    started: Instant,
    stdout: Listener,
    stderr: Listener,
    pid_path: PathBuf,
}

impl<'h> Running<'h> {
    /// Starts the command; `pid_path` is where it leaves the process ID that it has inside.
    pub(crate) fn start(
        host: &'h TestHost,
        line: String,
        mut command: Command,
        pid_path: PathBuf,
    ) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let stdout = Listener::listen(child.stdout.take().expect("a pipe"));
        let stderr = Listener::listen(child.stderr.take().expect("a pipe"));
        Running {
            host,
            line,
            child,
            started: Instant::now(),
            stdout,
            stderr,
            pid_path,
        }
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.heard()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.heard()
    }

    /// Waits until standard output contains this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("its output to contain {text:?}"), |run| {
            run.stdout().contains(text)
        });
    }

    /// Waits until the condition holds; fails the test if the command ends before.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        while !condition(self) {
            if let Some(status) = self.child.try_wait().expect("wait") {
                self.stdout.finish();
                self.stderr.finish();
                if condition(self) {
                    return;
                }
                panic!(
                    "waiting for {what}, but it ended: {status}\n{}",
                    self.report()
                );
            }
            if self.started.elapsed() > PATIENCE {
                panic!("waiting for {what} took too long\n{}", self.report());
            }
            thread::sleep(Duration::from_millis(3));
        }
    }

    /// Its process ID inside the host.
    pub fn pid(&mut self) -> u32 {
        let path = self.pid_path.clone();
        let read = || std::fs::read_to_string(&path).ok()?.trim().parse().ok();
        self.wait_until("its process ID", |_| read().is_some());
        read().expect("it was there a moment ago")
    }

    /// Sends a signal, such as `TERM`, to the command itself.
    #[track_caller]
    pub fn signal(&mut self, signal: &str) {
        let pid = self.pid();
        self.host
            .exec(["kill", "-s", signal, &pid.to_string()])
            .succeed();
    }

    /// Stops it as soon as it is at rest: so that it does not notice what the test does, and
    /// holds nothing that others wait for, as a transaction of the store.
    #[track_caller]
    pub fn freeze(&mut self) {
        let pid = self.pid();
        let at_rest = || {
            let status = self.host.exec(["cat", &format!("/proc/{pid}/status")]);
            let lines = status.stdout().lines();
            let wanted = |line: &&str| line.starts_with("State") || line.starts_with("voluntary");
            lines.filter(wanted).map(str::to_owned).collect::<Vec<_>>()
        };
        crate::eventually("the command to come to rest", || {
            let before = at_rest();
            thread::sleep(Duration::from_millis(100));
            before[0].contains("(sleeping)") && before == at_rest()
        });
        self.signal("STOP");
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Finished<'h> {
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            if self.started.elapsed() > PATIENCE {
                panic!("it still runs after {PATIENCE:?}\n{}", self.report());
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        self.finished(status)
    }

    fn finished(mut self, status: ExitStatus) -> Finished<'h> {
        let took = self.started.elapsed();
        self.stdout.finish();
        self.stderr.finish();
        Finished {
            host: self.host,
            line: self.line.clone(),
            status,
            stdout: self.stdout.heard(),
            stderr: self.stderr.heard(),
            took,
        }
    }

    fn report(&self) -> String {
        let (stdout, stderr) = (indented(&self.stdout()), indented(&self.stderr()));
        format!(
            "  command: {}\n  stdout:\n{stdout}  stderr:\n{stderr}",
            self.line
        )
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // What it started inside the host dies with the host's PID 1.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// A thread that reads a pipe to its end.
struct Listener {
    heard: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn listen(mut pipe: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                notes.extend_from_slice(&buffer[..count]);
            }
        });
        Listener {
            heard,
            thread: Some(thread),
        }
    }

    fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Reads the rest, unless somebody else still holds the pipe's other end.
    fn finish(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let started = Instant::now();
        while !thread.is_finished() && started.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
