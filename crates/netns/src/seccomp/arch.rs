//! Machine types, and what their system calls are called.

/// A machine type that seccomp can tell from others, `AUDIT_ARCH_*` in
/// `include/uapi/linux/audit.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    X86,
    Aarch64,
    Arm,
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("seccomp/arch.rs has no system calls of this machine type yet");

/// What this program runs on, and, second, the 32-bit programs that the kernel may run too.
pub(super) const HERE: [Arch; 2] = if cfg!(target_arch = "aarch64") {
    [Arch::Aarch64, Arch::Arm]
} else {
    [Arch::X86_64, Arch::X86]
};

/// Numbers of system calls are small, but for a few that 32-bit ARM keeps for itself
/// (`__ARM_NR_*` in `arch/arm/include/uapi/asm/unistd.h`).
const NUMBERS: [std::ops::Range<u32>; 2] = [0..1024, 0xf_0000..0xf_0010];
const ARMS_OWN: [(u32, &str); 3] = [
    (0xf_0001, "breakpoint"),
    (0xf_0002, "cacheflush"),
    (0xf_0005, "set_tls"),
];

impl Arch {
    /// How the kernel calls it.
    pub(super) fn audit_number(self) -> u32 {
        match self {
            Arch::X86_64 => 0xc000_003e,
            Arch::X86 => 0x4000_0003,
            Arch::Aarch64 => 0xc000_00b7,
            Arch::Arm => 0x4000_0028,
        }
    }

    /// The name in profiles, `SCMP_ARCH_…`.
    pub(super) fn profile_name(self) -> &'static str {
        match self {
            Arch::X86_64 => "SCMP_ARCH_X86_64",
            Arch::X86 => "SCMP_ARCH_X86",
            Arch::Aarch64 => "SCMP_ARCH_AARCH64",
            Arch::Arm => "SCMP_ARCH_ARM",
        }
    }

    /// The name in the conditions of Docker's profiles, which are Go's names.
    pub(super) fn go_name(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::X86 => "386",
            Arch::Aarch64 => "arm64",
            Arch::Arm => "arm",
        }
    }

    /// Every system call that has a name, in the order of their numbers.
    pub(super) fn system_calls(self) -> impl Iterator<Item = (u32, &'static str)> {
        let numbers = NUMBERS.into_iter().flatten();
        numbers.filter_map(move |number| Some((number, self.name_of(number)?)))
    }

    fn name_of(self, call: u32) -> Option<&'static str> {
        let number = call as usize;
        match self {
            Arch::Arm if number > 0xf_0000 => {
                let mut own = ARMS_OWN.into_iter();
                own.find(|(own, _)| *own == call).map(|(_, name)| name)
            }
            Arch::X86_64 => syscalls::x86_64::Sysno::new(number).map(|call| call.name()),
            Arch::X86 => syscalls::x86::Sysno::new(number).map(|call| call.name()),
            Arch::Aarch64 => syscalls::aarch64::Sysno::new(number).map(|call| call.name()),
            Arch::Arm => syscalls::arm::Sysno::new(number).map(|call| call.name()),
        }
    }
}
