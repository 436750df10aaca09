//! A port on its way from one container to another: `minet publish --take`.
//!
//! ```text
//!   wish      one transaction: who has the port, both plans, and that it is on its way
//!   map       the element leads elsewhere, in one transaction of nftables
//!   sockets   the giver's supervisor shares them with the taker's, and then lets go
//!   end       one transaction: the giver will not publish it again, the taker will
//! ```
//!
//! Each part may be done twice. If one fails, the port is led back by the same parts with
//! the roles exchanged; and if whoever does it dies, the next command does it,
//! forwards if the taker still runs, else back.

use crate::{
    Error, Runtime,
    control::Line,
    find, network,
    networks::to_json,
    ports::{self, BindDefaults, Culprit, HeldPort, PortError, Preference},
    process,
    publish::{forget, running},
    step::{Act, Step},
    steps::PublishPorts,
    withdraw::Withdrawal,
};
use minet_model::{ContainerId, PublishSpec, PublishedPort};
use minet_state::{ContainerRow, Status, Transaction};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is handed over, by whom and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handover {
    /// Its number in the store.
    #[serde(skip)]
    pub(crate) number: i64,
    /// As it was.
    pub(crate) giver: PublishPorts,
    /// As it is to be.
    pub(crate) taker: PublishPorts,
    /// How it was asked for.
    pub(crate) mapping: PublishSpec,
}

/// What the store has notes of.
#[derive(Deserialize)]
#[serde(untagged)]
enum UnderWay {
    Handover(Box<Handover>),
    Withdrawal(Withdrawal),
}

/// Which way the port goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To whoever is to have it.
    There,
    /// To whoever had it.
    Back,
}

impl Handover {
    /// Records the wish; returns it with its number.
    pub(crate) fn begin(
        self,
        tx: &Transaction<'_>,
        maker: (&str, minet_state::ProcessIdentity),
    ) -> Result<Self, Error> {
        let number = tx.begin_handover((&self.giver.id, &self.taker.id), &to_json(&self), maker)?;
        expect_ports(tx, &self.giver, &self.taker)?;
        Ok(Handover { number, ..self })
    }

    /// From whom, and to whom.
    fn ends(&self, way: Way) -> (&PublishPorts, &PublishPorts) {
        match way {
            Way::There => (&self.giver, &self.taker),
            Way::Back => (&self.taker, &self.giver),
        }
    }
}

impl Runtime {
    /// Brings it to its end, or takes it back.
    pub(crate) fn carry_through(&mut self, handover: &Handover) -> Result<(), Error> {
        // Both plans speak of the port meanwhile, and a repair would believe either.
        let _lock = network::lock(self)?;
        let failure = match self.hand(handover, Way::There) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match self.hand(handover, Way::Back) {
            Ok(()) => Err(failure),
            // Whoever comes next tries again.
            Err(error) => Err(Error::LeftBehind {
                container: handover.taker.name.to_string(),
                left_behind: vec![failure.chain(), format!("take it back: {}", error.chain())],
            }),
        }
    }

    /// Finishes, or takes back, what others have begun to do with ports and did not live to
    /// end. Returns what resisted.
    pub(crate) fn finish_handovers(&mut self) -> Result<Vec<String>, Error> {
        let mut left_behind = Vec::new();
        for row in self.store.read(|tx| tx.handovers())? {
            if row.boot == self.boot && process::is_alive(row.maker) {
                continue;
            }
            let ends = match serde_json::from_str(&row.what) {
                Ok(UnderWay::Handover(handover)) if row.boot == self.boot => {
                    self.carry_through(&Handover {
                        number: row.number,
                        ..*handover
                    })
                }
                Ok(UnderWay::Withdrawal(ports)) if row.boot == self.boot => {
                    self.withdraw(&ports, row.number)
                }
                // Nothing of it is left but the row.
                Ok(_) | Err(_) => Ok(self.store.write(|tx| tx.end_handover(row.number))?),
            };
            if let Err(error) = ends
                && self.is_under_way(row.number)?
            {
                left_behind.push(error.chain());
            }
        }
        Ok(left_behind)
    }

    fn is_under_way(&mut self, number: i64) -> Result<bool, Error> {
        let handovers = self.store.read(|tx| tx.handovers())?;
        Ok(handovers.iter().any(|row| row.number == number))
    }

    /// All parts, one way or the other.
    fn hand(&mut self, handover: &Handover, way: Way) -> Result<(), Error> {
        let (from, to) = handover.ends(way);
        let to_runs = self.store.write(|tx| expect_ports(tx, from, to))?;
        if !to_runs && way == Way::There {
            return Err(Error::NotRunning(to.name.to_string()));
        }
        match to_runs {
            true => from.hand_over(to, &mut self.machine)?,
            // Neither is there any more.
            false => from.undo(&mut self.machine)?,
        }
        let missing = match to_runs {
            true => self.share(from, to, way)?,
            false => Vec::new(),
        };
        match (self.let_go(from), way) {
            // What it does not let go of, the other one will not get.
            (Err(_), Way::Back) | (Ok(()), _) => {}
            (Err(error), Way::There) => return Err(error),
        }
        self.take_hold(to, &missing)?;
        self.store.write(|tx| conclude(tx, handover, way))?;
        if !self.store.read(|tx| is_running(tx, &to.id))? {
            // It ended meanwhile, perhaps before the map was changed.
            to.undo(&mut self.machine)?;
        }
        Ok(())
    }

    /// The supervisor lets go of the ports; with one that has ended, they went.
    fn let_go(&mut self, from: &PublishPorts) -> Result<(), Error> {
        match self.line_to(&from.id)? {
            Some((line, _)) => from.ports.iter().try_for_each(|port| line.release(*port)),
            None => Ok(()),
        }
    }

    /// One supervisor shares its sockets with the other, which may have some of them
    /// already; returns the ports that neither has.
    fn share(
        &mut self,
        from: &PublishPorts,
        to: &PublishPorts,
        way: Way,
    ) -> Result<Vec<PublishedPort>, Error> {
        let mut missing = Vec::new();
        for (given, taken) in from.ports.iter().zip(&to.ports) {
            if self.borrow(&to.id, *taken)?.is_some() {
                continue;
            }
            match (self.borrow(&from.id, *given), way) {
                (Ok(Some(HeldPort { hold, .. })), _) => {
                    let held = HeldPort { port: *taken, hold };
                    if let Some((line, _)) = self.line_to(&to.id)? {
                        line.hold(&held, Some(to.address))?;
                    }
                }
                // Back goes whatever can.
                (Ok(None), _) | (Err(_), Way::Back) => missing.push(*taken),
                (Err(error), Way::There) => return Err(error),
            }
        }
        Ok(missing)
    }

    fn borrow(&mut self, id: &ContainerId, port: PublishedPort) -> Result<Option<HeldPort>, Error> {
        match self.line_to(id)? {
            Some((line, _)) => line.borrow(port),
            None => Ok(None),
        }
    }

    /// The supervisor gets new sockets for those ports that nobody had to share.
    fn take_hold(&mut self, to: &PublishPorts, missing: &[PublishedPort]) -> Result<(), Error> {
        if missing.is_empty() {
            return Ok(());
        }
        let Some((_, supervisor)) = self.line_to(&to.id)? else {
            return Ok(());
        };
        let wanted: Vec<_> = missing.iter().map(PublishSpec::exactly).collect();
        match hold_soon(&wanted) {
            Ok(held) => match self.line_to(&to.id)? {
                Some((line, _)) => held
                    .iter()
                    .try_for_each(|held| line.hold(held, Some(to.address))),
                None => Ok(()),
            },
            // It never let go, because it did not listen.
            Err(PortError::InUse {
                by: Culprit::Process { pid, .. },
                ..
            }) if pid == supervisor => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A line to a running container's supervisor, and its number.
    pub(crate) fn line_to(&mut self, id: &ContainerId) -> Result<Option<(Line, i32)>, Error> {
        let Ok((row, settings)) = self.store.read(|tx| running(tx, id.as_str())) else {
            return Ok(None);
        };
        let alive = |row: &ContainerRow| {
            let live = row.live.as_ref()?;
            self.open_process(live, live.supervisor)?;
            Some(live.supervisor.pid)
        };
        match alive(&row) {
            Some(pid) => {
                let line = Line::call(&settings.etc_dir, row.name.as_str())?;
                Ok(Some((line, pid)))
            }
            None => Ok(None),
        }
    }
}

/// The wish: who has the ports in the books, and what either's end will have to undo. Both
/// plans speak of them until it is over; an undo looks whose port it is. Returns whether
/// there is anybody to have them.
fn expect_ports(
    tx: &Transaction<'_>,
    from: &PublishPorts,
    to: &PublishPorts,
) -> Result<bool, Error> {
    let Some(row) = tx
        .container(&to.id)?
        .filter(|row| row.status == Status::Running)
    else {
        return Ok(false);
    };
    for port in &from.ports {
        tx.drop_port(port, &from.id)?;
    }
    let has = tx.ports_of(&to.id)?;
    for port in to.ports.iter().filter(|port| !has.contains(port)) {
        tx.put_port(port, &to.id)?;
    }
    let mut plan = find::plan(&row)?;
    let step = Step::PublishPorts(to.clone());
    if !plan.steps.contains(&step) && !is_in_another(&plan, to) {
        plan.steps.push(step);
        tx.set_plan(&to.id, &plan.to_json())?;
    }
    Ok(true)
}

/// Whether one step of the plan publishes these ports among others.
fn is_in_another(plan: &crate::Plan, ports: &PublishPorts) -> bool {
    plan.steps.iter().any(|step| match step {
        Step::PublishPorts(step) => {
            (step.address, step.address6) == (ports.address, ports.address6)
                && ports.ports.iter().all(|p| step.ports.contains(p))
        }
        _ => false,
    })
}

/// It is over: who has lost the port does not publish it when it starts again.
fn conclude(tx: &Transaction<'_>, handover: &Handover, way: Way) -> Result<(), Error> {
    let (from, to) = handover.ends(way);
    match way {
        Way::There => {
            forget(tx, &from.id, &from.ports)?;
            if let Some(row) = tx.container(&to.id)? {
                let mut spec = find::spec(&row)?;
                spec.publish.push(handover.mapping.clone());
                tx.set_wish(&row.id, &to_json(&spec), &row.settings)?;
            }
        }
        Way::Back => forget(tx, &from.id, &from.ports)?,
    }
    Ok(tx.end_handover(handover.number)?)
}

fn is_running(tx: &Transaction<'_>, id: &ContainerId) -> Result<bool, Error> {
    let row = tx.container(id)?;
    Ok(row.is_some_and(|row| row.status == Status::Running))
}

/// A supervisor ends its relays a moment after it has said so.
fn hold_soon(wanted: &[PublishSpec]) -> Result<Vec<HeldPort>, PortError> {
    const ATTEMPTS: usize = 100;
    // Published all the while, so everybody may see the new holder at once.
    let hold = || {
        let nobody = |_, _, _| None;
        ports::hold(
            wanted,
            BindDefaults::AllAddresses,
            &nobody,
            &Preference::default(),
        )
        .inspect(|held| ports::show(held))
    };
    for _ in 1..ATTEMPTS {
        match hold() {
            Err(PortError::InUse { .. }) => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
    hold()
}
