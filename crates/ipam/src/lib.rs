//! Which subnet a network gets, and which address a container: pure computation.
//!
//! Nothing here reads the kernel, a file or the clock. Who calls says what is taken, and
//! this crate answers what is free:
//!
//! ```text
//!  ip address; ip route show table all          --ip 172.17.0.9        a new container
//!              │                                       │                      │
//!       choose_subnet ──▶ 172.17.0.0/16 ──▶ Pool ──▶ check_static        fresh_from(cursor)
//!                                                                             │
//!   172.17.0.0   .1        .2 .3 .4 .5 …… cursor │ .7 .8 .9 …… .255.254   .255.255
//!   network    gateway     handed out before     │ never handed out       broadcast
//! ```
//!
//! By hand: `ip route get ADDRESS` for each candidate subnet, a notebook for the rest.
//!
//! # The policy
//!
//! The caller, who has the notebook, decides in this order:
//!
//! 1. An address that the user pins (`--ip`) is used if [`Pool::check_static`] agrees and
//!    nobody else has it now.
//! 2. A container whose name had an address before gets it again. Firewalls, `ssh` keys
//!    and people remember addresses.
//! 3. Else the next address that nobody has ever had: [`Pool::fresh_from`] the cursor.
//!    Not the lowest free one: a neighbour, a DNS cache or a half-open connection may
//!    still mean the container that had it a second ago.
//! 4. Only when the pool has run through, the lease that was released the longest time
//!    ago is taken over.
//!
//! IPv6 is not searched: an address is derived from the IPv4 address of the same lease
//! ([`Pool6::beside`]), a subnet is a /64 of the site's own unique local prefix.
//!
//! # What must stay true
//!
//! - The cost does not grow with the number of leases: a cursor and an index of released
//!   leases by time answer everything; nothing here builds a list of all addresses.
//! - The network's and the broadcast address, the gateway and reserved addresses are
//!   never handed out, neither freshly nor pinned.

mod pool;
mod pool6;
mod special;
mod subnet;
mod subnet6;

pub use pool::{InvalidAddress, InvalidRange, Pool};
pub use pool6::Pool6;
pub use special::{NotForHosts, check_for_hosts};
pub use subnet::{NoFreeSubnet, choose_subnet, default_pools, gateway_of, overlaps};
pub use subnet6::{NoFreeSubnet6, choose_subnet6, gateway_of6, overlaps6, unique_local};
