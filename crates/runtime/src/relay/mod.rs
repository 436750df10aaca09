//! From the host's IPv6 ports to a container, where the kernel cannot lead there.
//!
//! nftables cannot translate one family into the other, so all of them for a container that
//! has only IPv4; and the kernel never sends what came for `[::1]`, or from a link-local
//! address, out of a bridge. There the supervisor listens itself and copies:
//!
//! ```text
//!  client                    supervisor (host's namespace)                container
//!  [2001:db8::9]:40000 ──▶ [::]:8080 │ copy both ways │ 172.17.0.1:51000 ──▶ 172.17.0.2:80
//! ```
//!
//! By hand: `socat TCP6-LISTEN:8080,ipv6only=1,fork TCP4:172.17.0.2:80`.
//!
//! The price is that the container sees the host as its client, not the real one; that is
//! so only on these paths, IPv4 keeps the client's address. SCTP is not relayed.
//!
//! Both relays run on a current-thread runtime and spawn no thread. What is idle costs
//! only its socket: a buffer exists while there is something to copy. Dropping a relay's
//! future ends everything that it carries; one of TCP can also be closed, and then carries
//! on what it has. The socket may be shared with the relay of another container that takes
//! the port over: whoever waits in its backlog is served by that one.
//!
//! What must stay true:
//!
//! - Bytes come out in order, all of them, and the end of one direction is passed on
//!   without ending the other; a connection that broke is broken on the other side too.
//! - A datagram comes out as one datagram, or not at all, and its answer comes from the
//!   address it was sent to.
//! - However many clients there are, the number of connections and sessions is bounded, by
//!   what the process may have open, too: each port has its share, and one client half of it.

mod crowd;
mod room;
mod sessions;
mod tcp;
mod udp;

pub use tcp::{MAX_CONNECTIONS, tcp};
pub use udp::{MAX_SESSIONS, udp};
