//! Networks as things: made, listed, looked into, removed; and containers plugged into
//! them and out of them.
//!
//! What a network stands on, and when that is made, is told in [`crate::network`].

mod cables;
mod choose;
mod choose6;
mod connect;
mod create;
mod default;
mod endpoint;
mod error;
mod follow;
mod ipam_config;
mod leases;
mod list;
pub(crate) mod overlap;
mod remove;
mod reroute;
mod room;
mod set;
pub(crate) mod shards;
mod ways_out;

pub use cables::{CableState, ListedCable};
pub(crate) use choose::{choose, pool, verify};
pub(crate) use choose6::pool6;
pub(crate) use connect::to_json;
pub(crate) use create::spanning_tree_warning;
pub(crate) use default::{asked_of, is_outdated, make_way, may_keep_subnet, pending};
pub(crate) use endpoint::{
    announce_steps, attach, cable_steps, default_route_step, default_route6_step,
};
pub use error::{NetworkError, SubnetHolder};
pub use leases::{ListedLease, ListedPort};
pub use list::ListedNetwork;
pub use set::SpecChange;
pub(crate) use ways_out::require_outbound;
