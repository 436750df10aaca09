//! The network of a container, from the first system call for it until it is ready: the
//! steps of minet's own plan, each timed, against the floor.
//!
//! The plan is what `minet run` computes for such a container; it is applied here, in this
//! process, by the same code, so that no start of a process is in the figure. Each round
//! has sockets of its own, as each `minet run` has.

use crate::{
    figure::{Figure, Unit, Wanted},
    floor::{self, Ground},
    race::{Contender, Effort, output, race},
    session::{Told, tell},
};
use anyhow::{Context, Result};
use minet_model::{ContainerSpec, PublishSpec};
use minet_runtime::{Explanation, Inside, Machine, Narrator, Paths, Plan, Purpose, Runtime, Step};
use minet_state::Store;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const GROUP: &str = "network ready";
const FLOOR: &str = "floor: the bare messages";
const BRIDGE: &str = "minet0";

pub(crate) fn measure(effort: Effort) -> Result<()> {
    let spec = a_spec()?;
    let ground = Ground {
        bridge: BRIDGE.to_owned(),
        address: "172.17.200.1".parse()?,
        gateway: "172.17.0.1".parse()?,
    };
    let rounds = effort.choose(60, 200);
    let mut steps = Steps::default();
    let mut unlisted = Steps::default();
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|round| {
            let (took, netns) = floor::lay(&ground, &format!("floor{round}"))?;
            drop(netns);
            Ok(took)
        }),
        Box::new(|round| make(&spec, &[], &format!("bare{round}"), &mut unlisted)),
        Box::new(|round| {
            let port = ["8080:80".parse::<PublishSpec>()?];
            make(&spec, &port, &format!("port{round}"), &mut steps)
        }),
    ];
    let times = race(rounds, &mut contenders)?;
    drop(contenders);
    let [floor, bare, port] = <[Vec<f64>; 3]>::try_from(times).expect("as many as contenders");
    let figure = |name, samples| Figure::new(GROUP, name, Unit::Milliseconds, samples);
    tell(&Told::Figure(figure(FLOOR, floor)))?;
    tell(&Told::Figure(figure("minet, no port", bare).against(FLOOR)))?;
    let port = figure("minet, one published port", port).against(FLOOR);
    tell(&Told::Figure(port.wanted(Wanted::RatioBelow(2.0))))?;
    for (number, (what, samples)) in steps.0.into_iter().enumerate() {
        let name = format!("of that, step {}: {}", number + 1, what.1);
        tell(&Told::Figure(Figure::new(
            GROUP,
            &name,
            Unit::Microseconds,
            samples,
        )))?;
    }
    Ok(())
}

/// Each step's times in microseconds, by its place in the plan.
#[derive(Default)]
struct Steps(BTreeMap<(usize, String), Vec<f64>>);

/// The wish of a container as minet itself records it, from one that runs for a moment;
/// after that the network stands.
fn a_spec() -> Result<ContainerSpec> {
    let minet = super::minet();
    output(&format!("{minet} run -d --name template -- sleep 1000"))?;
    let text = Store::open(Paths::default().state_dir())?.read(|tx| {
        let row = tx.container_by_name("template")?;
        Ok::<_, anyhow::Error>(row.context("the container is recorded")?.spec)
    })?;
    output(&format!("{minet} rm -f template"))?;
    serde_json::from_str(&text).context("read the recorded wish")
}

/// Applies the plan of such a container, takes it back, and returns how long the first took.
fn make(
    spec: &ContainerSpec,
    publish: &[PublishSpec],
    name: &str,
    steps: &mut Steps,
) -> Result<Duration> {
    let mut spec = spec.clone();
    spec.name = Some(name.parse()?);
    spec.publish = publish.to_vec();
    let plan = Runtime::open(Paths::default(), Purpose::Rehearse)?
        .rehearse(&spec, &mut Nobody)?
        .plan;
    let mut machine = Machine::new(Paths::default());
    let began = Instant::now();
    let mut last = began;
    for (number, step) in plan.steps.iter().enumerate() {
        step.act().apply(&mut machine)?;
        let now = Instant::now();
        let took = (now - last).as_secs_f64() * 1e6;
        steps.0.entry((number, word(step))).or_default().push(took);
        last = now;
    }
    let took = last - began;
    take_back(&plan, &mut machine)?;
    // Closed while nobody waits.
    machine.let_go_at_leisure();
    Ok(took)
}

fn take_back(plan: &Plan, machine: &mut Machine) -> Result<()> {
    machine.set_inside(Inside::Dying);
    for step in plan.steps.iter().rev() {
        step.act().undo(machine)?;
    }
    Ok(())
}

/// The step's name in the code, where it is to be found.
fn word(step: &Step) -> String {
    let debug = format!("{step:?}");
    debug.split('(').next().unwrap_or_default().to_owned()
}

/// Hears nothing.
struct Nobody;

impl Narrator for Nobody {
    fn follows_steps(&self) -> bool {
        false
    }

    fn step(&mut self, _number: usize, _explanation: &Explanation) {}
    fn undo(&mut self, _explanation: &Explanation) {}
    fn note(&mut self, _text: &str) {}
    fn warn(&mut self, _text: &str) {}
}
