use super::{Failure, for_each, open};
use crate::{
    explainer::{Explainer, Level},
    format::{self, Object},
    lifecycle::PruneOptions,
    network_filter,
    network_options::{
        ConnectOptions, CreateOptions, DisconnectOptions, InspectOptions, ListOptions,
        NetworkCommand, RemoveOptions, SetOptions,
    },
    output::{print, tell},
    prune_filter, table,
};
use minet_model::{Reach, labels_in_one_line};
use minet_runtime::{Error, ListedNetwork, NetworkError, Paths, Runtime};
use serde_json::{Value, json};
use std::io::IsTerminal;

pub(crate) fn network(command: NetworkCommand, paths: Paths) -> Result<u8, Failure> {
    match command {
        NetworkCommand::Create(options) => create(options.into_inner(), paths),
        NetworkCommand::Set(options) => set(&options, paths),
        NetworkCommand::Ls(options) => list(&options, paths),
        NetworkCommand::Inspect(options) => inspect(&options, paths),
        NetworkCommand::Rm(options) => remove(&options, paths),
        NetworkCommand::Connect(options) => connect(&options, paths),
        NetworkCommand::Disconnect(options) => disconnect(&options, paths),
        NetworkCommand::Prune(options) => prune(&options, paths),
    }
}

/// Who tells what is done.
fn explainer(explain: bool) -> Explainer {
    Explainer::new(match explain {
        true => Level::Steps,
        false => Level::Notes,
    })
}

fn connect(options: &ConnectOptions, paths: Paths) -> Result<u8, Failure> {
    open(paths)
        .and_then(|mut runtime| {
            runtime.connect(
                &options.network,
                &options.container,
                &options.endpoint(),
                &options.link,
                &mut explainer(options.explain),
            )
        })
        .map(|()| 0)
        .map_err(|error| Failure::of_command(&error))
}

fn disconnect(options: &DisconnectOptions, paths: Paths) -> Result<u8, Failure> {
    let done = open(paths).and_then(|mut runtime| {
        runtime.disconnect(
            &options.network,
            &options.container,
            &mut explainer(options.explain),
        )
    });
    match done {
        Err(Error::Network(NetworkError::NotConnected { .. })) if options.force => Ok(0),
        other => other
            .map(|()| 0)
            .map_err(|error| Failure::of_command(&error)),
    }
}

fn create(options: CreateOptions, paths: Paths) -> Result<u8, Failure> {
    let mut explainer = explainer(options.explain);
    let failure = |message: String| Failure { message, code: 1 };
    let config = paths.config().map_err(|error| failure(error.to_string()))?;
    let spec = options
        .into_spec(&config.network_options)
        .map_err(|error| failure(error.to_string()))?;
    let id = open(paths)
        .and_then(|mut runtime| runtime.create_network(spec, &mut explainer))
        .map_err(|error| Failure::of_command(&error))?;
    print(&format!("{id}\n"));
    Ok(0)
}

fn set(options: &SetOptions, paths: Paths) -> Result<u8, Failure> {
    let mut explainer = explainer(options.explain);
    let id = open(paths)
        .and_then(|mut runtime| {
            let change = |spec: &mut _| options.apply(spec);
            runtime.set_network(&options.network, &change, &mut explainer)
        })
        .map_err(|error| Failure::of_command(&error))?;
    print(&format!("{id}\n"));
    Ok(0)
}

fn list(options: &ListOptions, paths: Paths) -> Result<u8, Failure> {
    let mut networks = open(paths)
        .and_then(|mut runtime| runtime.networks())
        .map_err(|error| Failure::of_command(&error))?;
    networks.retain(|network| network_filter::fits(&options.filter, network));
    let id = |network: &ListedNetwork| match options.no_trunc {
        true => network.id.to_string(),
        false => network.id.short().to_owned(),
    };
    if options.quiet {
        networks
            .iter()
            .for_each(|network| print(&format!("{}\n", id(network))));
        return Ok(0);
    }
    let object = |network: &ListedNetwork| Object {
        fields: as_json(network, &id(network)),
        labels: network.labels.clone(),
    };
    let objects: Vec<Object> = networks.iter().map(object).collect();
    let table = || table::render(&rows(&networks, id));
    let text = format::render(&options.format, &titles(), &objects, table)
        .map_err(|error| Failure::of_list(&error))?;
    print(&text);
    Ok(0)
}

/// The titles of what a template can ask for.
fn titles() -> Value {
    json!({
        "ID": "NETWORK ID",
        "Name": "NAME",
        "Driver": "DRIVER",
        "Scope": "SCOPE",
        "CreatedAt": "CREATED AT",
        "IPv4": "IPV4",
        "IPv6": "IPV6",
        "Internal": "INTERNAL",
        "Labels": "LABELS",
        "Subnet": "SUBNET",
        "Bridge": "BRIDGE",
    })
}

fn rows(networks: &[ListedNetwork], id: impl Fn(&ListedNetwork) -> String) -> Vec<Vec<String>> {
    let head = ["NETWORK ID", "NAME", "DRIVER", "SCOPE", "SUBNET", "BRIDGE"];
    let row = |network: &ListedNetwork| {
        vec![
            id(network),
            network.name.to_string(),
            network.driver.to_owned(),
            "local".to_owned(),
            subnets(network).join(", "),
            text(network.bridge.clone()),
        ]
    };
    std::iter::once(head.map(str::to_owned).to_vec())
        .chain(networks.iter().map(row))
        .collect()
}

fn subnets(network: &ListedNetwork) -> Vec<String> {
    let (subnet, subnet6) = (text(network.subnet), text(network.subnet6));
    let both = [subnet, subnet6].into_iter();
    both.filter(|subnet| !subnet.is_empty()).collect()
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Docker's keys, which it prints as strings all; the last two are minet's own.
fn as_json(network: &ListedNetwork, id: &str) -> Value {
    json!({
        "ID": id,
        "Name": network.name,
        "Driver": network.driver,
        "Scope": "local",
        "IPv4": "true",
        "IPv6": network.subnet6.is_some().to_string(),
        "Internal": (network.reach == Reach::InternalOnly).to_string(),
        "CreatedAt": minet_runtime::format_time_as_go(network.created),
        "Labels": labels_in_one_line(&network.labels),
        "Subnet": text(network.subnet),
        "Subnet6": text(network.subnet6),
        "Bridge": text(network.bridge.clone()),
    })
}

fn inspect(options: &InspectOptions, paths: Paths) -> Result<u8, Failure> {
    let names = &options.names.networks;
    let look = Runtime::inspect_network;
    super::inspect::show(names, options.format.as_deref(), look, paths)
}

fn remove(options: &RemoveOptions, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    for_each(&options.names.networks, |network| {
        match runtime.remove_network(network) {
            Err(error @ Error::NoSuchNetwork(_)) if options.force => {
                tell(&format!("minet: {error}"));
            }
            removed => {
                removed?;
                print(&format!("{network}\n"));
            }
        }
        Ok(())
    })
}

/// Who calls it from a script is not asked.
fn prune(options: &PruneOptions, paths: Paths) -> Result<u8, Failure> {
    let ask = !options.force && std::io::stdin().is_terminal();
    if ask && !super::prune::confirmed("networks that no container is on") {
        return Ok(0);
    }
    let removed = open(paths)
        .and_then(|mut runtime| {
            runtime.prune_networks(&|network| {
                prune_filter::fits(&options.filter, &network.labels, network.created)
            })
        })
        .map_err(|error| Failure::of_command(&error))?;
    for network in removed {
        print(&format!("{network}\n"));
    }
    Ok(0)
}
