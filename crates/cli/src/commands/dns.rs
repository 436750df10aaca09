use super::{Failure, open};
use crate::{arguments::DnsOptions, output::print, table};
use minet_runtime::{Paths, Reason, Resolved, VisibleName, Why};
use serde_json::{Value, json};
use std::net::IpAddr;

pub(crate) fn dns(options: &DnsOptions, paths: Paths) -> Result<u8, Failure> {
    let failed = |error| Failure::of_command(&error);
    let mut runtime = open(paths).map_err(failed)?;
    match &options.query {
        None => {
            let names = runtime.visible_names(&options.container).map_err(failed)?;
            print_names(&names, options);
        }
        Some(query) => {
            let kind = options.kind.as_deref();
            let resolved = runtime
                .resolve(&options.container, query, kind)
                .map_err(failed)?;
            match options.json {
                true => print(&format!("{}\n", as_json(&resolved))),
                false => print(&in_words(&resolved)),
            }
        }
    }
    Ok(0)
}

fn print_names(names: &[VisibleName], options: &DnsOptions) {
    if options.json {
        let lines = names.iter().map(|name| format!("{}\n", name_as_json(name)));
        return print(&lines.collect::<String>());
    }
    let head = ["NAME", "ADDRESS", "CONTAINER", "NETWORK", "WHY"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(names.iter().map(row));
    print(&table::render(&rows));
}

fn row(name: &VisibleName) -> Vec<String> {
    let bearer = &name.bearer;
    vec![
        name.name.clone(),
        match bearer.running {
            true => list(&bearer.addresses),
            false => "(not running)".to_owned(),
        },
        bearer.container.clone(),
        bearer.network.clone(),
        bearer.why.as_str().to_owned(),
    ]
}

fn list(addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    addresses.join(", ")
}

fn in_words(resolved: &Resolved) -> String {
    let mut lines = vec![format!(
        "{} {}: {}",
        resolved.name, resolved.kind, resolved.status
    )];
    lines.extend(resolved.records.iter().map(|record| format!("  {record}")));
    let reason = |reason: &Reason| {
        format!(
            "because {} is {} on {}: {}",
            resolved.name.trim_end_matches('.'),
            what_it_is(reason),
            reason.network,
            list(&reason.addresses)
        )
    };
    match resolved.reasons.is_empty() {
        true => lines.push(format!("because {}", resolved.why)),
        false => lines.extend(resolved.reasons.iter().map(reason)),
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What the name is to its bearer.
fn what_it_is(reason: &Reason) -> String {
    let container = &reason.container;
    match reason.why {
        Why::Name => format!("the name of {container}"),
        Why::ShortId => format!("the short ID of {container}"),
        Why::Hostname => format!("the hostname of {container}"),
        Why::Alias => format!("an alias of {container}"),
        Why::Link => format!("a link to {container}"),
        Why::Host => "this machine".to_owned(),
    }
}

fn name_as_json(name: &VisibleName) -> Value {
    let bearer = &name.bearer;
    json!({
        "Name": name.name,
        "Addresses": bearer.addresses,
        "Container": bearer.container,
        "Network": bearer.network,
        "Why": bearer.why.as_str(),
        "Running": bearer.running,
    })
}

fn as_json(resolved: &Resolved) -> Value {
    let reason = |reason: &Reason| {
        json!({
            "Container": reason.container,
            "Network": reason.network,
            "Why": reason.why.as_str(),
            "Addresses": reason.addresses,
        })
    };
    json!({
        "Name": resolved.name,
        "Type": resolved.kind,
        "Status": resolved.status,
        "Records": resolved.records,
        "Reasons": resolved.reasons.iter().map(reason).collect::<Vec<_>>(),
        "Why": resolved.why,
        "Server": resolved.server.map(|server| server.address.ip()),
    })
}
