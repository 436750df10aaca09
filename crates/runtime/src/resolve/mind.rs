//! The resolver of one running container: what it knows, and whom it asks.

use super::{
    line::{Meant, Told},
    memory::Memory,
};
use crate::{Error, settings::Settings};
use minet_model::{ContainerId, ContainerSpec, Reach};
use minet_names::resolver::{
    Access, Directory, HOST_SERVERS, Others, Server, Transport, Upstreams,
};
use minet_netns::Netns;
use minet_state::Store;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    fs, io,
    net::IpAddr,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long the store stays open after a question: programs ask several at a time.
const REST_AFTER: Duration = Duration::from_secs(2);

/// Whether a container's questions are passed on: not if all of its networks are internal.
pub(crate) fn others(spec: &ContainerSpec, settings: &Settings) -> Others {
    let leads_out = settings
        .attachments
        .iter()
        .any(|attachment| attachment.reach == Reach::Outside);
    match (leads_out, spec.dns_single_label) {
        (false, _) => Others::NotAsked,
        (true, false) => Others::Asked,
        (true, true) => Others::AskedForAll,
    }
}

/// The servers that a container's questions are passed on to.
pub(crate) fn upstreams(spec: &ContainerSpec) -> Upstreams {
    match spec.dns.is_empty() {
        false => Upstreams::chosen(&spec.dns),
        true => Upstreams::of_host(&fs::read_to_string(HOST_SERVERS).unwrap_or_default(), zone),
    }
}

/// The number of the host's interface of this name; a number is one (RFC 4007 section 11.2).
fn zone(name: &str) -> Option<u32> {
    let by_name = nix::net::if_::if_nametoindex(name);
    by_name.ok().or_else(|| name.parse().ok())
}

/// The resolver of one container, in its supervisor.
pub(crate) struct ContainerMind {
    id: ContainerId,
    spec: ContainerSpec,
    state_dir: PathBuf,
    netns: Netns,
    /// The store, open only while questions come.
    open: Arc<Mutex<Option<Open>>>,
    upstreams: Mutex<Option<Known>>,
}

/// The store, what was found in it, and when it was last used.
struct Open {
    store: Store,
    memory: Option<Memory>,
    used: Instant,
}

/// The servers, and of which file they were read.
struct Known {
    file: Option<Stamp>,
    servers: Arc<Upstreams>,
}

/// What changes when a file does: device, inode, length, time of change.
type Stamp = (u64, u64, u64, i64, i64);

fn stamp() -> Option<Stamp> {
    let meta = fs::metadata(HOST_SERVERS).ok()?;
    Some((
        meta.dev(),
        meta.ino(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
    ))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ContainerMind {
    pub(crate) fn new(
        id: &ContainerId,
        spec: ContainerSpec,
        state_dir: PathBuf,
        netns: Netns,
    ) -> Self {
        ContainerMind {
            id: id.clone(),
            spec,
            state_dir,
            netns,
            open: Arc::default(),
            upstreams: Mutex::default(),
        }
    }

    /// What these names mean now, all of them in one transaction.
    pub(super) fn meanings(&self, names: &[String]) -> Result<Told, Error> {
        self.look_up(names).or_else(|_| {
            // The file may be another one by now, or somebody was in the way.
            *lock(&self.open) = None;
            self.look_up(names)
        })
    }

    fn look_up(&self, names: &[String]) -> Result<Told, Error> {
        let mut open = lock(&self.open);
        if open.is_none() {
            *open = Some(Open {
                store: Store::open_to_read(&self.state_dir)?,
                memory: None,
                used: Instant::now(),
            });
            tokio::spawn(close_at_rest(Arc::clone(&self.open)));
        }
        let Open {
            store,
            memory: remembered,
            used,
        } = open.as_mut().expect("opened above");
        *used = Instant::now();
        let alone = store.excludes_others();
        let told = store.read(|tx| {
            let memory = Memory::current(remembered.take(), tx, &self.id)?;
            let memory = remembered.insert(memory);
            let others = others(&self.spec, &memory.asker.settings);
            let mut directory = memory.directory(tx);
            let meanings: Result<Vec<_>, Error> =
                names.iter().map(|name| directory.meaning(name)).collect();
            Ok(Told::Meanings(others, Meant::of(meanings?)))
        });
        if alone {
            *open = None;
        }
        told
    }

    /// The servers to ask. The host's are read again when its file has changed.
    pub(super) fn upstreams(&self) -> Arc<Upstreams> {
        let mut known = lock(&self.upstreams);
        let file = self.spec.dns.is_empty().then(stamp).flatten();
        if let Some(known) = known.as_ref().filter(|known| known.file == file) {
            return Arc::clone(&known.servers);
        }
        let servers = Arc::new(upstreams(&self.spec));
        *known = Some(Known {
            file,
            servers: Arc::clone(&servers),
        });
        servers
    }

    /// A socket to one of them, on the side from which it is asked.
    pub(super) fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd> {
        match self.upstreams().servers().contains(&server) {
            true => dial(&self.netns, server, transport),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

/// Closes the store when nobody has asked for a while; then nothing wakes up any more.
async fn close_at_rest(open: Arc<Mutex<Option<Open>>>) {
    loop {
        let rest = lock(&open).as_ref().map(|open| open.used + REST_AFTER);
        match rest {
            Some(rest) if rest > Instant::now() => tokio::time::sleep_until(rest).await,
            Some(_) | None => break,
        }
    }
    *lock(&open) = None;
    minet_netns::give_back_memory();
}

/// A socket on the side from which the server is asked.
pub(super) fn dial(netns: &Netns, server: Server, transport: Transport) -> io::Result<OwnedFd> {
    match server.access {
        Access::Host => open(server, transport),
        Access::Container => netns
            .run(|| open(server, transport))
            .map_err(|failure| io::Error::from(failure.cause().kind()))?,
    }
}

/// A socket in the namespace of the calling thread, under a port that the kernel draws; one
/// for TCP may still be connecting.
fn open(server: Server, transport: Transport) -> io::Result<OwnedFd> {
    let domain = match server.address.ip() {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    let socket = match transport {
        Transport::Udp => {
            let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
            socket.connect(&server.address.into())?;
            socket
        }
        Transport::Tcp => {
            let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
            match socket.connect(&server.address.into()) {
                Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
                connected => connected?,
            }
            socket
        }
    };
    Ok(socket.into())
}
