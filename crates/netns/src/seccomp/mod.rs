//! Which system calls a command may make (`seccomp(2)`).
//!
//! Some 450 system calls lead into the kernel; an ordinary program needs three quarters of
//! them. The rest administer the machine, or are young and large and where the holes are
//! found. A *filter* is a small program in the language of packet filters (BPF) that the
//! kernel runs before each system call: it reads the number, sometimes an argument, and
//! answers "allow" or an error number.
//!
//! ```text
//!  policy                                       program
//!  default.rs, or Docker's JSON (profile.rs)    compile.rs
//!
//!  keyctl             deny                      which machine? ──▶ number ≥ 200? ──▶ … ──▶ allow
//!  clone(flags)       allow if not NEWUSER …                                        └──▶ EPERM
//!  everything else    allow
//! ```
//!
//! The numbers are searched by halving, not one by one: when a filter is installed, the
//! kernel tries it with each number there is, to remember those that are always allowed
//! (`seccomp_cache_prepare` in `kernel/seccomp.c`), and a chain of 400 comparisons would
//! cost more than the rest of a start. It is also why this does not use the crate
//! `seccompiler`, which chains, knows one machine type and one error number per filter, and
//! always sets "no new privileges".
//!
//! By hand: `systemd-run -p SystemCallFilter=…`, `bwrap --seccomp FD`, `docker run
//! --security-opt seccomp=FILE`.
//!
//! What must stay true: a filter is installed as the very last thing before exec, inherited
//! by all that the command starts, and can never be taken off.

mod arch;
mod compile;
mod default;
pub(crate) mod hermit;
mod policy;
mod profile;

#[cfg(test)]
mod machine;

pub use profile::InvalidProfile;

use crate::{
    Capabilities,
    failure::{Doing, Failure},
    sys,
};
use minet_model::{Seccomp, bpf::Instruction};

/// A filter as the kernel takes it.
#[derive(Debug, Clone)]
pub struct Filter {
    program: Vec<Instruction>,
}

/// Compiles the filter for a command with these capabilities, none for an unconfined one.
///
/// With a capability come the system calls that it is for, as with Docker.
///
/// # Errors
///
/// A profile that is no JSON, or asks for what minet does not do.
pub fn filter(
    choice: &Seccomp,
    capabilities: Capabilities,
) -> Result<Option<Filter>, InvalidProfile> {
    let profile;
    let policy = match choice {
        Seccomp::Unconfined => return Ok(None),
        Seccomp::Default => default::policy(capabilities),
        Seccomp::Profile { text } => {
            profile = profile::parse(text)?;
            profile.policy(capabilities)?
        }
    };
    let program = compile::program(&policy).ok_or(InvalidProfile::TooLong)?;
    Ok(Some(Filter { program }))
}

impl Filter {
    /// For a process that only reads and answers.
    pub(crate) fn of_hermit() -> Self {
        let program = compile::program(&hermit::policy());
        Filter {
            program: program.expect("some fifty names make a short program"),
        }
    }

    /// Puts the filter on the calling process, for good. Needs no new privileges to be
    /// refused, or `CAP_SYS_ADMIN`.
    pub(crate) fn install(&self) -> Result<(), Failure> {
        sys::filter_system_calls(&self.program).doing(|| "install the seccomp filter".to_owned())
    }
}
