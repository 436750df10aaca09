//! Others that give a container its network, each doing the same: a namespace, a cable to
//! a bridge, an address, the way out, one published port.

use super::minet;
use crate::{
    figure::{Figure, Unit},
    race::{Contender, Effort, command, output, race, timed_line},
    session::{Told, tell},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

const GROUP: &str = "peers, network of one container, whole process";
const CNI_DIR: &str = "/usr/lib/cni";
const NETAVARK: &str = "/usr/lib/podman/netavark";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let minet = minet();
    output(&format!("{minet} run --rm -- true"))?;
    let ours = "minet run --rm -p: network, process, and removal";
    let mut names = vec![ours.to_owned()];
    let mut contenders: Vec<Contender<'_>> = vec![Box::new(|_| {
        timed_line(&format!("{minet} run --rm -p 8080:80 -- true"))
    })];
    for peer in [netavark(), cni(), podman()] {
        match peer {
            Ok(Peer { name, contender }) => {
                names.push(name);
                contenders.push(contender);
            }
            Err(error) => tell(&Told::Missing(format!("{error:#}")))?,
        }
    }
    let times = race(effort.choose(5, 15), &mut contenders)?;
    for (name, samples) in names.iter().zip(times) {
        let figure = Figure::new(GROUP, name, Unit::Milliseconds, samples);
        tell(&Told::Figure(match name == ours {
            true => figure,
            false => figure.against(ours),
        }))?;
    }
    Ok(())
}

struct Peer {
    name: String,
    contender: Contender<'static>,
}

/// A namespace with a name, gone with the value.
struct Named(String);

impl Named {
    fn new(name: String) -> Result<Self> {
        output(&format!("ip netns add {name}"))?;
        Ok(Named(name))
    }

    fn path(&self) -> String {
        format!("/run/netns/{}", self.0)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = output(&format!("ip netns del {}", self.0));
    }
}

/// A root of one file; the container engine itself makes no control groups, because a
/// throw-away host has none of its own.
fn podman() -> Result<Peer> {
    for program in ["/usr/bin/podman", "/usr/bin/crun", "/bin/busybox"] {
        ensure!(Path::new(program).exists(), "{program} is not installed");
    }
    const ROOT: &str = "/run/podman-bench";
    fs::create_dir_all(format!("{ROOT}/rootfs/bin"))?;
    fs::copy("/bin/busybox", format!("{ROOT}/rootfs/bin/true"))?;
    // It looks for them all the same.
    if !Path::new("/sys/fs/cgroup/cgroup.procs").exists() {
        output("mount -t cgroup2 cgroup2 /sys/fs/cgroup").context("podman")?;
    }
    let line = format!(
        "podman --runtime crun --cgroup-manager cgroupfs --root {ROOT}/root --runroot {ROOT}/run \
         run --rm --cgroups disabled --log-driver none --network bridge -p 8083:80 \
         --rootfs {ROOT}/rootfs /bin/true"
    );
    timed_line(&line).context("try podman")?;
    let name = "podman run --rm -p, without control groups".to_owned();
    let contender = Box::new(move |_| timed_line(&line));
    Ok(Peer { name, contender })
}

fn netavark() -> Result<Peer> {
    ensure!(Path::new(NETAVARK).exists(), "netavark is not installed");
    let contender = |round: usize| {
        let netns = Named::new(format!("netavark{round}"))?;
        let config = PathBuf::from("/run/netavark.json");
        fs::write(&config, netavark_wish(round).to_string())?;
        let line = |act: &str| {
            let (config, netns) = (config.display(), netns.path());
            format!("{NETAVARK} --config /run/netavark --file {config} {act} {netns}")
        };
        let took = timed_line(&line("setup"))? + timed_line(&line("teardown"))?;
        Ok(took)
    };
    let name = "netavark setup and teardown".to_owned();
    Ok(Peer {
        name,
        contender: Box::new(contender),
    })
}

fn netavark_wish(round: usize) -> Value {
    json!({
        "container_id": format!("{round:064x}"),
        "container_name": "bench",
        "port_mappings": [{
            "container_port": 80, "host_ip": "", "host_port": 8081, "protocol": "tcp", "range": 1
        }],
        "networks": { "podman": {
            "static_ips": [format!("10.88.0.{}", 2 + round % 250)],
            "interface_name": "eth0"
        }},
        "network_info": { "podman": {
            "name": "podman",
            "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
            "driver": "bridge",
            "network_interface": "podman0",
            "subnets": [{ "subnet": "10.88.0.0/16", "gateway": "10.88.0.1" }],
            "ipv6_enabled": false,
            "internal": false,
            "dns_enabled": false,
            "ipam_options": { "driver": "host-local" }
        }}
    })
}

fn cni() -> Result<Peer> {
    for plugin in ["bridge", "portmap", "firewall", "host-local"] {
        let path = Path::new(CNI_DIR).join(plugin);
        ensure!(path.exists(), "the CNI plugins are not installed");
    }
    let contender = |round: usize| {
        let netns = Named::new(format!("cni{round}"))?;
        let began = Instant::now();
        let mut result = Value::Null;
        for plugin in ["bridge", "portmap", "firewall"] {
            let answer = call_plugin(plugin, "ADD", round, &netns, &result)?;
            result = serde_json::from_str(&answer).context("read the plugin's result")?;
        }
        for plugin in ["firewall", "portmap", "bridge"] {
            call_plugin(plugin, "DEL", round, &netns, &result)?;
        }
        Ok::<Duration, anyhow::Error>(began.elapsed())
    };
    let name = "CNI bridge + portmap + firewall, ADD and DEL".to_owned();
    Ok(Peer {
        name,
        contender: Box::new(contender),
    })
}

fn call_plugin(
    plugin: &str,
    act: &str,
    round: usize,
    netns: &Named,
    previous: &Value,
) -> Result<String> {
    let mut config = json!({
        "cniVersion": "1.0.0",
        "name": "bench",
        "type": plugin,
        "bridge": "cni0",
        "isGateway": true,
        "ipMasq": true,
        "ipam": { "type": "host-local", "subnet": "10.77.0.0/16", "dataDir": "/run/cni-bench" },
        "runtimeConfig": {
            "portMappings": [{ "hostPort": 8082, "containerPort": 80, "protocol": "tcp" }]
        }
    });
    if !previous.is_null() {
        config["prevResult"] = previous.clone();
    }
    let mut child = command(&format!("{CNI_DIR}/{plugin}"))
        .env("CNI_COMMAND", act)
        .env("CNI_CONTAINERID", format!("bench{round}"))
        .env("CNI_NETNS", netns.path())
        .env("CNI_IFNAME", "eth0")
        .env("CNI_PATH", CNI_DIR)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("run the CNI plugin {plugin}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(config.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "CNI {act} by {plugin}: {answer}");
    Ok(answer)
}
