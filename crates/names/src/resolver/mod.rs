//! The name server of a container: what a question means, and what is answered.
//!
//! Each container has one of its own, on 127.0.0.11, in whichever process its supervisor gives
//! the sockets to:
//!
//! ```text
//!   container                     minet, in the host's namespace
//!   getaddrinfo("db")
//!     │ /etc/resolv.conf: nameserver 127.0.0.11
//!     ▼
//!   127.0.0.11:53 ──nftables──▶ sockets that were opened inside        (serve.rs)
//!                                   │ is it a question?                (wire.rs)
//!                                   ▼
//!                               what does the name mean?               (meaning.rs)
//!                               and what is done about it?             (decide.rs)
//!                                 │ ours: addresses,      else │
//!                                 │ none, or an error          ▼
//!                                 │               the servers of --dns or of the host,
//!                                 │               by turns             (forward.rs)
//!                                 ▼               one by one           (exchange.rs)
//!                               answer ◀──────────────────────┘
//! ```
//!
//! By hand it would be
//!
//! ```text
//! dig @127.0.0.11 db            # in the container
//! minet dns web db              # outside: the same answer, and why
//! ```
//!
//! The wire format is hickory-proto's; what is written here is only what names mean. What
//! there is to know comes through a [`Directory`], which is asked for each question: it
//! alone may remember, as it alone knows whether that is still true.
//!
//! What must stay true:
//!
//! - A name is only ever answered to a container that shares a network with its bearer.
//! - Whoever is known but has no address of a family is answered with nothing, never with
//!   "no such name": a C library that hears that does not ask for the other family.
//! - A question is forwarded as it came, EDNS and all, and only an answer to this very
//!   question from the very server that was asked comes back.
//! - Whatever arrives, nothing grows without bound and nothing panics.

mod connection;
mod decide;
mod exchange;
mod forward;
mod framed;
mod meaning;
mod question;
mod serve;
mod upstream;
mod wire;
mod words;
mod world;

pub use decide::{Decision, Others, asked_name, decide};
pub use exchange::Dial;
pub use forward::{Forwarded, forward};
pub use meaning::{Directory, Meaning, Reason, Why, meaning};
pub use question::Question;
pub use serve::{Mind, Service, Sockets};
pub use upstream::{Access, HOST_SERVERS, Server, Upstreams};
pub use wire::{Outcome, Transport, answer};
pub use words::{InvalidQuestion, query, show};
pub use world::{Bearer, Nothing, SharedNetwork, World};

use std::net::{Ipv4Addr, SocketAddrV4};

/// What a container has in its resolv.conf, as with Docker.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// Where names are asked for (RFC 1035 section 4.2).
pub const ASKED: SocketAddrV4 = SocketAddrV4::new(ADDRESS, 53);

/// Where its sockets listen. IANA has reserved it, and no program binds it on purpose;
/// one that looks for any free privileged port (rresvport(3)) takes the next.
pub const LISTENS: u16 = 1011;

/// The host, by name: its address on the container's network.
pub const HOST_NAME: &str = "host.minet.internal";
