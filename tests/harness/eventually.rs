use std::{
    thread,
    time::{Duration, Instant},
};

/// How long something that happens in the background may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until a condition holds, and fails the test if it never does.
#[track_caller]
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
