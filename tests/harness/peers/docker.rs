//! A real Docker Engine.

use super::furnish;
use crate::{Finished, Place, Running, TestHost, eventually};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// `dockerd` for one user and one group, whose containers have no control groups.
const DAEMON: &str = "
export HOME=/run
exec dockerd --group root --storage-driver vfs --exec-root /run/docker \
    --data-root /var/lib/docker --pidfile /run/docker.pid --host unix:///run/docker.sock \
    --add-runtime one=$RUNTIME --default-runtime one";

/// `runc`, with a terminal's group that exists, and for a root who may make no control groups.
const RUNTIME: &str = r#"#!/bin/sh
for word; do
    test "$last" != --bundle ||
        sed -i 's/,"gid=5"//; s/"cgroupsPath":"[^"]*",//; s/"oomScoreAdj":[-0-9]*,//' "$word/config.json"
    last=$word
done
exec runc --rootless=true "$@"
"#;

/// An image of nothing but links: what they lead to is the host's own `/usr`.
const IMAGE: &str = "
mkdir -p /run/image/usr
for dir in bin sbin lib lib64; do ln -sfn usr/$dir /run/image/$dir; done
tar -C /run/image -c . | docker import - world";

/// The engine, for as long as this value or its host lives.
pub struct Docker<'h> {
    host: &'h TestHost,
    options: String,
    daemon: Running<'h>,
}

impl<'h> Docker<'h> {
    /// Whether an engine is installed or unpacked.
    pub fn is_there() -> bool {
        super::is_there("sbin/dockerd")
    }

    /// Starts it, with further options of `dockerd`, and waits until it answers.
    #[track_caller]
    pub fn start(host: &'h TestHost, options: &str) -> Self {
        furnish(host, "dockerd");
        let docker = Docker {
            host,
            options: options.to_owned(),
            daemon: start_daemon(host, options),
        };
        host.sh(IMAGE).succeed();
        docker
    }

    /// A container in which `probe serve` listens on these sockets. It is ready.
    #[track_caller]
    pub fn serve(&self, name: &str, options: &str, sockets: &str) {
        let probe = self.host.probe();
        let dir = Path::new(&probe)
            .parent()
            .expect("a program in a directory");
        let dir = dir.display();
        let volumes = format!("-v /usr:/usr:ro -v {dir}:{dir}:ro");
        self.run(&format!(
            "run -d --name {name} --stop-signal KILL {volumes} {options} world {probe} serve {sockets}"
        ))
        .succeed();
        self.wait_for(name);
    }

    /// Starts a container again that stopped with its engine.
    #[track_caller]
    pub fn start_again(&self, name: &str) {
        self.run(&format!("start {name}")).succeed();
        self.wait_for(name);
    }

    #[track_caller]
    fn wait_for(&self, name: &str) {
        eventually(&format!("container {name} of Docker's"), || {
            self.ask(name, "tcp 127.0.0.1:80").code() == 0
        });
    }

    /// Asks a `probe serve` from inside a container.
    pub fn ask(&self, name: &str, question: &str) -> Finished<'h> {
        let probe = self.host.probe();
        self.run(&format!("exec {name} {probe} ask {question}"))
    }

    /// The `docker` of the command line.
    pub fn run(&self, arguments: &str) -> Finished<'h> {
        self.host.exec(format!("docker {arguments}"))
    }

    /// A container's address on its bridge.
    #[track_caller]
    pub fn address_of(&self, name: &str) -> String {
        let format = "{{.NetworkSettings.IPAddress}}";
        self.run(&format!("inspect --format {format} {name}"))
            .succeed()
    }

    /// Stops the engine, and its containers with it; bridges and rules stay.
    #[track_caller]
    pub fn stop(mut self) {
        self.daemon.signal("TERM");
        self.daemon.finish();
    }

    /// Stops it and starts it anew.
    #[track_caller]
    pub fn restart(mut self) -> Self {
        self.daemon.signal("TERM");
        self.daemon.finish();
        Docker {
            daemon: start_daemon(self.host, &self.options),
            ..self
        }
    }
}

#[track_caller]
fn start_daemon<'h>(host: &'h TestHost, options: &str) -> Running<'h> {
    let runtime = host.file("runtime", RUNTIME);
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o755)).expect("chmod");
    let script = format!("RUNTIME={}\n{DAEMON} {options}", runtime.display());
    let mut daemon = host.spawn(Place::Host, ["sh", "-euc", &script]);
    daemon.wait_until("dockerd to listen", |daemon| {
        daemon.stderr().contains("API listen on")
    });
    daemon
}
