//! What a container is answered: the resolver's view of the store and of the host.
//!
//! ```text
//!   names::resolver      ──▶ Directory:  one look-up per question     (directory.rs)
//!   what does it mean?       in the store, which is the truth
//!                        ──▶ Dial:       sockets to the servers       (mind.rs)
//!                            outside, in the host's namespace
//! ```

mod directory;
mod mind;
mod service;
mod show;

pub(crate) use directory::StoreDirectory;
pub(crate) use mind::{ContainerMind, others, upstreams};
pub(crate) use service::Resolver;
pub use show::{Resolved, VisibleName};
