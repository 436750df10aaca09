//! The library against the kernel, judged by `ip`.
//!
//! Every test is a throw-away host: a thread that enters a network namespace of its own
//! and dies in it, so that nothing can reach the machine it runs on. They need the right
//! to make namespaces: root, or `unshare --user --map-root-user --net --mount`.

mod cable;
mod events;
mod host;
mod survey;
mod switch;
