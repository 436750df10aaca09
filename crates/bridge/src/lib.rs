//! Switches and cables: what `ip link`, `ip address` and `ip route` do, as functions.
//!
//! A network of containers is a switch in the kernel and a cable to each container. The
//! way of a packet from one container to another, and out into the world:
//!
//! ```text
//!   container A                   host                       container B
//!  ┌────────────┐   ┌───────────────────────────────┐   ┌────────────┐
//!  │    eth0 ═══╪═══╪═══ mv1 ──┐         ┌── mv2 ═══╪═══╪═══ eth0    │
//!  │ 172.17.0.2 │   │          │ minet0  │          │   │ 172.17.0.3 │
//!  └────────────┘   │       ┌──┴─────────┴──┐       │   └────────────┘
//!       cable       │       │ 172.17.0.1/16 │       │       cable
//!    (veth pair)    │       └───────┬───────┘       │    (veth pair)
//!                   │               │ routing       │
//!                   │             uplink ═══════════╪══▶ the world
//!                   └───────────────────────────────┘
//! ```
//!
//! The same by hand:
//!
//! ```text
//! ip link add minet0 address 02:42:ac:11:00:01 type bridge            switch::create
//! ip address add 172.17.0.1/16 dev minet0; ip link set minet0 up
//! ip link add mv1 master minet0 type veth peer name eth0 netns A      cable::lay
//! ip link set mv1 up
//! ip -n A link set lo up; ip -n A link set eth0 up                    link::set_up
//! ip -n A address add 172.17.0.2/16 dev eth0                          address::add
//! ip -n A route add default via 172.17.0.1                            route::replace_default
//! tc qdisc add dev mv1 ingress; tc filter add dev mv1 ingress bpf …   guard::set
//! ```
//!
//! # How it talks to the kernel
//!
//! Over rtnetlink, `rtnetlink(7)`: messages of the crate `netlink-packet-route` through a
//! blocking socket, [`Rtnl`]. The crate `rtnetlink` would bring a transport too, and minet
//! does without it on purpose. It is asynchronous, where minet does one thing after the
//! other; it sends one message at a time, where a cable is configured by a batch; and it
//! leaves to the caller what makes netlink dependable: lists that changed while they were
//! read (`NLM_F_DUMP_INTR`), sequence numbers, lost answers (`ENOBUFS`), interrupted calls
//! (`EINTR`) and the kernel's reasons in words (extended acknowledgements).
//!
//! # What must stay true
//!
//! - Nothing here enters a namespace. A socket works where it was opened; who wants to
//!   change the inside of a container opens an [`Rtnl`] on a thread inside.
//! - The path of starting a container asks by name and never lists, so that it does not
//!   slow down with the number of containers.
//! - What is created in a file is removed in that file. Removing what is gone is a
//!   success with a name, [`Removed::AlreadyGone`], decided by errno.
//! - An interface that somebody else made is neither changed nor removed.
//! - No interface of minet's gets an IPv6 address by itself. Each would announce itself to
//!   every port of its switch, several times: with a thousand containers that was most of
//!   the machine's work, and laying a cable took several times as long.

pub mod address;
pub mod announce;
pub mod cable;
mod error;
pub mod events;
pub mod guard;
pub mod inventory;
pub mod link;
pub mod neighbour;
pub mod netconf;
mod outcome;
pub mod route;
mod rtnl;
pub mod settings;
pub mod survey;
pub mod switch;
pub mod trunk;

pub use error::{Cause, Error, Refusal};
pub use outcome::{Made, Removed};
pub use rtnl::Rtnl;
