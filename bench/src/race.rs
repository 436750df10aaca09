//! Contenders in turn, and the clock.

use anyhow::{Context, Result, ensure};
use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How much time may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Less than two minutes.
    Quick,
    /// As long as it takes.
    Full,
}

impl Effort {
    /// One of two numbers.
    pub(crate) fn choose<T>(self, quick: T, full: T) -> T {
        match self {
            Effort::Quick => quick,
            Effort::Full => full,
        }
    }
}

/// Something that can be done again and again, and says how long it took. It is told how
/// often it was done before.
pub(crate) type Contender<'a> = Box<dyn FnMut(usize) -> Result<Duration> + 'a>;

/// Rounds that are not counted: files come into memory, processors wake up.
const WARM_UP: usize = 3;

/// Lets all of them run in turn, A B C A B C, and returns each one's times in milliseconds.
///
/// The machine may become slower or faster meanwhile: it does so for all of them. Between
/// two, the kernel gets the time to finish what the one before has left to it.
pub(crate) fn race(rounds: usize, contenders: &mut [Contender<'_>]) -> Result<Vec<Vec<f64>>> {
    let calm = interfaces();
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds + WARM_UP {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let took = contender(round)?;
            if round >= WARM_UP {
                times.push(took.as_secs_f64() * 1e3);
            }
            settle(calm);
        }
    }
    Ok(times)
}

/// Runs a command to its end, which must be a success.
pub(crate) fn timed(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("run {:?}", command.get_program()))?;
    let took = began.elapsed();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(took)
}

/// `timed` for a command line that is split at white space.
pub(crate) fn timed_line(line: &str) -> Result<Duration> {
    timed(&mut command(line))
}

/// A command line that is split at white space.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// What a command prints; it must succeed.
pub(crate) fn output(line: &str) -> Result<String> {
    let output = command(line)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {line}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{line}: {}", errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How many interfaces this network namespace has.
pub(crate) fn interfaces() -> usize {
    fs::read_dir("/sys/class/net").map_or(0, Iterator::count)
}

/// Waits until the kernel has taken away the cables of namespaces that are gone.
fn settle(calm: usize) {
    let began = Instant::now();
    while interfaces() > calm && began.elapsed() < Duration::from_secs(2) {
        thread::sleep(Duration::from_millis(1));
    }
    // What is left then is done by other processors; it is short.
    thread::sleep(Duration::from_millis(5));
}

/// Waits until something holds, asking every 100 µs.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while !holds() {
        ensure!(
            began.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}
