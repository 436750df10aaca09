//! What there is to choose from, by what the help calls an argument.

use clap::Arg;
use clap_complete::{ArgValueCandidates, CompletionCandidate};
use minet_runtime::{Listed, ListedNetwork, Paths, Purpose, Runtime};
use std::{ffi::OsString, path::Path};

const POLICIES: [&str; 4] = ["no", "always", "on-failure", "unless-stopped"];
const SIGNALS: [&str; 8] = ["TERM", "KILL", "HUP", "INT", "QUIT", "USR1", "USR2", "STOP"];
const CONTAINER_KEYS: [&str; 11] = [
    "name=", "id=", "status=", "exited=", "network=", "label=", "publish=", "expose=", "volume=",
    "before=", "since=",
];
const NETWORK_KEYS: [&str; 7] = [
    "name=",
    "id=",
    "driver=",
    "label=",
    "scope=",
    "type=",
    "dangling=",
];

/// For an argument of the command that the manual calls so.
pub(super) fn candidates(command: &str, arg: &Arg) -> Option<ArgValueCandidates> {
    let command = command.strip_prefix("minet-").unwrap_or(command);
    let command = command.strip_prefix("container-").unwrap_or(command);
    let container = match command {
        "exec" | "stop" | "kill" | "top" | "nsenter" | "publish" | "unpublish" => runs,
        _ => |_: &Listed| true,
    };
    let network = match command {
        "network-rm" | "network-set" => was_made,
        "network-connect" | "network-disconnect" => has_bridge,
        _ => |_: &ListedNetwork| true,
    };
    let value = arg.get_value_names()?.first()?.as_str();
    Some(match (value, arg.get_id().as_str(), command) {
        ("CONTAINER" | "CONTAINER|INTERFACE", ..) => {
            ArgValueCandidates::new(move || containers(container))
        }
        ("CONTAINER|NETWORK", ..) => {
            let networks = move || networks(network);
            ArgValueCandidates::new(move || {
                containers(container)
                    .into_iter()
                    .chain(networks())
                    .collect()
            })
        }
        // Whom a link is to, before its aliases.
        (source, _, "unlink") if source.starts_with("SRC[") => ArgValueCandidates::new(sources),
        (source, ..) if source.starts_with("SRC[") => {
            ArgValueCandidates::new(move || containers(container))
        }
        ("NETWORK", ..) => ArgValueCandidates::new(move || networks(network)),
        ("MODE", ..) => ArgValueCandidates::new(modes),
        ("POLICY", ..) => words(&POLICIES),
        ("SIGNAL", ..) => words(&SIGNALS),
        (_, "filter", "ps" | "ls") => words(&CONTAINER_KEYS),
        (_, "filter", "network-ls") => words(&NETWORK_KEYS),
        _ => return None,
    })
}

fn runs(container: &Listed) -> bool {
    container.status != "exited"
}

fn has_bridge(network: &ListedNetwork) -> bool {
    network.driver == "bridge"
}

fn was_made(network: &ListedNetwork) -> bool {
    network.bridge.is_some() && network.name.as_str() != "bridge"
}

fn words(words: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(|| words.iter().map(CompletionCandidate::new).collect())
}

fn containers(wanted: fn(&Listed) -> bool) -> Vec<CompletionCandidate> {
    let listed = runtime().and_then(|mut runtime| runtime.list().ok());
    let listed = listed.map(|(listed, _)| listed).unwrap_or_default();
    let candidate = |container: Listed| {
        let what = format!("{} ({})", container.spec.command[0], container.status);
        CompletionCandidate::new(container.name.to_string()).help(Some(what.into()))
    };
    listed.into_iter().filter(wanted).map(candidate).collect()
}

/// Those that somebody is linked to, whether they are there or not.
fn sources() -> Vec<CompletionCandidate> {
    let links = runtime().and_then(|mut runtime| runtime.links().ok());
    let mut names: Vec<String> = links
        .unwrap_or_default()
        .into_iter()
        .map(|link| link.source.to_string())
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn networks(wanted: fn(&ListedNetwork) -> bool) -> Vec<CompletionCandidate> {
    let listed = runtime().and_then(|mut runtime| runtime.networks().ok());
    let candidate = |network: ListedNetwork| {
        let what = network.subnet.map(|subnet| subnet.to_string().into());
        CompletionCandidate::new(network.name.to_string()).help(what)
    };
    let listed = listed.unwrap_or_default().into_iter();
    listed.filter(wanted).map(candidate).collect()
}

/// Networks, and the networks of containers.
fn modes() -> Vec<CompletionCandidate> {
    let of_containers = containers(runs).into_iter();
    networks(|_| true)
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
