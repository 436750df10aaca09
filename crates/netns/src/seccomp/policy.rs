//! A policy: what is asked of a system call, and what the kernel answers.

use super::arch::Arch;

/// What happens to a system call, as the kernel takes it: `SECCOMP_RET_*` in
/// `include/uapi/linux/seccomp.h`, with data in the lower half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action(pub(super) u32);

impl Action {
    pub(super) const ALLOW: Action = Action(0x7fff_0000);
    pub(super) const LOG: Action = Action(0x7ffc_0000);
    pub(super) const TRAP: Action = Action(0x0003_0000);
    pub(super) const KILL_THREAD: Action = Action(0);
    pub(super) const KILL_PROCESS: Action = Action(0x8000_0000);

    /// The call fails with this error number.
    pub(super) const fn errno(number: u16) -> Action {
        Action(0x0005_0000 | number as u32)
    }

    /// A tracer is told, with this message; without one the call fails with `ENOSYS`.
    pub(super) const fn trace(message: u16) -> Action {
        Action(0x7ff0_0000 | message as u32)
    }
}

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One question about an argument: these bits of it, compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which of the six arguments, from 0.
    pub(super) argument: u8,
    /// The bits that count. A parameter that is an `int` for the kernel has 32, whatever a
    /// caller puts into the other half of the register.
    pub(super) mask: u64,
    pub(super) comparison: Comparison,
    pub(super) value: u64,
}

/// An answer for some system calls, under some conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// Names that a machine type does not have are passed over.
    pub(super) names: Vec<&'a str>,
    pub(super) action: Action,
    /// All must hold; none means always.
    pub(super) conditions: Vec<Condition>,
}

/// The whole of what a filter knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy<'a> {
    /// For what no rule names.
    pub(super) default: Action,
    /// For numbers beyond those that this program has names for.
    pub(super) unknown: Action,
    /// For processes of the machine types that are not listed.
    pub(super) foreign: Action,
    /// A kernel may run programs for several: 32-bit ones, too.
    pub(super) arches: Vec<Arch>,
    /// The first whose conditions hold decides, those without conditions last.
    pub(super) rules: Vec<Rule<'a>>,
}
