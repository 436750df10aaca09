//! What a container is answered: the resolver's view of the store and of the host.
//!
//! ```text
//!   names::resolver      ──▶ Directory:  what was looked up before,   (memory.rs)
//!   what does it mean?       if nobody has changed the store since,
//!                            else a look-up in it                     (directory.rs)
//!                        ──▶ Dial:       sockets to the servers       (mind.rs)
//!                            outside, in the host's namespace
//! ```

mod directory;
mod memory;
mod mind;
mod service;
mod show;

pub(crate) use mind::{ContainerMind, others, upstreams};
pub(crate) use service::Resolver;
pub use show::{Resolved, VisibleName};
