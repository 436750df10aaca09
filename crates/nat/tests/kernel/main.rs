//! The table in a real kernel, each test in a network namespace of its own.
//!
//! Needs root, if need be that of a user namespace
//! (`unshare --user --map-root-user --net --mount --pid --fork`), `nft`, `ip`, `conntrack`
//! and `python3`, which play judge and traffic.

mod lab;
mod table;
mod transactions;
