//! The kernel's part, for tests: runs a program over one system call.

use super::{arch::Arch, policy::Action};
use libc::sock_filter;

/// The number of a system call on a machine type.
pub(super) fn number_of(arch: Arch, name: &str) -> u32 {
    let mut calls = arch.system_calls();
    let found = calls.find(|(_, known)| *known == name);
    found.unwrap_or_else(|| panic!("{arch:?} has no {name}")).0
}

/// What the program answers; it may only go forward, so it ends.
pub(super) fn run(
    program: &[sock_filter],
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
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let mut jump = |so: bool| at += usize::from(if so { jt } else { jf });
        match code {
            0x20 => {
                let bytes = &data[k as usize..k as usize + 4];
                accumulator = u32::from_ne_bytes(bytes.try_into().unwrap());
            }
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => jump(accumulator == k),
            0x25 => jump(accumulator > k),
            0x35 => jump(accumulator >= k),
            0x06 => return Action(k),
            other => panic!("instruction {other:#x}"),
        }
    }
}
