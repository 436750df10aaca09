//! Commands and how they ended.

use crate::host::TestHost;
use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

/// Where commands are looked for, on every machine.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What minet says when it changes a setting of the host; it is not part of any error.
const NOTICE: &str = "turned on IPv4 forwarding";

/// A command line: `"ip link show"` is split at white space, an array is taken as it is.
pub trait Words {
    /// The program and its arguments.
    fn words(&self) -> Vec<String>;
}

impl Words for &str {
    fn words(&self) -> Vec<String> {
        self.split_whitespace().map(str::to_owned).collect()
    }
}

impl Words for String {
    fn words(&self) -> Vec<String> {
        self.as_str().words()
    }
}

impl<const N: usize> Words for [&str; N] {
    fn words(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Words for &[&str] {
    fn words(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Words for Vec<String> {
    fn words(&self) -> Vec<String> {
        self.clone()
    }
}

/// A command that has ended.
pub struct Finished<'h> {
    pub(crate) host: &'h TestHost,
    pub(crate) line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Finished<'_> {
    /// The exit code; 128 and the signal's number for what a signal killed.
    pub fn code(&self) -> i32 {
        let signal = self.status.signal().unwrap_or(0);
        self.status.code().unwrap_or(128 + signal)
    }

    /// Everything it wrote to standard output.
    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Everything it wrote to standard error.
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// How long it ran.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Fails the test unless the command succeeded; what it printed, without the last newline.
    #[track_caller]
    pub fn succeed(self) -> String {
        self.end_with(0)
    }

    /// Fails the test unless the command ended with this code; what it printed.
    #[track_caller]
    pub fn end_with(self, code: i32) -> String {
        assert_eq!(self.code(), code, "exit code\n{self}");
        self.stdout.trim_end_matches('\n').to_owned()
    }

    /// Fails the test unless minet refused with 125 and one line that has all the words.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> String {
        self.refused_with(125, words)
    }

    /// The same for another exit code.
    #[track_caller]
    pub fn refused_with(self, code: i32, words: &[&str]) -> String {
        assert_eq!(self.code(), code, "exit code\n{self}");
        let errors = self
            .stderr
            .trim_end()
            .lines()
            .filter(|line| !line.contains(NOTICE));
        assert_eq!(errors.count(), 1, "an error is one line\n{self}");
        for word in words {
            assert!(
                self.stderr.contains(word),
                "the error does not say {word:?}\n{self}"
            );
        }
        assert_eq!(self.stdout, "", "an error goes to standard error\n{self}");
        self.stderr.trim_end().to_owned()
    }

    /// The JSON document on standard output.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        assert_eq!(self.code(), 0, "exit code\n{self}");
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}\n{self}"),
        }
    }
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  command: {} (in {})", self.line, self.host)?;
        writeln!(f, "  status: {} after {:?}", self.status, self.took)?;
        writeln!(f, "  stdout:\n{}", indented(&self.stdout))?;
        write!(f, "  stderr:\n{}", indented(&self.stderr))
    }
}

pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
