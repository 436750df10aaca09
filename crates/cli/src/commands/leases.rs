use super::{Failure, open};
use crate::{arguments::LeasesOptions, network_options::ListFormat, output::print, table};
use minet_runtime::{ListedLease, Paths};
use serde_json::json;

pub(crate) fn leases(options: &LeasesOptions, paths: Paths) -> Result<u8, Failure> {
    let leases = open(paths)
        .and_then(|mut runtime| runtime.leases(options.network.as_deref()))
        .map_err(|error| Failure::of_command(&error))?;
    match options.format {
        ListFormat::Table => {
            let head = ["NETWORK", "ADDRESS", "MAC", "NAME", "HELD BY"];
            let rows = leases.iter().map(row);
            let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
                .chain(rows)
                .collect();
            print(&table::render(&rows));
        }
        ListFormat::Json => leases
            .iter()
            .for_each(|lease| print(&format!("{}\n", as_json(lease)))),
    }
    Ok(0)
}

fn row(lease: &ListedLease) -> Vec<String> {
    let held = match (&lease.holder, &lease.released) {
        (Some(id), _) => id.short().to_owned(),
        (None, Some(time)) => format!("nobody since {time}"),
        (None, None) => "nobody".to_owned(),
    };
    vec![
        lease.network.to_string(),
        lease.address.to_string(),
        lease.mac.to_string(),
        lease.name.clone().unwrap_or_else(|| "-".to_owned()),
        held,
    ]
}

fn as_json(lease: &ListedLease) -> serde_json::Value {
    json!({
        "Network": lease.network,
        "Address": lease.address,
        "MacAddress": lease.mac,
        "Name": lease.name,
        "Holder": lease.holder,
        "Released": lease.released,
    })
}
