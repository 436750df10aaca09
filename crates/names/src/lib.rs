//! What a container calls the world, and itself: `/etc/hosts`, `/etc/resolv.conf`,
//! `/etc/hostname`, and the name server that resolv.conf leads to.
//!
//! A namespace gives a process its own addresses, but names come from three text files
//! that the C library reads on every lookup. They are made on the host and bind-mounted
//! over the container's own:
//!
//! ```text
//!   host                                     container
//!   /run/minet/…/hosts       ──bind mount──▶ /etc/hosts        getaddrinfo("db")
//!   /run/minet/…/resolv.conf ──bind mount──▶ /etc/resolv.conf  │ 1. a line in hosts?
//!   /run/minet/…/hostname    ──bind mount──▶ /etc/hostname     │ 2. ask a nameserver
//!          ▲                                                   ▼
//!          └── write::edit_in_place: the same inode, so the container sees it at once
//! ```
//!
//! By hand it would be
//!
//! ```text
//! printf '127.0.0.1\tlocalhost\n172.17.0.2\tweb\n' > hosts
//! mount --bind hosts /etc/hosts              # in the container's mount namespace
//! ```
//!
//! [`hosts`], [`resolv`] and [`hostname`] only compute text. [`mod@write`] is the one module
//! that touches files. [`resolver`] is the name server: it has a drawing of its own.
//!
//! What must stay true:
//!
//! - No name, address or option can add a line of its own: every word that is rendered
//!   has a type that holds no white space.
//! - A file that is mounted somewhere is never renamed over: the mount shows the old
//!   inode for ever.
//! - A reader never finds a file empty or cut off, however often it is rewritten.
//! - Lines that a user wrote are the user's; see [`hosts::update`].

pub mod hostname;
pub mod hosts;
pub mod resolv;
pub mod resolver;
pub mod write;

/// Whether a container has IPv6, and with it the IPv6 lines of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipv6 {
    /// It has at least `::1`.
    With,
    /// It has none; a name that resolves to `::1` would only make clients wait.
    Without,
}
