//! One file per subcommand.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod dns;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod gc;
pub(crate) mod inspect;
pub(crate) mod leases;
pub(crate) mod link;
pub(crate) mod logs;
pub(crate) mod manual;
pub(crate) mod network;
pub(crate) mod nsenter;
pub(crate) mod port;
pub(crate) mod prune;
pub(crate) mod ps;
pub(crate) mod publish;
pub(crate) mod rename;
pub(crate) mod repair;
pub(crate) mod restore;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod top;
pub(crate) mod veth;
pub(crate) mod wait;

use crate::{format::BadTemplate, output::visible};
use minet_runtime::{Error, Paths, Purpose, Runtime};

/// What is printed before the program exits, and with what code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Failure {
    /// A failure of `run` or `exec`, whose exit codes tell minet's own failures apart.
    pub(crate) fn of_container(error: &Error) -> Self {
        Failure {
            message: in_one_line(error),
            code: error.exit_code(),
        }
    }

    /// A template that cannot be read or filled in.
    pub(crate) fn of_template(error: &gotmpl::TemplateError) -> Self {
        Failure {
            message: format!("template parsing error: {error}"),
            code: 1,
        }
    }

    /// A list's template that cannot be read or filled in.
    pub(crate) fn of_list(error: &BadTemplate) -> Self {
        Failure {
            message: error.to_string(),
            code: 1,
        }
    }

    /// Several failures of one subcommand, a line each.
    pub(crate) fn of_all(errors: &[Error]) -> Self {
        let lines: Vec<String> = errors.iter().map(in_one_line).collect();
        Failure {
            message: lines.join("\nminet: "),
            code: 1,
        }
    }

    /// A failure of any other subcommand.
    pub(crate) fn of_command(error: &Error) -> Self {
        Failure {
            message: in_one_line(error),
            code: 1,
        }
    }
}

fn in_one_line(error: &Error) -> String {
    let mut text = visible(&error.chain());
    if let Error::Step(failed) = error {
        for left in &failed.left_behind {
            text.push_str(&format!("; then failed to {left}"));
        }
    }
    text
}

fn open(paths: Paths) -> Result<Runtime, Error> {
    Runtime::open(paths, Purpose::Act)
}

/// Does the same for each of several containers: all are tried, all failures are told.
fn for_each(
    containers: &[String],
    mut act: impl FnMut(&str) -> Result<(), Error>,
) -> Result<u8, Failure> {
    let mut failures = Vec::new();
    for container in containers {
        if let Err(error) = act(container) {
            failures.push(error);
        }
    }
    together(&failures)
}

/// Success if nothing failed, else one line for each failure.
fn together(failures: &[Error]) -> Result<u8, Failure> {
    if failures.is_empty() {
        return Ok(0);
    }
    let lines: Vec<String> = failures.iter().map(in_one_line).collect();
    Err(Failure {
        message: lines.join("\nminet: "),
        code: 1,
    })
}
