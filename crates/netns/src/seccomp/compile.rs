//! From a policy to a BPF program: first the machine type, then the number by halving,
//! then, where a rule asks, the arguments.

use super::{
    arch::Arch,
    policy::{Action, Comparison, Condition, Policy, Rule},
};
use minet_model::bpf::{Comparison as Jump, Instruction, Place, Size};
use std::collections::HashMap;

/// What the kernel takes at most, `BPF_MAXINSNS`.
const LONGEST: usize = 4096;

/// Where in `struct seccomp_data` the number, the machine type and the arguments are.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const ARGUMENTS: u32 = 16;

type Code = Vec<Instruction>;

/// The program, or none if it would be longer than the kernel takes.
pub(super) fn program(policy: &Policy<'_>) -> Option<Code> {
    let by_name = by_name(&policy.rules);
    let mut code = vec![load(MACHINE)];
    for arch in &policy.arches {
        let section = section(policy, &by_name, *arch);
        code.push(jump(Jump::Equal, arch.audit_number(), 1, 0));
        code.push(jump_always(section.len()));
        code.extend(section);
    }
    code.push(answer(policy.foreign));
    (code.len() <= LONGEST).then_some(code)
}

/// Which rules speak of a name.
type ByName<'a> = HashMap<&'a str, Vec<&'a Rule<'a>>>;

fn by_name<'a>(rules: &'a [Rule<'a>]) -> ByName<'a> {
    let mut by_name: ByName<'a> = HashMap::with_capacity(512);
    for rule in rules {
        for name in &rule.names {
            by_name.entry(name).or_default().push(rule);
        }
    }
    for rules in by_name.values_mut() {
        // Who asks nothing has the last word; the sort keeps the order otherwise.
        rules.sort_by_key(|rule| rule.conditions.is_empty());
    }
    by_name
}

/// What happens to the numbers from `first` on, until the next span.
struct Span<'a> {
    first: u32,
    rules: &'a [&'a Rule<'a>],
    otherwise: Action,
}

impl Span<'_> {
    /// The one answer, if it does not depend on arguments.
    fn action(&self) -> Option<Action> {
        match self.rules.first() {
            None => Some(self.otherwise),
            Some(rule) => rule.conditions.is_empty().then_some(rule.action),
        }
    }
}

fn section(policy: &Policy<'_>, by_name: &ByName<'_>, arch: Arch) -> Code {
    let mut code = vec![load(NUMBER)];
    code.extend(search(&spans(policy, by_name, arch)));
    code
}

/// Numbers in a row with one answer are one span.
fn spans<'a>(policy: &Policy<'_>, by_name: &'a ByName<'a>, arch: Arch) -> Vec<Span<'a>> {
    let nothing: &[&Rule<'_>] = &[];
    fn span<'a>(first: u32, rules: &'a [&'a Rule<'a>], otherwise: Action) -> Span<'a> {
        Span {
            first,
            rules,
            otherwise,
        }
    }
    let mut spans = vec![span(0, nothing, policy.default)];
    let mut push = |next: Span<'a>| {
        let last = spans.last().expect("there is one from the beginning");
        let same = last.action().is_some() && last.action() == next.action();
        if last.first == next.first {
            spans.pop();
        }
        if !same || spans.is_empty() {
            spans.push(next);
        }
    };
    let mut next = 0;
    for (number, name) in arch.system_calls() {
        if number > next {
            push(span(next, nothing, policy.default));
        }
        let rules = by_name.get(name).map_or(nothing, Vec::as_slice);
        push(span(number, rules, policy.default));
        next = number + 1;
    }
    push(span(next, nothing, policy.unknown));
    spans
}

/// Halves the spans until one is left.
fn search(spans: &[Span<'_>]) -> Code {
    let [only] = spans else {
        let (lower, upper) = spans.split_at(spans.len() / 2);
        let (low, high) = (search(lower), search(upper));
        let mut code = match u8::try_from(low.len()) {
            Ok(distance) => vec![jump(Jump::GreaterOrEqual, upper[0].first, distance, 0)],
            // A conditional jump reaches 255 instructions, an unconditional one all.
            Err(_) => vec![
                jump(Jump::GreaterOrEqual, upper[0].first, 0, 1),
                jump_always(low.len()),
            ],
        };
        code.extend(low);
        code.extend(high);
        return code;
    };
    let mut code = Code::new();
    for rule in only.rules {
        code.extend(branch(rule));
        if rule.conditions.is_empty() {
            return code;
        }
    }
    code.push(answer(only.otherwise));
    code
}

/// One rule: its answer if all conditions hold, else on to what follows.
fn branch(rule: &Rule<'_>) -> Code {
    let mut code = vec![answer(rule.action)];
    for condition in rule.conditions.iter().rev() {
        let mut question = ask(condition, code.len());
        question.extend(code);
        code = question;
    }
    code
}

/// One condition: falls through if it holds, else jumps over the `rest` that follows.
///
/// An argument has 64 bits and the machine 32, so the upper half is looked at first, and
/// the lower one only if the upper ones are equal.
fn ask(condition: &Condition, rest: usize) -> Code {
    let Condition {
        argument,
        mask,
        comparison,
        value,
    } = *condition;
    let at = ARGUMENTS + 8 * u32::from(argument);
    let (lower_at, upper_at) = if cfg!(target_endian = "little") {
        (at, at + 4)
    } else {
        (at + 4, at)
    };
    let value = value & mask;
    let (mask_high, mask_low) = ((mask >> 32) as u32, mask as u32);
    let (high, low) = ((value >> 32) as u32, value as u32);
    let fail = u8::try_from(rest).expect("six conditions are some forty instructions");

    let read = |offset, mask| {
        let mut code = vec![load(offset)];
        if mask != u32::MAX {
            code.push(Instruction::and(mask));
        }
        code
    };
    // The lower half, last: its jumps count from the instruction after it.
    let mut lower = read(lower_at, mask_low);
    lower.push(match comparison {
        Comparison::Equal => jump(Jump::Equal, low, 0, fail),
        Comparison::NotEqual => jump(Jump::Equal, low, fail, 0),
        Comparison::Greater => jump(Jump::Greater, low, 0, fail),
        Comparison::GreaterOrEqual => jump(Jump::GreaterOrEqual, low, 0, fail),
        Comparison::Less => jump(Jump::GreaterOrEqual, low, fail, 0),
        Comparison::LessOrEqual => jump(Jump::Greater, low, fail, 0),
    });
    let hold = u8::try_from(lower.len()).expect("three");
    let mut code = read(upper_at, mask_high);
    match comparison {
        Comparison::Equal => code.push(jump(Jump::Equal, high, 0, hold + fail)),
        Comparison::NotEqual => code.push(jump(Jump::Equal, high, 0, hold)),
        Comparison::Greater | Comparison::GreaterOrEqual => code.extend([
            jump(Jump::Greater, high, hold + 1, 0),
            jump(Jump::Equal, high, 0, hold + fail),
        ]),
        Comparison::Less | Comparison::LessOrEqual => code.extend([
            jump(Jump::Greater, high, hold + 1 + fail, 0),
            jump(Jump::Equal, high, 0, hold),
        ]),
    }
    code.extend(lower);
    code
}

fn load(offset: u32) -> Instruction {
    Instruction::load(Size::Word, Place::At(offset))
}

fn jump(comparison: Jump, value: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction::jump(comparison, value, if_true, if_false)
}

fn jump_always(distance: usize) -> Instruction {
    Instruction::jump_always(u32::try_from(distance).expect("a program is short"))
}

fn answer(action: Action) -> Instruction {
    Instruction::answer(action.0)
}
