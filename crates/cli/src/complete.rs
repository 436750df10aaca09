//! What a shell offers for a half-typed command line: options, and the names of containers
//! and networks.
//!
//! The shell's own script, which `minet completion SHELL` prints, asks this program each
//! time, with what was typed and the variable [`VARIABLE`] in the environment. Nothing is
//! changed to find an answer; where there is none, as for somebody who may not read the
//! store, nothing is offered.

use crate::arguments::Arguments;
use clap::{Arg, Command, CommandFactory};
use clap_complete::{
    ArgValueCandidates, CompleteEnv, CompletionCandidate,
    env::{EnvCompleter, Shells},
};
use minet_runtime::{Paths, Purpose, Runtime};
use std::{ffi::OsString, io, path::Path};

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
    command
        .mut_args(with_candidates)
        .mut_subcommands(with_names)
}

fn with_candidates(arg: Arg) -> Arg {
    let meant = arg.get_value_names().and_then(|names| names.first());
    match meant.map(|name| name.as_str()) {
        Some("CONTAINER" | "CONTAINER|INTERFACE") => arg.add(ArgValueCandidates::new(containers)),
        Some("CONTAINER|NETWORK") => arg.add(ArgValueCandidates::new(containers_and_networks)),
        Some("NETWORK") => arg.add(ArgValueCandidates::new(networks)),
        Some("MODE") => arg.add(ArgValueCandidates::new(modes)),
        _ => arg,
    }
}

fn containers() -> Vec<CompletionCandidate> {
    let listed = runtime().and_then(|mut runtime| runtime.list().ok());
    let listed = listed.map(|(listed, _)| listed).unwrap_or_default();
    let candidate = |container: minet_runtime::Listed| {
        let what = format!("{} ({})", container.spec.command[0], container.status);
        CompletionCandidate::new(container.name.to_string()).help(Some(what.into()))
    };
    listed.into_iter().map(candidate).collect()
}

fn networks() -> Vec<CompletionCandidate> {
    let listed = runtime().and_then(|mut runtime| runtime.networks().ok());
    let candidate = |network: minet_runtime::ListedNetwork| {
        let what = network.subnet.map(|subnet| subnet.to_string().into());
        CompletionCandidate::new(network.name.to_string()).help(what)
    };
    listed
        .unwrap_or_default()
        .into_iter()
        .map(candidate)
        .collect()
}

fn containers_and_networks() -> Vec<CompletionCandidate> {
    containers().into_iter().chain(networks()).collect()
}

/// Networks, and the networks of containers.
fn modes() -> Vec<CompletionCandidate> {
    let of_containers = containers().into_iter();
    networks()
        .into_iter()
        .chain(of_containers.map(|name| name.add_prefix("container:")))
        .collect()
}

fn runtime() -> Option<Runtime> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let root = root_of(&words).or_else(|| std::env::var_os("MINET_ROOT"));
    let paths = root.map_or_else(Paths::default, |root| Paths::below(Path::new(&root)));
    Runtime::open(paths, Purpose::Rehearse).ok()
}

/// What was typed for `--root`.
fn root_of(words: &[OsString]) -> Option<OsString> {
    let joined = words
        .iter()
        .find_map(|word| word.to_str()?.strip_prefix("--root="))
        .map(OsString::from);
    let position = words.iter().position(|word| word == "--root");
    joined.or_else(|| words.get(position? + 1).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(!completed(&["ps"]));
    }

    #[test]
    fn the_root_is_found_among_the_words() {
        let root = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            root_of(&words)
        };
        assert_eq!(root("minet -- minet --root /a rm"), Some("/a".into()));
        assert_eq!(root("minet -- minet --root=/a rm"), Some("/a".into()));
        assert_eq!(root("minet -- minet rm"), None);
    }
}
