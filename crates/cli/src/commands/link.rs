use super::{Failure, open};
use crate::explainer::{Explainer, Level};
use crate::{
    format::{self, Format, Object},
    link_options::{LinkOptions, UnlinkOptions},
    output::print,
    table,
};
use minet_model::Receiver;
use minet_runtime::{LinkReport, Paths};
use serde_json::{Value, json};

/// Makes links, or lists them.
pub(crate) fn link(options: &LinkOptions, paths: Paths) -> Result<u8, Failure> {
    let Some(wish) = options.wish() else {
        return list(options, paths);
    };
    open(paths)
        .and_then(|mut runtime| runtime.link(&wish, &mut Explainer::new(Level::Notes)))
        .map(|()| 0)
        .map_err(|error| Failure::of_command(&error))
}

pub(crate) fn unlink(options: &UnlinkOptions, paths: Paths) -> Result<u8, Failure> {
    open(paths)
        .and_then(|mut runtime| runtime.unlink(&options.which(), &mut Explainer::new(Level::Notes)))
        .map(|_| 0)
        .map_err(|error| Failure::of_command(&error))
}

fn list(options: &LinkOptions, paths: Paths) -> Result<u8, Failure> {
    let links = open(paths)
        .and_then(|mut runtime| runtime.links())
        .map_err(|error| Failure::of_command(&error))?;
    let objects: Vec<Object> = links.iter().map(|link| as_json(link).into()).collect();
    let format = match options.json {
        true => &Format::Json,
        false => &options.format,
    };
    let table = || table::render(&rows(&links));
    let text = format::render(format, &head(), &objects, table)
        .map_err(|error| Failure::of_list(&error))?;
    print(&text);
    Ok(0)
}

const TITLES: [&str; 5] = ["SOURCE", "ALIASES", "ADDRESS", "RECEIVERS", "STATE"];

fn head() -> Value {
    let [source, aliases, address, receivers, state] = TITLES;
    json!({
        "Source": source,
        "Aliases": aliases,
        "Address": address,
        "Address6": "ADDRESS6",
        "Receivers": receivers,
        "State": state,
        "Scope": "SCOPE",
        "Containers": "CONTAINERS",
        "GoesWithReceiver": "GOES WITH RECEIVER",
    })
}

fn rows(links: &[LinkReport]) -> Vec<Vec<String>> {
    let row = |link: &LinkReport| {
        vec![
            link.source.to_string(),
            aliases(link),
            addresses(link),
            receivers(link),
            link.state.as_str().to_owned(),
        ]
    };
    std::iter::once(TITLES.map(str::to_owned).to_vec())
        .chain(links.iter().map(row))
        .collect()
}

fn addresses(link: &LinkReport) -> String {
    let four = link.address.map(|address| address.to_string());
    let six = link.address6.map(|address| address.to_string());
    let both: Vec<String> = four.into_iter().chain(six).collect();
    match both.is_empty() {
        true => "-".to_owned(),
        false => both.join(", "),
    }
}

fn aliases(link: &LinkReport) -> String {
    let aliases: Vec<&str> = link.aliases.iter().map(|alias| alias.as_str()).collect();
    aliases.join(",")
}

/// Who knows the names now, or is to.
fn receivers(link: &LinkReport) -> String {
    match &link.receiver {
        Receiver::Container(name) => name.to_string(),
        Receiver::Host => "this machine".to_owned(),
        Receiver::Neighbours => {
            let now: Vec<&str> = link.containers.iter().map(|name| name.as_str()).collect();
            match now.is_empty() {
                true => "every neighbour".to_owned(),
                false => format!("every neighbour: {}", now.join(", ")),
            }
        }
    }
}

fn as_json(link: &LinkReport) -> Value {
    json!({
        "Source": link.source,
        "Aliases": aliases(link),
        "Address": link.address.map(|address| address.to_string()).unwrap_or_default(),
        "Address6": link.address6.map(|address| address.to_string()).unwrap_or_default(),
        "Receivers": receivers(link),
        "State": link.state.as_str(),
        "Scope": match link.receiver {
            Receiver::Container(_) => "container",
            Receiver::Neighbours => "neighbours",
            Receiver::Host => "host",
        },
        "Containers": link.containers,
        "GoesWithReceiver": link.with_receiver,
    })
}
