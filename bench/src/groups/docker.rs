//! A Docker Engine with one container to start and remove, and minet beside it doing the
//! same. On a host of their own: the engine's rules are in nobody else's way there.

use super::minet;
use crate::{
    figure::{Figure, Unit},
    race::{Contender, Effort, output, race, timed_line},
    session::{Session, Told, tell},
};
use anyhow::Result;
use minet_tests::Docker;
use std::time::Duration;

const GROUP: &str = "Docker Engine, one container with a published port, whole process";

/// How long the group may take.
const BOUND: Duration = Duration::from_secs(300);

/// Starts the engine, if there is one, and races on its host.
pub(crate) fn measure(session: &Session, heard: &mut dyn FnMut(Told)) -> Result<()> {
    if !Docker::is_there() {
        heard(Told::Missing("Docker Engine is not installed".to_owned()));
        return Ok(());
    }
    let _engine = Docker::start(&session.host, "");
    session.inside("docker", BOUND, heard)
}

/// Takes the figures; the engine runs already.
pub(crate) fn race_on_its_host(effort: Effort) -> Result<()> {
    let minet = minet();
    output(&format!("{minet} run --rm -- true"))?;
    let volumes = "-v /usr:/usr:ro";
    let lines = [
        (
            "minet run --rm -p, beside the engine",
            format!("{minet} run --rm -p 8080:80 -- true"),
        ),
        (
            "docker run --rm -p, without control groups",
            format!("docker run --rm -p 8081:80 {volumes} world true"),
        ),
    ];
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (_, line) in &lines {
        contenders.push(Box::new(move |_| timed_line(line)));
    }
    let times = race(effort.choose(5, 15), &mut contenders)?;
    let ours = lines[0].0;
    for ((name, _), samples) in lines.iter().zip(times) {
        let figure = Figure::new(GROUP, name, Unit::Milliseconds, samples);
        tell(&Told::Figure(match *name == ours {
            true => figure,
            false => figure.against(ours),
        }))?;
    }
    Ok(())
}
