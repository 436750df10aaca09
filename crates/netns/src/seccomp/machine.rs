//! The kernel's part, for tests: runs a program over one system call.

use super::{arch::Arch, policy::Action};
use minet_model::bpf::{Instruction, simulate};

/// The number of a system call on a machine type.
pub(super) fn number_of(arch: Arch, name: &str) -> u32 {
    let mut calls = arch.system_calls();
    let found = calls.find(|(_, known)| *known == name);
    found.unwrap_or_else(|| panic!("{arch:?} has no {name}")).0
}

/// What the program answers.
pub(super) fn run(
    program: &[Instruction],
    machine: u32,
    number: u32,
    arguments: [u64; 6],
) -> Action {
    let mut data = Vec::new();
    data.extend(number.to_ne_bytes());
    data.extend(machine.to_ne_bytes());
    data.extend(0u64.to_ne_bytes());
    arguments
        .iter()
        .for_each(|argument| data.extend(argument.to_ne_bytes()));
    let word = |at: u32| {
        let bytes = data.get(at as usize..at as usize + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    Action(simulate(program, 64, |_, at| word(at)))
}
