//! The same beside 10, 100, 500 and 1,000 running containers, on four bridges, with 32
//! published ports each.
//!
//! The floor and `unshare` are measured at each size too: the kernel itself becomes slower
//! with the number of its namespaces, and minet can be no faster than that.

use super::{
    dns::{Asked, QUERIES, can_ask},
    minet,
};
use crate::{
    figure::{Figure, Unit, Wanted},
    floor::{self, Ground},
    race::{Contender, Effort, output, race, timed_line},
    session::{Told, tell},
};
use anyhow::{Result, anyhow, ensure};
use std::{
    fs,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

const GROUP: &str = "scale";
const NETWORKS: usize = 4;
const PORTS: usize = 32;
/// Host ports that nobody else on a throw-away host wants.
const FIRST_PORT: usize = 1100;
/// How many are started at a time.
const AT_A_TIME: usize = 4;

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let sizes: &[usize] = effort.choose(&[10, 100], &[10, 100, 500, 1000]);
    for number in 0..NETWORKS {
        output(&format!("{} network create net{number}", minet()))?;
    }
    // The default network stands, too.
    output(&format!("{} run --rm -- true", minet()))?;
    let mut there = 0;
    for size in sizes {
        let began = Instant::now();
        start_all(there..*size)?;
        let rate = (size - there) as f64 / began.elapsed().as_secs_f64();
        let name = format!("minet run -d, {AT_A_TIME} at a time, up to {size}");
        tell(&Told::Figure(Figure::new(
            GROUP,
            &name,
            Unit::PerSecond,
            vec![rate],
        )))?;
        there = *size;
        // Announcements and the like are over after that.
        thread::sleep(Duration::from_secs(2));
        look(*size, effort)?;
    }
    Ok(())
}

fn start_all(numbers: Range<usize>) -> Result<()> {
    let next = AtomicUsize::new(numbers.start);
    let start_some = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return Ok(());
            }
            let first = FIRST_PORT + PORTS * number;
            let last = first + PORTS - 1;
            output(&format!(
                "{} run -d --name c{number} --network net{} -p {first}-{last}:1000-{} -- \
                 sleep 100000",
                minet(),
                number % NETWORKS,
                999 + PORTS,
            ))?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(start_some)).collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a starter panicked"))??;
        }
        Ok(())
    })
}

fn look(size: usize, effort: Effort) -> Result<()> {
    let minet = minet();
    let listed = output(&format!("{minet} ps -q"))?.lines().count();
    ensure!(listed == size, "{listed} containers run instead of {size}");
    let ground = Ground {
        bridge: "minet0".to_owned(),
        address: "172.17.200.1".parse()?,
        gateway: "172.17.0.1".parse()?,
    };
    let line = |line: String| Box::new(move |_| timed_line(&line)) as Contender<'_>;
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|round| Ok(floor::lay(&ground, &format!("f{size}.{round}"))?.0)),
        line("unshare -nmpui -f true".to_owned()),
        line(format!("{minet} run --rm -- true")),
        line(format!("{minet} run --rm -p 40000:80 -- true")),
        line(format!("{minet} inspect c{}", size - 1)),
        line(format!("{minet} ps")),
        // Of the first one's network.
        Box::new(|_| link((size - 1) / NETWORKS * NETWORKS)),
    ];
    let times = race(effort.choose(15, 40), &mut contenders)?;
    let names = [
        "floor",
        "unshare -nmpui -f true",
        "minet run --rm -- true",
        "minet run --rm -p -- true",
        "minet inspect",
        "minet ps",
        "minet link",
    ];
    for (name, samples) in names.into_iter().zip(times) {
        let figure = Figure::new(GROUP, &at(name, size), Unit::Milliseconds, samples);
        let figure = figure.against(&at(name, 10));
        tell(&Told::Figure(match (size, name.contains("run")) {
            (1000, true) => figure.wanted(Wanted::RatioBelow(1.3)),
            _ => figure,
        }))?;
    }
    ask_for_names(size, effort)
}

/// Makes a link, and takes it back when the clock has stopped.
fn link(source: usize) -> Result<Duration> {
    let minet = minet();
    let took = timed_line(&format!("{minet} link c{source}:neighbour c0"))?;
    output(&format!("{minet} unlink c{source}:neighbour c0"))?;
    Ok(took)
}

/// The first container asks for all its neighbours, one after the other.
fn ask_for_names(size: usize, effort: Effort) -> Result<()> {
    if !can_ask()? {
        return Ok(());
    }
    let minet = minet();
    let names = (0..size).step_by(NETWORKS);
    let queries: String = names.map(|number| format!("c{number} A\n")).collect();
    fs::write(QUERIES, queries)?;
    let seconds = effort.choose(1, 5);
    let line = format!("{minet} nsenter c0 -- dnsperf -s 127.0.0.11 -d {QUERIES} -l {seconds}");
    let name = at("neighbours' names", size);
    let mut asked = Asked::new(GROUP, &name, line);
    asked.ask()?;
    asked.tell(Some(&at("neighbours' names", 10)))
}

fn at(name: &str, size: usize) -> String {
    format!("{name}, beside {size}")
}
