//! `cargo xtask soak`: what takes too long for every change.
//!
//! First the parsers, with broken input (`fuzz/`), then the test program `soak` of
//! `tests/`: every death, every refusal of the kernel's, and crowds. Whatever fails prints
//! the seed or the point with which it comes back.

use crate::{prerequisites, say, shell, userns};
use anyhow::{Context, Result, bail};

/// How long the parsers are tried if nothing is said.
const MINUTES: u64 = 5;

/// Runs it all; `options` are `--minutes N`.
pub(crate) fn run(options: &[String]) -> Result<()> {
    let minutes = minutes(options)?;
    prerequisites::ensure(&[prerequisites::BUILD, prerequisites::TEST])?;
    say::phase("build");
    shell::run(shell::cargo().args([
        "build",
        "--package",
        "minet-cli",
        "--package",
        "minet-fuzz",
    ]))?;
    shell::run(shell::cargo().args([
        "test",
        "--package",
        "minet-tests",
        "--test",
        "soak",
        "--no-run",
    ]))?;
    say::phase(&format!("broken input for every parser, {minutes} minutes"));
    let debug_dir = shell::target_dir()?.join("debug");
    let mut fuzz = std::process::Command::new(debug_dir.join("minet-fuzz"));
    fuzz.args(["--seconds", &(60 * minutes).to_string()]);
    shell::run(&mut fuzz)?;
    say::phase("every death, every refusal, and crowds: as long as it takes");
    let mut command = match userns::am_root() {
        true => shell::cargo(),
        false => {
            let cargo = shell::cargo();
            let mut command = userns::command(&cargo.get_program().to_string_lossy())?;
            command.env("CARGO_NET_OFFLINE", "true");
            command
        }
    };
    command
        .args([
            "test",
            "--package",
            "minet-tests",
            "--test",
            "soak",
            "--",
            "--nocapture",
        ])
        .env("MINET_BIN", debug_dir.join("minet"))
        .current_dir(shell::project_dir());
    shell::run(&mut command)?;
    say::phase("nothing broke");
    Ok(())
}

fn minutes(options: &[String]) -> Result<u64> {
    let words: Vec<&str> = options.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(MINUTES),
        ["--minutes", number] => number
            .parse()
            .with_context(|| format!("--minutes takes a number, not {number:?}")),
        _ => bail!(
            "cargo xtask soak takes --minutes N, not {}",
            words.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_a_number() {
        let of = |words: &[&str]| {
            minutes(
                &words
                    .iter()
                    .map(|&word| word.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(of(&[]).unwrap(), MINUTES);
        assert_eq!(of(&["--minutes", "90"]).unwrap(), 90);
        assert!(of(&["--minutes", "x"]).is_err());
        assert!(of(&["--hours", "1"]).is_err());
    }
}
