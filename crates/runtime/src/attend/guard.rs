//! Guarding what stands: when somebody flushes the ruleset, removes a bridge, or replaces a
//! file over which containers' own are mounted, it is made again within a moment.
//!
//! One supervisor listens to the kernel, the oldest; each of the others watches only the
//! one that began before it, by its pidfd, and takes its place when it ends:
//!
//! ```text
//!   kernel ──multicast──▶ db ◀──pidfd── web ◀──pidfd── cache ◀── …
//!                          │
//!                          └─ somebody else changed it ─▶ minet repair
//! ```
//!
//! So what a container's start tells the kernel's groups wakes one process, however many
//! there are, and the end of a container wakes at most one more. While nothing happens,
//! nobody wakes.
//!
//! What is heard is only a hint. `minet repair`, in a process of its own, looks and mends:
//! this one stays small, and answers whoever calls meanwhile.

use super::{
    inside::{Inside, Rumours, tell_to_look},
    replaced::Replaced,
    watch::watch,
};
use crate::{
    Error, Paths, Runtime, admit::Admitted, foreign, memory::Memory, network, process,
    steps::LayCable,
};
use minet_bridge::{
    Rtnl,
    events::{LinkEvents, Loose},
    link,
};
use minet_model::ContainerId;
use minet_nat::RulesetEvents;
use minet_state::Store;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::{
    os::fd::{AsFd, IntoRawFd, OwnedFd},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{
    io::unix::AsyncFd,
    time::{Instant, sleep, sleep_until},
};

/// How long is waited for more of the same: a reload says many things in a row. A container
/// that is just ending is gone by then.
const SETTLE: Duration = Duration::from_millis(150);

/// How long a container lives before its supervisor begins to guard.
const FIRST_REST: Duration = Duration::from_millis(20);

/// Between two repairs, should somebody insist.
const REST: Duration = Duration::from_millis(800);

/// How often a repair that did not succeed is tried again.
const ATTEMPTS: u32 = 3;

/// What a supervisor needs to take its turn.
pub(crate) struct Guard {
    paths: Paths,
    boot: String,
    /// Its place among the others.
    start: u64,
    id: ContainerId,
}

impl Runtime {
    /// The guard that the supervisor of this container, this process, will be.
    pub(crate) fn guard(&self, admitted: &Admitted) -> Guard {
        let me = process::identify(nix::unistd::Pid::this());
        Guard {
            paths: self.machine.paths().clone(),
            boot: self.boot.clone(),
            start: me.map_or(0, |me| me.start),
            id: admitted.id.clone(),
        }
    }
}

impl Guard {
    /// Stands guard for as long as the event loop runs, which this must be called within.
    ///
    /// It begins when the container has lived for a moment: most commands in the foreground
    /// are over by then, and need no guard.
    pub(crate) fn post(self) {
        tokio::spawn(async move {
            sleep(FIRST_REST).await;
            // A supervisor that cannot guard still does all the rest; whoever comes next
            // finds out with `minet check`.
            let _ = self.stand().await;
        });
    }

    async fn stand(&self) -> Result<(), Error> {
        let mut took_over = false;
        while let Some(before) = self.before()? {
            took_over = true;
            let ended = watch(before).map_err(Error::process("watch the supervisor before"))?;
            minet_netns::give_back_memory();
            let _ = ended.readable().await;
        }
        let mut ears = Ears::open()?;
        if !took_over {
            // Its command may have changed its addresses first of all.
            tell_to_look([self.paths.etc_dir(&self.id).as_path()]);
        }
        // Nobody has listened since the last one ended, or since this one began. Meanwhile
        // the rules may have been wiped, and made anew for another container alone.
        let is_new = took_over && self.paths.new_table_mark().exists();
        let begin_with = match is_new || !self.all_stands() || self.any_file_is_lost() {
            true => Some(Instant::now()),
            false => None,
        };
        minet_netns::give_back_memory();
        self.listen(&mut ears, begin_with).await
    }

    /// A handle on the last supervisor that began before this one and still runs.
    fn before(&self) -> Result<Option<OwnedFd>, Error> {
        let mut memory = self.memory()?;
        let mut place = (self.start, self.id.to_string());
        loop {
            let found = memory
                .read(|tx| Ok::<_, Error>(tx.supervisor_before(&self.boot, place.0, &place.1)?))?;
            let Some((process, id)) = found else {
                return Ok(None);
            };
            if let Some(pidfd) = process::open(process) {
                return Ok(Some(pidfd));
            }
            place = (process.start, id);
        }
    }

    fn memory(&self) -> Result<Memory, Error> {
        let dir = self.paths.state_dir();
        Ok(Memory::new(dir.to_owned(), Store::open(dir)?))
    }

    fn runtime(&self) -> Result<Runtime, Error> {
        Ok(Runtime {
            store: self.memory()?,
            machine: crate::Machine::new(self.paths.clone()),
            boot: self.boot.clone(),
        })
    }

    /// A quick look: bridges, rules and forwarding of the networks that should stand, and
    /// whether anything has come into their way since they were brought up.
    fn all_stands(&self) -> bool {
        let look = || {
            let mut runtime = self.runtime()?;
            Ok::<_, Error>(
                network::all_are_up(&mut runtime)? && !foreign::has_changed(&mut runtime)?,
            )
        };
        look().unwrap_or(false)
    }

    /// And the files of the containers that run.
    fn any_file_is_lost(&self) -> bool {
        let look = || self.runtime()?.any_file_is_lost();
        look().unwrap_or(false)
    }

    /// Tells those whose addresses somebody seems to have changed.
    fn pass_on(&self, rumours: &Rumours) {
        let find = || self.runtime()?.who_is_to_look(rumours);
        if let Ok(dirs) = find() {
            tell_to_look(dirs.iter().map(PathBuf::as_path));
        }
        minet_netns::give_back_memory();
    }

    async fn listen(&self, ears: &mut Ears, mut due: Option<Instant>) -> Result<(), Error> {
        let mut rested = Instant::now();
        let mut failures = 0;
        let mut loose = Vec::new();
        let mut look_at = None;
        loop {
            tokio::select! {
                heard = ears.hear() => {
                    loose.extend(heard.loose);
                    if let Some(rumours) = heard.inside {
                        self.pass_on(&rumours);
                    }
                    if heard.host {
                        failures = 0;
                        due.get_or_insert((Instant::now() + SETTLE).max(rested));
                    } else if !loose.is_empty() {
                        look_at.get_or_insert(Instant::now() + SETTLE);
                    }
                }
                () = until(look_at) => {
                    look_at = None;
                    if self.are_missed(&std::mem::take(&mut loose)) {
                        failures = 0;
                        due.get_or_insert(Instant::now().max(rested));
                    }
                }
                () = until(due) => {
                    due = None;
                    let mended = self.repair().await;
                    rested = Instant::now() + REST;
                    failures += u32::from(!mended);
                    if !mended && failures < ATTEMPTS {
                        due = Some(rested);
                    }
                }
            }
        }
    }

    /// Whether one of these cables still is what its container needs, and is not there, off,
    /// or on no bridge. One whose container has just ended is missed by nobody.
    fn are_missed(&self, loose: &[Loose]) -> bool {
        let Ok(mut rtnl) = Rtnl::open() else {
            return false;
        };
        let instance = self.paths.instance();
        let lives = |cable: &Loose| {
            LayCable::whose(instance.as_ref(), &cable.alias).is_some_and(|name| {
                let link = self.paths.netns_dir().join(name);
                std::fs::symlink_metadata(link).is_ok()
            })
        };
        let mut is_off = |cable: &Loose| match link::find(&mut rtnl, &cable.host_end) {
            Ok(Some(link)) => !link.up || link.master.is_none(),
            Ok(None) => true,
            Err(_) => false,
        };
        loose.iter().any(|cable| lives(cable) && is_off(cable))
    }

    /// Runs `minet repair`, and says whether it succeeded.
    async fn repair(&self) -> bool {
        let mut command = Command::new("/proc/self/exe");
        command.env_remove("MINET_ROOT");
        if let Some(root) = self.paths.root() {
            command.arg("--root").arg(root);
        }
        if let Some(file) = self.paths.named_config_file() {
            command.arg("--config").arg(file);
        }
        command.arg("repair");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            return false;
        };
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pidfd = number.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        if let Some(ended) = pidfd.and_then(|pidfd| watch(pidfd).ok()) {
            let _ = ended.readable().await;
        }
        child.wait().is_ok_and(|status| status.success())
    }
}

/// The sockets, and the host's files.
struct Ears {
    ruleset: RulesetEvents,
    ruleset_ready: AsyncFd<OwnedFd>,
    links: LinkEvents,
    links_ready: AsyncFd<OwnedFd>,
    /// None where this user has as many inotify instances as it may have.
    files: Option<Replaced>,
    /// None where this user may not (user_namespaces(7)).
    inside: Option<Inside>,
}

impl Drop for Ears {
    /// Closing a netfilter socket waits until the kernel has freed what anybody has deleted,
    /// for milliseconds. Somebody may be waiting for this container's end, but nobody for
    /// that of its supervisor, which closes the socket too.
    fn drop(&mut self) {
        if let Ok(duplicate) = self.ruleset.as_fd().try_clone_to_owned() {
            let _ = duplicate.into_raw_fd();
        }
    }
}

/// What was heard by any of them.
#[derive(Default)]
struct Heard {
    host: bool,
    loose: Vec<Loose>,
    inside: Option<Rumours>,
}

impl Ears {
    fn open() -> Result<Self, Error> {
        let ruleset = RulesetEvents::listen()?;
        let links = LinkEvents::listen()?;
        let ready = |fd: std::os::fd::BorrowedFd<'_>| {
            let watched = fd.try_clone_to_owned().and_then(watch);
            watched.map_err(Error::process("listen to the kernel"))
        };
        Ok(Ears {
            ruleset_ready: ready(ruleset.as_fd())?,
            links_ready: ready(links.as_fd())?,
            ruleset,
            links,
            files: Replaced::watch().ok(),
            inside: Inside::listen().ok(),
        })
    }

    async fn hear(&mut self) -> Heard {
        tokio::select! {
            ready = self.ruleset_ready.readable() => {
                let host = self.ruleset.disturbed();
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
                Heard { host, ..Heard::default() }
            }
            ready = self.links_ready.readable() => {
                let heard = self.links.hear();
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
                Heard { host: heard.host, loose: heard.cables, ..Heard::default() }
            }
            () = replaced(self.files.as_mut()) => Heard { host: true, ..Heard::default() },
            rumours = changed(self.inside.as_mut()) => Heard { inside: Some(rumours), ..Heard::default() },
        }
    }
}

async fn replaced(files: Option<&mut Replaced>) {
    match files {
        Some(files) => files.next().await,
        None => std::future::pending().await,
    }
}

async fn changed(inside: Option<&mut Inside>) -> Rumours {
    match inside {
        Some(inside) => inside.next().await,
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
