use super::{Failure, open};
use crate::output::print;
use crate::{
    arguments::PsOptions,
    filter,
    format::{self, Format, Object},
    table,
};
use minet_model::{PublishedPort, labels_in_one_line};
use minet_runtime::{Error, Listed, Paths};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn ps(options: &PsOptions, paths: Paths) -> Result<u8, Failure> {
    let (mut listed, unreadable) = open(paths)
        .and_then(|mut runtime| runtime.list())
        .map_err(|error| Failure::of_command(&error))?;
    if !options.all && !filter::speaks_of_the_dead(&options.filter) {
        listed.retain(Listed::is_up);
    }
    listed.retain(|container| filter::fits(&options.filter, container));
    if options.quiet {
        for container in &listed {
            print(&format!("{}\n", id(container, options)));
        }
        return shown(&unreadable);
    }
    let objects = || -> Vec<Object> {
        let object = |container: &Listed| Object {
            fields: as_json(container, options),
            labels: container.spec.labels.clone(),
        };
        listed.iter().map(object).collect()
    };
    let of_template = |error: gotmpl::TemplateError| Failure::of_template(&error);
    print(&match &options.format {
        Format::Table => table::render(&rows(&listed, options)),
        Format::Json => objects()
            .iter()
            .map(|object| format!("{}\n", object.fields))
            .collect(),
        Format::Template(template) => format::lines(template, &objects()).map_err(of_template)?,
        Format::TableOf(template) => {
            format::columns(template, &head(), &objects()).map_err(of_template)?
        }
    });
    shown(&unreadable)
}

/// The titles of what a template can ask for.
fn head() -> Value {
    json!({
        "ID": "CONTAINER ID",
        "Names": "NAMES",
        "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "State": "STATE",
        "Status": "STATUS",
        "RunningFor": "CREATED",
        "Networks": "NETWORKS",
        "Address": "ADDRESS",
        "Ports": "PORTS",
        "Labels": "LABELS",
    })
}

/// What could not be shown does not keep the rest from it, and is told.
fn shown(unreadable: &[Error]) -> Result<u8, Failure> {
    match unreadable.is_empty() {
        true => Ok(0),
        false => Err(Failure::of_all(unreadable)),
    }
}

fn rows(listed: &[Listed], options: &PsOptions) -> Vec<Vec<String>> {
    let head = [
        "CONTAINER ID",
        "COMMAND",
        "CREATED",
        "STATUS",
        "ADDRESS",
        "PORTS",
        "NAMES",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for container in listed {
        rows.push(vec![
            id(container, options),
            format!("{:?}", command(container, options)),
            format!("{} ago", span(container.created)),
            status(container),
            address(container),
            ports(container),
            container.name.to_string(),
        ]);
    }
    rows
}

fn as_json(container: &Listed, options: &PsOptions) -> Value {
    json!({
        "ID": id(container, options),
        "Names": container.name,
        "Command": command(container, options),
        "CreatedAt": minet_runtime::format_time(container.created),
        "State": container.status,
        "Status": status(container),
        "RunningFor": format!("{} ago", span(container.created)),
        "Networks": networks(container),
        "Address": address(container),
        "Ports": ports(container),
        "Labels": labels_in_one_line(&container.spec.labels),
    })
}

fn id(container: &Listed, options: &PsOptions) -> String {
    match options.no_trunc {
        true => container.id.to_string(),
        false => container.id.short().to_owned(),
    }
}

/// Docker cuts commands at 20 characters.
fn command(container: &Listed, options: &PsOptions) -> String {
    let whole = container.spec.command.join(" ");
    // What a terminal would act on is shown, not sent.
    let visible: String = whole
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    match options.no_trunc || visible.chars().count() <= 20 {
        true => visible,
        false => visible.chars().take(19).chain(['…']).collect(),
    }
}

fn status(container: &Listed) -> String {
    match (container.status, container.started, container.finished) {
        ("running", Some(started), _) => format!("Up {}", span(started)),
        ("restarting", _, Some(finished)) => {
            format!(
                "Restarting ({}) {} ago",
                container.exit_code.unwrap_or(0),
                span(finished)
            )
        }
        ("exited", _, Some(finished)) => {
            format!(
                "Exited ({}) {} ago",
                container.exit_code.unwrap_or(0),
                span(finished)
            )
        }
        _ => "Created".to_owned(),
    }
}

fn address(container: &Listed) -> String {
    let attachment = container
        .settings
        .main_attachment()
        .filter(|_| container.is_running());
    attachment
        .map(|attachment| attachment.address.ip().to_string())
        .unwrap_or_default()
}

fn networks(container: &Listed) -> String {
    let names: Vec<&str> = container
        .spec
        .networks
        .iter()
        .map(|endpoint| endpoint.network.as_str())
        .collect();
    match names.is_empty() {
        true => container.spec.mode.to_string(),
        false => names.join(","),
    }
}

/// `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 9000/tcp`; ports in a row are one entry.
fn ports(container: &Listed) -> String {
    let mut published = container.ports.clone();
    published.sort_by_key(|port| {
        (
            port.host_ip,
            port.protocol,
            port.container_port,
            port.host_port,
        )
    });
    let mut runs: Vec<(PublishedPort, PublishedPort)> = Vec::new();
    for port in published {
        match runs.last_mut() {
            Some((_, last)) if follows(last, &port) => *last = port,
            _ => runs.push((port, port)),
        }
    }
    let mut texts: Vec<String> = runs
        .iter()
        .map(|(first, last)| run_of_ports(first, last))
        .collect();
    for exposed in &container.spec.expose {
        let free = |port: &u16| {
            !container
                .ports
                .iter()
                .any(|p| p.container_port == *port && p.protocol == exposed.protocol)
        };
        texts.extend(
            exposed
                .ports
                .iter()
                .filter(free)
                .map(|port| format!("{port}/{}", exposed.protocol)),
        );
    }
    texts.join(", ")
}

fn follows(last: &PublishedPort, next: &PublishedPort) -> bool {
    (last.host_ip, last.protocol) == (next.host_ip, next.protocol)
        && last.host_port.checked_add(1) == Some(next.host_port)
        && last.container_port.checked_add(1) == Some(next.container_port)
}

fn run_of_ports(first: &PublishedPort, last: &PublishedPort) -> String {
    if first == last {
        return first.to_string();
    }
    format!(
        "{}-{}->{}-{}/{}",
        first.host(),
        last.host_port,
        first.container_port,
        last.container_port,
        first.protocol
    )
}

/// How long ago, in the words that Docker uses.
fn span(since: i64) -> String {
    in_words((now() - since).max(0) / 1000)
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

fn in_words(seconds: i64) -> String {
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{} minutes", seconds / 60),
        3600..7200 => "About an hour".to_owned(),
        7200..172_800 => format!("{} hours", seconds / 3600),
        172_800..1_209_600 => format!("{} days", seconds / 86_400),
        1_209_600..5_184_000 => format!("{} weeks", seconds / 604_800),
        _ => format!("{} months", seconds / 2_592_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_in_dockers_words() {
        let words = [
            (0, "Less than a second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (7300, "2 hours"),
            (200_000, "2 days"),
        ];
        for (seconds, text) in words {
            assert_eq!(in_words(seconds), text);
        }
    }
}
