//! Whole processes: `minet run --rm -- true` in its modes against `unshare`, and the time
//! until a server in a container answers.

use super::minet;
use crate::{
    figure::{Figure, Unit, Wanted},
    race::{Contender, Effort, interfaces, output, race, timed_line, until},
    session::{Told, tell},
};
use anyhow::Result;
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

const GROUP: &str = "start, whole process";
const UNSHARE: &str = "unshare -nmpui -f true";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let minet = minet();
    output(&format!("{minet} run -d --name neighbour -- sleep 100000"))?;
    let modes = [
        ("minet run --mode bridge", "--mode bridge"),
        (
            "minet run --mode bridge -p 8080:80",
            "--mode bridge -p 8080:80",
        ),
        ("minet run --mode none", "--mode none"),
        ("minet run --mode host", "--mode host"),
        ("minet run --mode container:…", "--mode container:neighbour"),
    ];
    let lines: Vec<String> = std::iter::once(UNSHARE.to_owned())
        .chain(modes.map(|(_, mode)| format!("{minet} run --rm {mode} -- true")))
        .collect();
    let mut contenders: Vec<Contender<'_>> = lines
        .iter()
        .map(|line| Box::new(|_| timed_line(line)) as Contender<'_>)
        .collect();
    let mut times = race(effort.choose(40, 150), &mut contenders)?.into_iter();
    let figure = |name: &str, samples| Figure::new(GROUP, name, Unit::Milliseconds, samples);
    tell(&Told::Figure(figure(
        UNSHARE,
        times.next().unwrap_or_default(),
    )))?;
    for ((name, mode), samples) in modes.into_iter().zip(times) {
        let figure = figure(name, samples).against(UNSHARE);
        let target = (mode == "--mode bridge").then_some(Wanted::RatioBelow(4.0));
        tell(&Told::Figure(match target {
            Some(target) => figure.wanted(target),
            None => figure,
        }))?;
    }
    detached(effort, &figure)
}

fn detached(effort: Effort, figure: &dyn Fn(&str, Vec<f64>) -> Figure) -> Result<()> {
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|_| serve(Until::Returned)),
        Box::new(|_| serve(Until::Answered)),
    ];
    let times = race(effort.choose(20, 60), &mut contenders)?;
    let names = [
        "minet run -d, until it returns",
        "minet run -d -p, until the port answers",
    ];
    for (name, samples) in names.into_iter().zip(times) {
        tell(&Told::Figure(figure(name, samples)))?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Returned,
    Answered,
}

/// Leaves a server in a container, waits for it, and removes it again.
fn serve(goal: Until) -> Result<Duration> {
    let calm = interfaces();
    let ourselves = crate::session::Session::ourselves()?;
    let line = format!(
        "{} run -d --name server -p 8080:80 -- {ourselves} talk serve 80",
        minet()
    );
    let mut took = timed_line(&line)?;
    if goal == Until::Answered {
        let began = Instant::now();
        until("the published port to answer", || {
            TcpStream::connect("127.0.0.1:8080").is_ok()
        })?;
        took += began.elapsed();
    }
    output(&format!("{} rm -f server", minet()))?;
    until("the cable to be gone", || interfaces() <= calm)?;
    Ok(took)
}
