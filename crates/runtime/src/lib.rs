//! Containers and networks: the one crate that composes the leaves.
//!
//! ```text
//!   ContainerSpec            what a user asked for                     (model)
//!        │  conflicts, find command, hold ports, survey the ground     (run.rs)
//!        ▼
//!   admit ──▶ name, address, files, plan, in one transaction           (admit.rs, state)
//!        │
//!        ▼
//!   Plan = [Step, Step, …]   data: stored, printed, applied, undone    (plan.rs, step.rs)
//!        │  each step through one leaf                                 (steps/)
//!        ▼
//!   kernel: namespace, veth, bridge, address, route, nftables, files   (netns, bridge, nat, names)
//!        │
//!        ▼
//!   launch the command, attend to it until it ends                     (launch.rs, attend/)
//!        │
//!        ▼
//!   lay to rest: undo the plan, settle the row                         (rest.rs)
//! ```
//!
//! There is one undo path. A failing step, an ordinary end, `rm -f` and the repair of a
//! crash all take the stored plan and undo its steps, the last one first; a step whose
//! work is already gone says so and is content.
//!
//! What must stay true: nothing of a machine's network is changed except by a [`Step`];
//! no step is applied before the plan that it belongs to is stored.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod address;
mod address6;
mod admit;
mod attend;
mod check;
mod christen;
mod configuration;
mod configured;
mod conflicts;
mod control;
mod detach;
mod doctor;
mod enter;
mod error;
mod etc_dir;
mod etc_files;
mod exec;
mod exits;
mod find;
mod foreign;
mod forwarding;
mod handover;
mod hosts_base;
mod inheritance;
mod inspect;
mod kept_ports;
mod launch;
mod links;
mod list;
mod lock;
mod logs;
mod lost_files;
mod machine;
mod memory;
mod mend;
mod messages;
mod narrator;
mod network;
mod network_down;
mod networks;
mod office;
mod orphans;
mod paths;
mod plan;
pub mod ports;
mod private_dir;
mod process;
mod prune;
mod publish;
mod rehearse;
pub mod relay;
mod remove;
mod rename;
mod repair;
mod resolve;
mod rest;
mod restore;
mod run;
mod script;
mod settings;
mod shield;
mod sight;
mod start;
mod step;
mod steps;
mod stop;
mod strays;
mod supervise;
mod take_over;
mod time;
mod top;
mod wait;
mod withdraw;

pub use check::Difference;
pub use configured::{Configured, Setting, Source};
pub use detach::{Detached, Startup, detach};
pub use doctor::{Diagnosis, Severity, doctor};
pub use error::Error;
pub use exec::ExecRequest;
pub use links::{LinkReport, LinkState, LinkWish, Unlink};
pub use list::Listed;
pub use logs::{Follow, LogEntry, LogRequest, LogStream, Period, Reader as LogReader};
pub use mend::Repaired;
pub use minet_config::{Config, ConfigError, LeftAlone};
pub use minet_names::resolver::{Access, Bearer, Reason, Server, Why};
pub use minet_netns::StartupReport;
pub use minet_netns::{close_inherited, share_one_heap};
pub use narrator::Narrator;
pub use network_down::IdleNetworks;
pub use networks::{
    CableState, ListedCable, ListedLease, ListedNetwork, ListedPort, NetworkError, SpecChange,
    SubnetHolder,
};
pub use paths::Paths;
pub use plan::{FailAfter, Plan, StepFailed};
pub use rehearse::Rehearsal;
pub use remove::Force;
pub use repair::Swept;
pub use resolve::{Resolved, VisibleName, answer_names_if_started_to};
pub use run::RunRequest;
pub use script::{Direction, script};
pub use settings::{Attachment, Attachment6, HostPlace, SeenHosts, Settings};
pub use shield::raise as raise_shield;
pub use step::{Act, Explanation, Finding, Step};
pub use steps::*;
pub use stop::{Grace, Patience, StopRequest};

pub(crate) use time::format_time;
pub use time::{format_time_as_go, parse_time};
pub use top::{ProcessInfo, Traffic, Usage};

pub use machine::{Inside, Machine};
use memory::Memory;
use minet_state::{Live, ProcessIdentity, Store};
use std::os::fd::OwnedFd;

/// minet on this machine: its memory, and its hands.
pub struct Runtime {
    pub(crate) store: Memory,
    pub(crate) machine: Machine,
    pub(crate) boot: String,
}

/// For what a [`Runtime`] is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To change something; first puts right what a crash left.
    Act,
    /// To show what would be done: nothing is changed, not even the store is made.
    Rehearse,
}

impl Runtime {
    /// Opens the store and, to act, puts right what a crash left half-made.
    pub fn open(paths: Paths, purpose: Purpose) -> Result<Self, Error> {
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        if !process::proc_shows_us() {
            return Err(Error::ForeignProc);
        }
        // State, logs and locks are nobody else's business; the container gets its own.
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
        let boot = process::boot_id().map_err(Error::process("read the boot's identity"))?;
        let store = match purpose {
            Purpose::Act => {
                private_dir::prepare(paths.run_dir())?;
                private_dir::prepare(paths.state_dir())?;
                Store::open(paths.state_dir())?
            }
            Purpose::Rehearse => Store::open_existing(paths.state_dir())?,
        };
        let mut runtime = Runtime {
            store: Memory::new(paths.state_dir().to_owned(), store),
            machine: Machine::new(paths),
            boot,
        };
        if purpose == Purpose::Act {
            runtime.put_right()?;
        }
        Ok(runtime)
    }

    /// A handle on a process of a container's, if exactly that one still runs.
    pub(crate) fn open_process(&self, live: &Live, process: ProcessIdentity) -> Option<OwnedFd> {
        // Start times count from the boot, so they mean nothing in another one.
        if live.boot != self.boot {
            return None;
        }
        process::open(process)
    }

    /// Undoes steps without telling anybody; returns what resisted.
    pub(crate) fn undo_silently(&mut self, steps: &[Step]) -> Vec<String> {
        plan::Carrier::new(&mut self.machine, &mut narrator::Silent, None).undo(steps)
    }
}
