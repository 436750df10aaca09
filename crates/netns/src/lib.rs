//! Namespaces: make and enter them, and start a process in them.
//!
//! A container is a process that the kernel answers differently. Ask it for the network
//! devices, the processes, the files, the name of the machine: the answers come from the
//! *namespaces* that the process is in (`namespaces(7)`). This crate makes namespaces,
//! enters them, and starts processes whose every answer is their own.
//! It is the only one that calls `setns`, `unshare`, `mount` or `clone`.
//!
//! ```text
//!                    netns (ours alone, or shared with other containers)
//!                    ┌──────────────────────────────────────────────────┐
//!                    │ eth0, lo, routes, net.* sysctls, /sys/class/net  │
//!   minet            │   ┌──────────────────────────────────────────┐   │
//!  (host) ──clone3──▶│   │ mnt   /, own /proc /sys /dev/pts /dev/shm│   │
//!     ▲              │   │ pid   1 = the command, or a tiny init    │   │
//!     │ dies with    │   │ uts   its host name                      │   │
//!     └──────────────│───│ ipc   its queues and shared memory       │   │
//!                    │   └──────────────────────────────────────────┘   │
//!                    └──────────────────────────────────────────────────┘
//! ```
//!
//! | here | by hand |
//! | --- | --- |
//! | [`Netns::create`] | `unshare --net` |
//! | [`Netns::run`] | `nsenter --net=/run/netns/NAME` |
//! | [`sysctl::write`] in there | `ip netns exec NAME sysctl -w KEY=VALUE` |
//! | [`prepare`], [`Prepared::start`] | `unshare --mount --pid --uts --ipc --fork --kill-child`, a dozen `mount`s, `pivot_root`, `setpriv`; see [`launch`] |
//! | [`View`] | `nsenter --target PID --mount mount --bind FILE /etc/hosts` |
//! | [`Announcements`] | `ip -all-nsid monitor` |
//! | [`join()`] | `nsenter --target PID --mount --pid --uts --ipc --net` |
//!
//! Where to read on: [`launch`] is the story of a start, stage by stage.
//!
//! What must stay true:
//!
//! - A thread that changes its namespace dies with that; a process that changes its
//!   namespaces becomes the command or dies. Nobody ever comes back.
//! - A path of a container is resolved by the kernel from a descriptor of its root, and a
//!   mount is put on a descriptor. No path is ever glued together.
//! - No descriptor of the host's, no capability beyond the resolved set and no privilege
//!   of a file reaches the command.
//! - When minet's process dies, in whatever way, so do the processes it started. The one
//!   exception is told at [`InitProcess::CommandIsInit`].
//!
//! What is not here: cables, addresses and routes (`minet-bridge`), and any idea of when
//! to do what (`minet-runtime`).

mod accounts;
mod announcements;
mod capabilities;
mod command;
mod detach;
mod failure;
mod hermit;
mod inherited;
mod inside;
mod join;
pub mod launch;
mod linger;
mod memory;
pub mod mount_points;
mod ns;
mod oom;
mod own_program;
mod passing;
mod root_file;
pub mod seccomp;
mod signal;
mod sys;
pub mod sysctl;
mod view;

pub use accounts::UnknownAccount;
pub use announcements::Announcements;
pub use capabilities::{
    Capabilities, UnknownCapability, keep_a_supervisors, refuse_new_privileges,
    resolve_capabilities,
};
pub use command::{CommandError, FindError, Lookup, find_command};
pub use detach::{Descendant, DetachError, Split, StartupReport, detach};
pub use failure::Failure;
pub use hermit::{Hermit, HermitFiles, Retreat, retreat};
pub use inherited::close_inherited;
pub use inside::Root;
pub use join::{Join, JoinError, join, open_process};
pub use launch::{
    Again, Etc, EtcFile, EtcFolder, InitProcess, Io, Launch, LaunchError, Prepared, Preparing,
    RootAccess, Running, StartError, begin, copy_from, copy_of_directory, prepare,
};
pub use linger::linger;
pub use memory::{give_back_memory, share_one_heap};
pub use ns::{CreateError, NamespaceId, Netns, NetnsError};
pub use oom::protect_from_oom;
pub use own_program::own_program;
pub use passing::{receive_message, send_message};
pub use root_file::read_in_root;
/// A process's number, as the calling process sees it.
pub use rustix::process::Pid;
pub use signal::send_signal;
pub use view::{FileId, View};
