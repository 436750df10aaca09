//! Links: one container knows another by a name, for as long as somebody wishes it.
//!
//! A link is a row of the store that names its source and its receiver, whether they exist
//! or not. What follows from it is made anew whenever one of them changes:
//!
//! ```text
//!   run, end, connect, rename, link, unlink, an address changed inside
//!        │ in the same transaction: note_receivers — a row of `relink` for each receiver
//!        ▼
//!   relink (relink.rs), receiver by receiver, under the lock of its directory
//!        │   known.rs: whom does it know now, at which address?
//!        ├──▶ hosts file: the marked block, in place
//!        ├──▶ table inet minet: the set `edges`, where neighbours do not talk
//!        └──▶ the row of `relink` goes, unless something changed meanwhile
//! ```
//!
//! A crash leaves rows in `relink`, and the next command, whichever it is, finishes them.
//! Nothing is kept of what was: both the file and the edges are computed from the store as
//! it is under the lock, so that whoever comes last writes the latest.

mod command;
mod host;
mod known;
mod legacy_env;
mod list;
mod moved;
mod notes;
mod relink;
mod screen;

pub(crate) use command::record_links_of;
pub use command::{LinkWish, Unlink};
pub(crate) use known::{Known, known_to, open_edges, opens_ipv6};
pub(crate) use legacy_env::variables;
pub(crate) use list::in_dockers_words;
pub use list::{LinkReport, LinkState};
pub(crate) use notes::{note_all, note_receivers};
