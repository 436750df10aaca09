//! The classic Berkeley Packet Filter: small programs that the kernel runs on a packet, or
//! on a system call, and that can do no harm, because they only go forward.
//!
//! One accumulator, one index register, loads, comparisons, an answer. The codes are those
//! of `linux/bpf_common.h` and `Documentation/networking/filter.rst` in the kernel.

/// One instruction, with the layout of the kernel's `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip if a comparison holds.
    pub if_true: u8,
    /// How many if it does not.
    pub if_false: u8,
    /// The value, offset or distance that it is about.
    pub value: u32,
}

/// How a conditional jump compares the accumulator with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Greater, without a sign.
    Greater,
    /// Greater or equal, without a sign.
    GreaterOrEqual,
    /// They have a bit in common.
    AnyBit,
}

/// How much a load takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Four bytes.
    Word,
    /// Two bytes.
    Half,
    /// One byte.
    Byte,
}

/// Where a load looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// This many bytes from the beginning.
    At(u32),
    /// This many bytes after what the index register says.
    AfterIndex(u32),
}

impl Instruction {
    const fn plain(code: u16, value: u32) -> Self {
        Instruction {
            code,
            if_true: 0,
            if_false: 0,
            value,
        }
    }

    /// Loads the accumulator.
    pub const fn load(size: Size, place: Place) -> Self {
        let size = match size {
            Size::Word => 0x00,
            Size::Half => 0x08,
            Size::Byte => 0x10,
        };
        match place {
            Place::At(offset) => Self::plain(0x20 | size, offset),
            Place::AfterIndex(offset) => Self::plain(0x40 | size, offset),
        }
    }

    /// Loads the length of the packet into the accumulator.
    pub const fn load_length() -> Self {
        Self::plain(0x80, 0)
    }

    /// Loads the length of the IPv4 header that begins here into the index register.
    pub const fn index_ipv4_header(offset: u32) -> Self {
        Self::plain(0xb1, offset)
    }

    /// Keeps these bits of the accumulator.
    pub const fn and(mask: u32) -> Self {
        Self::plain(0x54, mask)
    }

    /// Skips instructions, depending on the accumulator.
    pub const fn jump(comparison: Comparison, value: u32, if_true: u8, if_false: u8) -> Self {
        let code = match comparison {
            Comparison::Equal => 0x15,
            Comparison::Greater => 0x25,
            Comparison::GreaterOrEqual => 0x35,
            Comparison::AnyBit => 0x45,
        };
        Instruction {
            code,
            if_true,
            if_false,
            value,
        }
    }

    /// Skips instructions, however many.
    pub const fn jump_always(distance: u32) -> Self {
        Self::plain(0x05, distance)
    }

    /// Ends the program with this answer.
    pub const fn answer(value: u32) -> Self {
        Self::plain(0x06, value)
    }
}

/// What a program answers, without a kernel. `look` says what is at an offset; none means
/// that the packet is too short, and like the kernel's, the program then answers 0.
///
/// # Panics
///
/// For a program that the kernel would refuse.
pub fn simulate(
    program: &[Instruction],
    length: u32,
    look: impl Fn(Size, u32) -> Option<u32>,
) -> u32 {
    let (mut at, mut accumulator, mut index) = (0, 0, 0);
    loop {
        let Instruction {
            code,
            if_true,
            if_false,
            value,
        } = program[at];
        at += 1;
        let size = match code & 0x18 {
            0x00 => Size::Word,
            0x08 => Size::Half,
            _ => Size::Byte,
        };
        let mut jump = |so: bool| at += usize::from(if so { if_true } else { if_false });
        match code {
            0x06 => return value,
            0x05 => at += value as usize,
            0x15 => jump(accumulator == value),
            0x25 => jump(accumulator > value),
            0x35 => jump(accumulator >= value),
            0x45 => jump(accumulator & value != 0),
            0x54 => accumulator &= value,
            0x80 => accumulator = length,
            0xb1 => match look(Size::Byte, value) {
                Some(byte) => index = 4 * (byte & 0xf),
                None => return 0,
            },
            0x20 | 0x28 | 0x30 => match look(size, value) {
                Some(found) => accumulator = found,
                None => return 0,
            },
            0x40 | 0x48 | 0x50 => match look(size, index + value) {
                Some(found) => accumulator = found,
                None => return 0,
            },
            other => panic!("instruction {other:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_forward_and_answers() {
        let program = [
            Instruction::load(Size::Byte, Place::At(0)),
            Instruction::and(0xf0),
            Instruction::jump(Comparison::Equal, 0x40, 0, 1),
            Instruction::answer(1),
            Instruction::answer(2),
        ];
        let run = |packet: &[u8]| {
            let byte = |at: u32| packet.get(at as usize).copied().map(u32::from);
            simulate(&program, packet.len() as u32, |_, at| byte(at))
        };
        assert_eq!(run(&[0x45]), 1);
        assert_eq!(run(&[0x60]), 2);
        assert_eq!(run(&[]), 0);
    }
}
