//! The table in a real kernel, each test in a network namespace of its own.
//!
//! Needs root, if need be that of a user namespace
//! (`unshare --user --map-root-user --net --mount --pid --fork`), and `nft`, `ip`, `bridge`
//! and `conntrack` as judges.

mod conntrack;
mod events;
mod foreign;
mod lab;
mod machine;
mod mend;
mod packets;
mod probe;
mod resolver_port;
mod table;
mod transactions;
