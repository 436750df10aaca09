//! What the kernel says to all of this. Needs root, or root of a user namespace:
//!
//! ```text
//! unshare --user --map-root-user --net --mount --pid --fork cargo test -p minet-netns
//! ```
//!
//! A process may only be copied while it has one thread, which a test never is. So a test
//! starts the example program `launch`, and looks at what it does from outside.

mod hermit;
mod hostile;
mod joining;
mod namespaces;
mod process;
mod support;
mod view;
mod world;
