//! What minet remembers: the wishes, in one SQLite file.
//!
//! The kernel is the truth about what *is*; this store holds what *should be*: networks,
//! containers with the plan that made them, leases, published ports. A wish is written
//! here, in one transaction, before the first change to the machine, so that whoever
//! comes next can undo what a crash left half-made:
//!
//! ```text
//!  minet run ── admit ──▶ [container + lease + ports + plan] ── steps ──▶ kernel
//!                              │ crash at any point from here on
//!  any later command ──────────┴─▶ orphans() ── undo the plan ──▶ settle()
//! ```
//!
//! The invariants are SQL constraints, not code: one holder per (network, address), per
//! container name, per (protocol, host address, host port).
//!
//! | table | one row is | outlives a reboot |
//! | --- | --- | --- |
//! | `network` | a bridge, its subnet, whether it is up (in which boot) | yes |
//! | `container` | a container, its spec, its plan, who supervises it | yes |
//! | `lease` | who holds, or last held, an address | yes |
//! | `cables` | how many cables each bridge of a network has, counted by triggers on `lease` | yes |
//! | `ended` | the exit code of one of the last containers that are gone | yes |
//! | `link` | that a container is known to another by a name | yes |
//! | `name` | how a container is called on a network | yes, dropped with its container |
//! | `relink` | whose names are still to be rewritten | yes |
//! | `moved_address` | an address that was changed by hand inside | no: dropped with its container |
//! | `kept_port` | a host port that minet chose for a name, and chooses again for it | yes |
//! | `handover` | a port that is on its way from one container to another, or to nobody | no: finished or taken back |
//! | `port` | a host port that is published now | no: dropped with its container |
//!
//! Look inside with `sqlite3 /var/lib/minet/minet.db .dump`.
//!
//! What must stay true: a row that speaks of something alive carries the boot's identity
//! and the process's start time, so that neither a reboot nor a reused PID can be taken
//! for a running container.

mod cables;
mod containers;
mod error;
mod handovers;
mod kept_ports;
mod leases;
mod leases6;
mod lifecycle;
mod links;
mod names;
mod networks;
mod ports;
mod reserve;
mod schema;
mod schema_cables;
mod schema_links;
mod schema_names;
mod store;

pub use containers::{ContainerRow, Live, NewContainer, ProcessIdentity, Status, Wish};
pub use error::Error;
pub use handovers::Handover;
pub use kept_ports::KeptPort;
pub use leases::{Lease, LeaseHolder};
pub use links::{LinkRow, Relink};
pub use names::{NameKind, NamedRow};
pub use networks::NetworkRow;
pub use store::{Store, Transaction};
