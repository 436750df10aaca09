//! Ten thousand published ports, and a new connection through the last one, from outside.

use crate::{
    figure::{Figure, Unit, Wanted},
    race::Effort,
    session::{Session, Told},
};
use anyhow::{Context, Result};
use minet_tests::{HOST, Place};
use std::time::{Duration, Instant};

const GROUP: &str = "10,000 published ports";
const FIRST: u16 = 20_000;
const LAST: u16 = 29_999;

pub(crate) fn measure(session: &Session, heard: &mut dyn FnMut(Told)) -> Result<()> {
    let ourselves = Session::ourselves()?;
    session.minet(&format!(
        "run -d --name one -p 18080:80 -- {ourselves} talk serve 80"
    ))?;
    let alone = connections(session, 18_080)?;
    let began = Instant::now();
    session.minet(&format!(
        "run -d --name many -p 0.0.0.0:{FIRST}-{LAST}:{FIRST}-{LAST} -- {ourselves} talk serve {FIRST} {LAST}"
    ))?;
    let published = began.elapsed().as_secs_f64() * 1e3;
    let rounds = match session.effort {
        Effort::Quick => 3,
        Effort::Full => 10,
    };
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (times, port) in times.iter_mut().zip([18_080, FIRST, LAST]) {
            times.extend(connections(session, port)?);
        }
    }
    let began = Instant::now();
    session.minet("rm -f many")?;
    let removed = began.elapsed().as_secs_f64() * 1e3;
    let [one, first, last] = times;
    let alone_name = "connect, the only published port";
    let mut tell = |figure: Figure| heard(Told::Figure(figure));
    let figure = |name, unit, samples| Figure::new(GROUP, name, unit, samples);
    tell(figure(
        "minet run -d with 10,000 ports",
        Unit::Milliseconds,
        vec![published],
    ));
    tell(figure(alone_name, Unit::Microseconds, alone));
    tell(
        figure(
            "connect, another port beside 10,000",
            Unit::Microseconds,
            one,
        )
        .against(alone_name),
    );
    tell(figure("connect, the first of 10,000", Unit::Microseconds, first).against(alone_name));
    let last = figure("connect, the last of 10,000", Unit::Microseconds, last);
    tell(last.against(alone_name).wanted(Wanted::RatioBelow(1.3)));
    tell(figure(
        "minet rm -f with 10,000 ports",
        Unit::Milliseconds,
        vec![removed],
    ));
    Ok(())
}

fn connections(session: &Session, port: u16) -> Result<Vec<f64>> {
    let line = format!("{} talk connect {HOST}:{port} 300", Session::ourselves()?);
    let text = session.output(Place::Neighbour, &line, Duration::from_secs(30))?;
    serde_json::from_str(&text).context("read the times")
}
