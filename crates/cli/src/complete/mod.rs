//! What a shell offers for a half-typed command line: options, and the names of containers
//! and networks.
//!
//! The shell's own script, which `minet completion SHELL` prints, asks this program each
//! time, with what was typed and the variable [`VARIABLE`] in the environment. Nothing is
//! changed to find an answer; where there is none, as for somebody who may not read the
//! store, nothing is offered.

mod candidates;

use crate::arguments::Arguments;
use candidates::candidates;
use clap::{Command, CommandFactory};
use clap_complete::{
    CompleteEnv,
    env::{EnvCompleter, Shells},
};
use std::io;

/// By this the shell's script says that it asks, and for which shell.
const VARIABLE: &str = "MINET_COMPLETE";

/// The shells that there is a script for.
pub(crate) const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// Answers a shell and ends this process, if it is a shell that asks.
pub(crate) fn answer_shell() {
    CompleteEnv::with_factory(described)
        .var(VARIABLE)
        .bin("minet")
        .completer("minet")
        .complete();
}

/// The script for a shell.
pub(crate) fn script(shell: &str) -> io::Result<String> {
    if shell == "bash" {
        return Ok(include_str!("minet.bash").replace("VARIABLE", VARIABLE));
    }
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(shell) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut text = Vec::new();
    EnvCompleter::write_registration(shell, VARIABLE, "minet", "minet", "minet", &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// All commands with all their options, which are otherwise put off ([`crate::late`]).
fn described() -> Command {
    let mut command = Arguments::command();
    command.build();
    with_names(command)
}

/// Whatever is called so in the help is completed so.
fn with_names(command: Command) -> Command {
    let called = command.get_display_name().unwrap_or_default().to_owned();
    command
        .mut_args(|arg| match candidates(&called, &arg) {
            Some(candidates) => arg.add(candidates),
            None => arg,
        })
        .mut_subcommands(with_names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap_complete::ArgValueCandidates;

    #[test]
    fn every_shell_has_a_script_that_asks() {
        for shell in SHELLS {
            let script = script(shell).unwrap();
            assert!(script.contains(VARIABLE), "{shell}: {script}");
        }
        assert!(script("tcsh").is_err());
    }

    #[test]
    fn names_are_completed_wherever_the_help_says_so() {
        let command = described();
        let completed = |path: &[&str]| {
            let find = |command: &Command, name: &&str| command.find_subcommand(name).cloned();
            let found = path
                .iter()
                .try_fold(command.clone(), |command, name| find(&command, name));
            let found = found.unwrap();
            let mut arguments = found.get_arguments();
            arguments.any(|arg| arg.get::<ArgValueCandidates>().is_some())
        };
        for path in [
            &["rm"][..],
            &["exec"],
            &["network", "rm"],
            &["run"],
            &["logs"],
        ] {
            assert!(completed(path), "{path:?}");
        }
        assert!(!completed(&["doctor"]));
    }
}
