//! The project's own commands: `cargo xtask demo | test | ci | soak | bench | dist`.
//!
//! This program is what a newcomer types first, on a machine that has nothing but
//! cargo. So it depends on no native library, and it is what installs them.
//!
//! ```text
//! cargo xtask demo   prerequisites ─ release build ─ minet run -p ─ fetch ─ picture ─ clean up
//! cargo xtask test   prerequisites ─ build ─ unit and kernel and whole-program tests
//! cargo xtask ci     test, and then fmt ─ clippy ─ doc ─ deny
//! cargo xtask soak   prerequisites ─ build ─ broken input, every death, every refusal
//! cargo xtask bench  prerequisites ─ release build ─ bench/ on throw-away hosts
//! cargo xtask dist   prerequisites ─ release build ─ manual, completions ─ .deb
//! ```

mod bench;
mod ci;
mod demo;
mod dist;
mod prerequisites;
mod say;
mod shell;
mod soak;
mod test;
mod unpack;
mod userns;

use std::process::ExitCode;

const HELP: &str = "\
The project's own commands

Usage: cargo xtask <COMMAND>

Commands:
  demo   Put a web server into a network of its own, publish its port, fetch its page,
         and show every step on the way
  test   Run every test: units, crates against the kernel, the whole program
  ci     test, and formatting, lints, documentation, the lock file, licences, advisories
  soak   What takes too long for every change: broken input for every parser (5 minutes,
         or --minutes N), a kill at every system call, every error of the kernel, crowds
  bench  Measure minet against the kernel's floor, and against whichever peers are
         installed; `cargo xtask bench --help` lists its options
  dist   Build a Debian package, with manual pages and shell completion;
         `cargo xtask dist --help` lists its options

Demo, test and bench install the Debian packages that are missing when they run as root;
without root they print the one line that installs them. What would start a service of
the machine's (a Docker Engine, firewalld) is not installed for the tests but unpacked
below target/. None needs root for the
rest: an ordinary user gets a make-believe machine out of unshare(1), where the kernel
allows user namespaces.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        [] | ["help" | "-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["ci"] => ci::run(),
        ["dist", ..] => dist::run(&arguments[1..]),
        ["soak", ..] => soak::run(&arguments[1..]),
        ["bench", ..] => bench::run(&arguments[1..]),
        _ => {
            eprint!("unknown command: {}\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            // The code of the command that failed, where there was one.
            ExitCode::from(shell::exit_code_of(&error).unwrap_or(1))
        }
    }
}
