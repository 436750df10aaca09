//! A throw-away host to run the real `minet` in, and means to look at what it did.
//!
//! ```text
//!            the machine that runs the tests: never touched
//!   ┌────────────────────────────────────────────────────────────────────────┐
//!   │  uplink: 203.0.113.7, a server somewhere; 192.168.120.1, the router    │
//!   │                    bridge "lan", 192.168.120.0/24                      │
//!   │                   ┌──────────┴───────────┐                             │
//!   │  ┌────────────────┴───────────┐    ┌─────┴──────────────────────────┐  │
//!   │  │ host: lan0 192.168.120.2   │    │ lan: lan0 192.168.120.3,       │  │
//!   │  │ own /run /var/lib /proc    │    │ a neighbour, friend or foe     │  │
//!   │  │ `minet` runs here          │    └────────────────────────────────┘  │
//!   │  └────────────────────────────┘                                        │
//!   └────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! By hand, that is `unshare --net --mount --pid --fork` three times and a few `ip link
//! add … type veth`; for an ordinary user the outermost has `--user --map-root-user`.
//!
//! What has to be true: tests never meet, so they may run side by side; whatever a test
//! leaves behind dies with its host; a test that lacks privilege fails and says why.

mod binaries;
mod cage;
mod command;
mod crash;
mod crowd;
mod eventually;
mod host;
mod normal;
mod peers;
mod readers;
mod round;
mod running;
mod snapshot;
mod terminal;

pub use binaries::{minet, probe, xtask};
pub use command::{Finished, Words};
pub use crash::{Blow, Point, SCENARIOS, Scenario};
pub use crowd::Crowd;
pub use eventually::eventually;
pub use host::{Place, TestHost};
pub use normal::{without_counters, without_ids};
pub use peers::{Docker, Firewalld, Forward, Libvirt, Ufw};
pub use readers::{Readers, change_links, change_links_under_readers};
pub use round::{INTRUDER, Round};
pub use running::Running;
pub use snapshot::Snapshot;
pub use terminal::Terminal;

/// The host's IPv4 address on the LAN.
pub const HOST: &str = "192.168.120.2";
/// The host's IPv6 address on the LAN.
pub const HOST_V6: &str = "fd00:120::2";
/// The neighbour's IPv4 address on the LAN.
pub const NEIGHBOUR: &str = "192.168.120.3";
/// The neighbour's IPv6 address on the LAN.
pub const NEIGHBOUR_V6: &str = "fd00:120::3";
/// The router's IPv6 address on the LAN.
pub const ROUTER_V6: &str = "fd00:120::1";
/// A server beyond the router, which knows no route back to any container.
pub const SERVER: &str = "203.0.113.7";
