//! Striking a command at one of its system calls, and looking at what is left.
//!
//! ```text
//! strace -D -f --seccomp-bpf -e trace=CALLS -o FILE minet …          where it can be struck
//! strace -D -f -e inject=sendto:signal=SIGKILL:when=7 minet …        a crash
//! strace -D -f -e inject=openat:error=ENOSPC:when=3 minet …          a failure of the kernel
//! ```
//!
//! With `-D` the tracer stands aside: the exit code is the command's own, and a supervisor
//! that stays in the background stays traced, so that it can be struck as well, up to its
//! end. `strace` counts the calls of each thread for itself.

mod point;
mod scenario;

pub use point::{Blow, Point};
pub use scenario::{SCENARIOS, Scenario};
