//! `minet rm -f`: until it returns, and until the kernel is clean.

use super::minet;
use crate::{
    figure::{Figure, Unit, Wanted},
    race::{Contender, Effort, interfaces, output, race, timed_line, until},
    session::{Told, tell},
};
use anyhow::Result;
use std::time::{Duration, Instant};

const GROUP: &str = "removal";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let minet = minet();
    output(&format!("{minet} run -d --name neighbour -- sleep 100000"))?;
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|_| timed_line("true")),
        Box::new(|_| remove("", Until::Returned)),
        Box::new(|_| remove("-p 8080:80", Until::Returned)),
        Box::new(|_| remove("-p 8080:80", Until::Clean)),
    ];
    let times = race(effort.choose(40, 120), &mut contenders)?;
    let names = [
        "true, an empty process",
        "minet rm -f, no port",
        "minet rm -f, one published port",
        "minet rm -f, until the cable is gone",
    ];
    for (name, samples) in names.into_iter().zip(times) {
        let figure = Figure::new(GROUP, name, Unit::Milliseconds, samples);
        tell(&Told::Figure(match name.contains("port") {
            true => figure.wanted(Wanted::Below(5.0)),
            false => figure,
        }))?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Returned,
    Clean,
}

fn remove(options: &str, goal: Until) -> Result<Duration> {
    let calm = interfaces();
    output(&format!(
        "{} run -d --name gone {options} -- sleep 100000",
        minet()
    ))?;
    // What its start left the kernel to do is not the removal's.
    std::thread::sleep(Duration::from_millis(40));
    let began = Instant::now();
    let took = timed_line(&format!("{} rm -f gone", minet()))?;
    if goal == Until::Returned {
        return Ok(took);
    }
    until("the cable to be gone", || interfaces() <= calm)?;
    Ok(began.elapsed())
}
