//! Broken input for every parser of what comes from outside.
//!
//! ```text
//!  seed, target, number ──▶ random.rs ──▶ mutate.rs ──▶ targets/: must answer, and keep
//!  (printed when it fails)                a good input,          its promises
//!                                         made bad
//! ```
//!
//! A parser may refuse whatever it likes. It may not panic, not take long, and what it
//! accepts must have the properties that the rest of the program builds on: that it reads
//! back as what it was written as, that no line becomes two, that a user's lines stay.
//!
//! There is no instrumentation, so it runs on any toolchain; a case depends on nothing but
//! the three numbers, and comes back with `--seed S --target T --case N`.

mod mutate;
mod random;
mod targets;

use anyhow::{Result, bail};
use clap::Parser;
use random::Random;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use targets::Target;

/// Longer than this is a way to keep minet busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Try every parser with broken input.
#[derive(Debug, Parser)]
struct Options {
    /// For how long, all targets together
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    seconds: u64,
    /// Where to begin; a number from the clock if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Only this target
    #[arg(long)]
    target: Option<String>,
    /// Only this case, which is printed
    #[arg(long, requires = "seed", requires = "target")]
    case: Option<u64>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seed = options.seed.unwrap_or(now.as_secs());
    let all = targets::all();
    let wanted = |target: &&Target| {
        options
            .target
            .as_deref()
            .is_none_or(|name| name == target.name)
    };
    let chosen: Vec<&Target> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|target| target.name).collect();
        bail!("no such target; there are {}", names.join(", "));
    }
    if let Some(case) = options.case {
        println!(
            "{:?}",
            String::from_utf8_lossy(&input(chosen[0], seed, case))
        );
        return attempt(chosen[0], seed, case);
    }
    // What a panic says is said once, with the numbers that bring it back.
    std::panic::set_hook(Box::new(|_| {}));
    let share = Duration::from_secs(options.seconds) / u32::try_from(chosen.len())?;
    for target in chosen {
        let until = Instant::now() + share;
        let mut case = 0;
        while Instant::now() < until {
            attempt(target, seed, case)?;
            case += 1;
        }
        println!("{:>10} cases, seed {seed}: {}", case, target.name);
    }
    Ok(())
}

fn input(target: &Target, seed: u64, case: u64) -> Vec<u8> {
    mutate::mutant(&mut Random::new(seed, target.name, case), target.examples)
}

fn attempt(target: &Target, seed: u64, case: u64) -> Result<()> {
    let input = input(target, seed, case);
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
    let broken = match outcome {
        Ok(Ok(())) if started.elapsed() <= PATIENCE => return Ok(()),
        Ok(Ok(())) => format!("took {:?}", started.elapsed()),
        Ok(Err(promise)) => promise,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    let text = String::from_utf8_lossy(&input).into_owned();
    bail!(
        "{name}: {broken}\ninput: {text:?}\nagain: minet-fuzz --seed {seed} --target {name} --case {case}",
        name = target.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_its_numbers() {
        let all = targets::all();
        for target in &all {
            assert_eq!(input(target, 7, 3), input(target, 7, 3));
            assert_ne!(
                (0..20)
                    .map(|case| input(target, 7, case))
                    .collect::<Vec<_>>(),
                (0..20)
                    .map(|case| input(target, 8, case))
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn every_target_takes_its_examples_and_some_hundred_mutants() {
        for target in targets::all() {
            for example in target.examples {
                (target.run)(example.as_bytes())
                    .unwrap_or_else(|promise| panic!("{}: {promise}: {example:?}", target.name));
            }
            for case in 0..300 {
                attempt(&target, 1, case).unwrap();
            }
        }
    }

    #[test]
    fn what_is_broken_is_found() {
        let fragile = Target {
            name: "fragile",
            examples: &["good"],
            run: |input| {
                assert!(input.is_ascii(), "cannot read that");
                Ok(())
            },
        };
        let found = (0..10_000).find_map(|case| attempt(&fragile, 1, case).err());
        let found = found.expect("a mutant that is not ASCII").to_string();
        assert!(found.contains("panicked: cannot read that"), "{found}");
        assert!(
            found.contains("--seed 1 --target fragile --case"),
            "{found}"
        );
    }
}
