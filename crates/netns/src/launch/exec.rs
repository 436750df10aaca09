use super::{LaunchError, Message};
use crate::{
    command::{CommandError, candidates, path_in},
    failure::{Doing, Failure},
    seccomp::Filter,
    sys::{self, Beyond},
};
use nix::{errno::Errno, sys::signal::SigSet, unistd::execve};
use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit, umask},
};
use std::ffi::CString;

/// A command line and an environment, in the form that exec takes.
pub(crate) struct Program {
    name: String,
    argv: Vec<CString>,
    env: Vec<CString>,
    /// The files to try, in this order.
    files: Vec<CString>,
    open_files: Option<Rlimit>,
}

impl Program {
    pub(crate) fn new(command: &[String], env: &[String]) -> Result<Self, LaunchError> {
        let name = command.first().ok_or(LaunchError::NoCommand)?.clone();
        let strings = |texts: &[String]| {
            let strings = texts.iter().map(|text| CString::new(text.as_str()));
            strings
                .collect::<Result<Vec<_>, _>>()
                .map_err(LaunchError::ZeroByte)
        };
        let files = candidates(&name, path_in(env));
        Ok(Program {
            argv: strings(command)?,
            env: strings(env)?,
            files: strings(&files)?,
            name,
            open_files: None,
        })
    }

    /// Limits the program's open files, once it needs no more of them to get started.
    pub(crate) fn with_open_files(mut self, limit: Option<Rlimit>) -> Self {
        self.open_files = limit;
        self
    }

    /// Adds `HOME` where the environment does not say where home is.
    pub(crate) fn with_home(mut self, home: &str) -> Self {
        let known = self
            .env
            .iter()
            .any(|variable| variable.to_bytes().starts_with(b"HOME="));
        if let (false, Ok(variable)) = (known, CString::new(format!("HOME={home}"))) {
            self.env.push(variable);
        }
        self
    }
}

/// Executes the program; returns only to say why that was not possible.
///
/// The filter comes last, so that it has to allow nothing but exec.
pub(super) fn become_program(program: Program, filter: Option<&Filter>) -> Message {
    let touched = last_touches(program.open_files);
    match touched.and_then(|()| filter.map_or(Ok(()), Filter::install)) {
        Ok(()) => Message::Command(execute(&program)),
        Err(failure) => Message::Failed(failure),
    }
}

/// What a program inherits through exec and should find as if it had been started by hand.
fn last_touches(open_files: Option<Rlimit>) -> Result<(), Failure> {
    if let Some(limit) = open_files {
        setrlimit(Resource::Nofile, limit).doing(|| "limit the open files".to_owned())?;
    }
    umask(Mode::from_raw_mode(0o022));
    sys::reset_signal_actions();
    SigSet::empty()
        .thread_set_mask()
        .doing(|| "unblock all signals".to_owned())?;
    sys::shut_descriptors(Beyond::CloseOnExec)
        .doing(|| "keep open files from the command".to_owned())
}

/// Tries file after file. In a search of `PATH`, a file that cannot be executed is passed
/// over, as Docker does.
fn execute(program: &Program) -> CommandError {
    let searched = !program.name.contains('/');
    for file in &program.files {
        let Err(errno) = execve(file, &program.argv, &program.env);
        let absent = matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG);
        let passed_over = searched && errno == Errno::EACCES;
        if !absent && !passed_over {
            return CommandError::NotExecutable(program.name.clone(), errno);
        }
    }
    CommandError::NotFound(program.name.clone())
}
