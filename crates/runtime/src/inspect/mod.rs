//! `minet inspect`: Docker's key names, so that scripts written for it work, and beside
//! them what Docker does not tell: the host's end of the cable.

mod config;
mod host_config;
mod network_settings;

pub(crate) use network_settings::endpoint_id;

use crate::{Error, Listed, Runtime, etc_files, find, time::rfc3339};
use config::config;
use host_config::host_config;
use minet_model::{ContainerId, NetworkId, NetworkName, Volume};
use minet_state::Transaction;
use network_settings::network_settings;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A container, and what others have to say about it.
struct Subject {
    listed: Listed,
    /// Whose network it shares.
    network_of: Option<ContainerId>,
    /// The identities of its networks.
    networks: BTreeMap<NetworkName, NetworkId>,
}

impl Runtime {
    /// What is known of a container, as JSON.
    pub fn inspect(&mut self, container: &str) -> Result<Value, Error> {
        let subject = self.store.read(|tx| Subject::read(tx, container))?;
        let log = self.machine.paths().log_dir(&subject.listed.id);
        Ok(render(&subject, &log.join("log.json")))
    }

    /// What is known of a container, or else of a network, as JSON.
    pub fn inspect_object(&mut self, name: &str) -> Result<Value, Error> {
        match self.inspect(name) {
            Err(Error::NoSuchContainer(_)) => match self.inspect_network(name) {
                Err(Error::NoSuchNetwork(_)) => Err(Error::NoSuchObject(name.to_owned())),
                other => other,
            },
            other => other,
        }
    }
}

impl Subject {
    fn read(tx: &Transaction<'_>, container: &str) -> Result<Self, Error> {
        let row = find::container(tx, container)?;
        let host = row.namespace_of.as_ref().map(|id| tx.container(id));
        let host = host.transpose()?.flatten();
        let listed = Listed::read(tx, &row)?;
        let mut networks = BTreeMap::new();
        for attachment in &listed.settings.attachments {
            if let Some(network) = tx.network(&attachment.network)? {
                networks.insert(attachment.network.clone(), network.network.id);
            }
        }
        Ok(Subject {
            network_of: host.map(|host| host.id),
            networks,
            listed,
        })
    }
}

fn render(subject: &Subject, log: &Path) -> Value {
    let listed = &subject.listed;
    let etc = |file: &str| json!(listed.settings.etc_dir.join(file));
    json!({
        "Id": listed.id,
        "Created": rfc3339(Some(listed.created)),
        "Path": listed.spec.command[0],
        "Args": listed.spec.command[1..],
        "State": state(listed),
        "Image": root(listed),
        "ResolvConfPath": etc("resolv.conf"),
        "HostnamePath": etc("hostname"),
        "HostsPath": etc_files::hosts_path(&listed.settings).unwrap_or_default(),
        "LogPath": if log.exists() { log } else { Path::new("") },
        "Name": format!("/{}", listed.name),
        "RestartCount": listed.restarts,
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "HostConfig": host_config(listed, subject.network_of.as_ref()),
        "Config": config(listed),
        "Mounts": listed.spec.volumes.iter().map(mount).collect::<Vec<_>>(),
        "NetworkSettings": network_settings(subject),
    })
}

/// There are no images: what a container is made of is its root directory.
fn root(listed: &Listed) -> PathBuf {
    let machine = || PathBuf::from("/");
    listed.spec.rootfs.clone().unwrap_or_else(machine)
}

fn state(listed: &Listed) -> Value {
    json!({
        "Status": listed.status,
        "Running": listed.is_up(),
        "Paused": false,
        "Restarting": listed.is_up() && !listed.is_running(),
        "OOMKilled": false,
        "Dead": false,
        "Pid": listed.pid.unwrap_or(0),
        "ExitCode": listed.exit_code.unwrap_or(0),
        "Error": listed.error.clone().unwrap_or_default(),
        "StartedAt": rfc3339(listed.started),
        "FinishedAt": rfc3339(listed.finished),
    })
}

fn mount(volume: &Volume) -> Value {
    json!({
        "Type": "bind",
        "Source": volume.source,
        "Destination": volume.target,
        "Mode": if volume.read_only { "ro" } else { "" },
        "RW": !volume.read_only,
        "Propagation": "rprivate",
    })
}
