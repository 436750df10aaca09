use super::{Failure, open};
use crate::{
    arguments::PsOptions,
    filter,
    format::{self, Format, Object},
    output::{print, tell},
    ports_column::ports,
    table,
    times::since_in_words,
};
use minet_model::labels_in_one_line;
use minet_runtime::{Error, Listed, Paths};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn ps(options: &PsOptions, paths: Paths) -> Result<u8, Failure> {
    let (listed, unreadable) = open(paths)
        .and_then(|mut runtime| runtime.list())
        .map_err(|error| Failure::of_command(&error))?;
    let listed = chosen(listed, options)?;
    if options.quiet {
        if options.format.as_ref().is_some_and(Format::is_custom) {
            tell("WARNING: Ignoring custom format, because both --format and --quiet are set.");
        }
        for container in &listed {
            print(&format!("{}\n", id(container, options)));
        }
        return shown(&unreadable);
    }
    let object = |container: &Listed| Object {
        fields: as_json(container, options),
        labels: container.spec.labels.clone(),
    };
    let objects: Vec<Object> = listed.iter().map(object).collect();
    let format = options.format.as_ref().unwrap_or(&Format::Table);
    let table = || table::render(&rows(&listed, options));
    let text = format::render(format, &head(), &objects, table)
        .map_err(|error| Failure::of_list(&error))?;
    print(&text);
    shown(&unreadable)
}

/// Who asks for the last ones made asks for those that have ended, too.
fn chosen(mut listed: Vec<Listed>, options: &PsOptions) -> Result<Vec<Listed>, Failure> {
    let filters =
        filter::resolve(&options.filter, &listed).map_err(|error| Failure::of_command(&error))?;
    let last = options.last.or(options.latest.then_some(1));
    let all = options.all || last.is_some() || filter::speaks_of_the_dead(&filters);
    listed.retain(|container| all || container.is_up());
    listed.retain(|container| filter::fits(&filters, container));
    listed.truncate(last.unwrap_or(usize::MAX));
    Ok(listed)
}

/// The titles of what a template can ask for.
fn head() -> Value {
    json!({
        "ID": "CONTAINER ID",
        "Names": "NAMES",
        "Image": "IMAGE",
        "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "State": "STATE",
        "Status": "STATUS",
        "RunningFor": "CREATED",
        "Networks": "NETWORKS",
        "Address": "ADDRESS",
        "Ports": "PORTS",
        "Labels": "LABELS",
        "Mounts": "MOUNTS",
        "LocalVolumes": "LOCAL VOLUMES",
        "Size": "SIZE",
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
            command(container, options),
            format!("{} ago", since_in_words(container.created)),
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
        // There are no images: what a container is made of is its root directory.
        "Image": container.spec.rootfs.as_deref().unwrap_or(Path::new("/")),
        "Command": command(container, options),
        "CreatedAt": minet_runtime::format_time_as_go(container.created),
        "State": container.status,
        "Status": status(container),
        "RunningFor": format!("{} ago", since_in_words(container.created)),
        "Networks": networks(container),
        "Address": address(container),
        "Ports": ports(container),
        "Labels": labels_in_one_line(&container.spec.labels),
        "Mounts": mounts(container, options),
        // No volumes that minet would keep, and no layer of a container's own.
        "LocalVolumes": "0",
        "Size": "0B",
    })
}

fn id(container: &Listed, options: &PsOptions) -> String {
    match options.no_trunc {
        true => container.id.to_string(),
        false => container.id.short().to_owned(),
    }
}

/// Docker cuts commands at 20 characters, and shows them in quotes.
fn command(container: &Listed, options: &PsOptions) -> String {
    let whole = container.spec.command.join(" ");
    // What a terminal would act on is shown, not sent.
    let visible: String = whole
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    format!("{:?}", cut(visible, 20, options))
}

/// What is mounted from the host, each cut at 15 characters, as Docker does.
fn mounts(container: &Listed, options: &PsOptions) -> String {
    let volumes = container.spec.volumes.iter();
    let sources = volumes.map(|volume| cut(volume.source.display().to_string(), 15, options));
    sources.collect::<Vec<_>>().join(",")
}

fn cut(text: String, longest: usize, options: &PsOptions) -> String {
    match options.no_trunc || text.chars().count() <= longest {
        true => text,
        false => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

fn status(container: &Listed) -> String {
    match (container.status, container.started, container.finished) {
        ("running", Some(started), _) => format!("Up {}", since_in_words(started)),
        ("restarting", _, Some(finished)) => {
            format!(
                "Restarting ({}) {} ago",
                container.exit_code.unwrap_or(0),
                since_in_words(finished)
            )
        }
        ("exited", _, Some(finished)) => {
            format!(
                "Exited ({}) {} ago",
                container.exit_code.unwrap_or(0),
                since_in_words(finished)
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
