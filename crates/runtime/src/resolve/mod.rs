//! What a container is answered: the resolver's view of the store and of the host.
//!
//! ```text
//!   reader.rs                 ──▶ Directory:  what was looked up before,   (memory.rs)
//!   reads, answers, and asks      if nobody has changed the store since,
//!   the supervisor for what       else a look-up in it                     (directory.rs)
//!   it does not know (door.rs)
//!                             ──▶ Dial:       sockets to the servers       (mind.rs)
//!                                 outside, in the host's namespace
//! ```

mod directory;
mod door;
mod line;
mod memory;
mod mind;
mod reader;
mod service;
mod show;

pub(crate) use door::Answering;
pub(crate) use mind::{ContainerMind, others, upstreams};
pub use reader::answer_names_if_started_to;
pub(crate) use service::Resolver;
pub use show::{Resolved, VisibleName};
