//! Command lines that cannot be read, and what is said about them.

use crate::{OWN_FAILURE, arguments::Arguments, docker_only, output};
use clap::{
    Command, CommandFactory, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::process::ExitCode;

/// Help goes to standard output and is no failure; a wrong option is one, of the kind that
/// the subcommand has.
pub(crate) fn explain(error: &Error) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        output::print(&text);
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::tell(&text);
        return ExitCode::from(2);
    }
    let words = std::env::args_os()
        .skip(1)
        .filter_map(|word| word.into_string().ok());
    let path = path(&Arguments::command(), words);
    let line = instead(error, &path).unwrap_or_else(|| in_one_line(&text));
    let help = format!("minet {path}").trim_end().to_owned();
    let line = output::visible(&format!("{line} (see {help} --help)"));
    output::tell(&format!("minet: {line}"));
    match path.rsplit(' ').next() {
        Some("run" | "exec") => ExitCode::from(OWN_FAILURE),
        _ => ExitCode::from(2),
    }
}

/// The subcommand that is meant, such as `network create`.
fn path(minet: &Command, words: impl Iterator<Item = String>) -> String {
    let mut command = minet;
    let mut path = Vec::new();
    for word in words {
        if let Some(found) = command.find_subcommand(&word) {
            path.push(found.get_name());
            command = found;
        }
    }
    path.join(" ")
}

/// What minet has in place of something of Docker's.
fn instead(error: &Error, path: &str) -> Option<String> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let (word, text) = match error.kind() {
        ErrorKind::InvalidSubcommand if matches!(path, "" | "container") => {
            let word = word(ContextKind::InvalidSubcommand)?;
            let text = docker_only::command(&word)?;
            (word, text)
        }
        ErrorKind::UnknownArgument => {
            let word = word(ContextKind::InvalidArg)?;
            let text = docker_only::option(path, &word)?;
            (word, text)
        }
        _ => return None,
    };
    Some(format!("Docker has {word}, minet has not: {text}"))
}

/// The library explains in a paragraph and repeats the usage; the paragraph is enough. That
/// everything could be meant as a value of something is no help.
fn in_one_line(text: &str) -> String {
    let wanted = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"));
    let line = wanted.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_help_that_is_pointed_out_is_that_of_the_subcommand() {
        let minet = Arguments::command();
        for (line, meant) in [
            ("run -p", "run"),
            ("--root /tmp network create --subnet", "network create"),
            ("network list -x", "network ls"),
            ("container run --memory 1g", "container run"),
            ("nonsense", ""),
        ] {
            let words = line.split(' ').map(str::to_owned);
            assert_eq!(path(&minet, words), meant, "{line}");
        }
    }

    #[test]
    fn what_only_docker_has_is_explained() {
        for (line, path, part) in [
            ("images", "", "--rootfs"),
            ("container attach web", "container", "logs -f"),
            ("run --memory=1g true", "run", "control groups"),
            ("run -m 1g true", "run", "control groups"),
            (
                "container run --pull always true",
                "container run",
                "no images",
            ),
            ("network create --ingress x", "network create", "swarm"),
            ("top web aux", "top", "ps aux"),
        ] {
            let words = std::iter::once("minet").chain(line.split(' '));
            let error = Arguments::try_parse_from(words).unwrap_err();
            let told = instead(&error, path).unwrap_or_default();
            assert!(
                told.starts_with("Docker has ") && told.contains(part),
                "{line}: {told}"
            );
        }
        let error = Arguments::try_parse_from(["minet", "run", "--nonsense", "x"]).unwrap_err();
        assert_eq!(instead(&error, "run"), None);
    }
}
