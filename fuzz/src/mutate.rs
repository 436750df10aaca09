//! From a good input to a bad one.

use crate::random::Random;
use std::ops::Range;

/// Longer inputs find no more, but take longer.
const LONGEST: usize = 64 * 1024;

/// What parsers stumble over: separators, ends, limits, other alphabets, escapes.
const STUMBLING_BLOCKS: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "",
    ":",
    "::",
    "/",
    "//",
    "-",
    "--",
    ",",
    "=",
    ".",
    "..",
    "../..",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\\",
    "#",
    ";",
    "@",
    "%",
    "*",
    "%eth0",
    "0",
    "-1",
    "00",
    "+1",
    "1e9",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "0x10",
    "/0",
    "/33",
    "/129",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "fe80::1%lo",
    "::ffff:1.2.3.4",
    "null",
    "true",
    "[]",
    "{}",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "\u{e9}",
    "\u{1F980}",
    "\u{0}",
    "ff:ff:ff:ff:ff:ff",
    "xn--",
    "localhost",
    "# BEGIN",
    "$(id)",
    "'; drop table containers; --",
    "%s%n",
];

/// One of the examples, changed a few times.
pub(crate) fn mutant(random: &mut Random, examples: &[&str]) -> Vec<u8> {
    let mut input = random.pick(examples).as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        change(random, &mut input, examples);
        input.truncate(LONGEST);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, examples: &[&str]) {
    let place = random.below(input.len() + 1);
    let part = part_of(random, input);
    match random.below(10) {
        0 => {
            let byte = random.byte();
            input.insert(place, byte);
        }
        1 => drop(input.drain(part)),
        2 => {
            if let Some(byte) = input.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        3..=5 => {
            let block = random.pick(STUMBLING_BLOCKS).bytes();
            drop(input.splice(place..place, block));
        }
        6 => {
            let block = random.pick(STUMBLING_BLOCKS).bytes();
            drop(input.splice(part, block));
        }
        7 => {
            // The same again, sometimes very often.
            let times = if random.below(20) == 0 {
                2000
            } else {
                1 + random.below(4)
            };
            let again = input[part].repeat(times);
            drop(input.splice(place..place, again));
        }
        8 => {
            let other = random.pick(examples).as_bytes().to_vec();
            let from = part_of(random, &other);
            drop(input.splice(part, other[from].to_vec()));
        }
        _ => input.truncate(place),
    }
}

fn part_of(random: &mut Random, input: &[u8]) -> Range<usize> {
    let start = random.below(input.len() + 1);
    let length = random.below((input.len() - start).min(32) + 1);
    start..start + length
}
