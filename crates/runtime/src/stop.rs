//! `minet stop` and `minet kill`: a signal, and the wait for what comes of it.

use crate::{
    Error, Runtime,
    attend::send_to,
    find,
    rest::Ending,
    supervise::{grace, stop_signal},
};
use minet_model::{ContainerId, SignalNumber};
use minet_state::{ContainerRow, ProcessIdentity, Status, Wish};
use nix::poll::{PollFd, PollFlags, ppoll};
use rustix::process::{Signal, pidfd_send_signal};
use std::{
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

/// How long a container may take to end before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// As it was said when it was made, or ten seconds.
    Its,
    /// So long.
    Of(Duration),
    /// For ever.
    Endless,
}

/// What is asked of containers that shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopRequest {
    /// The signal that they get; each its own if nothing is said.
    pub signal: Option<SignalNumber>,
    /// How long they have.
    pub grace: Grace,
}

/// Is told what is being waited for when it takes long, and how much longer at most.
pub type Patience<'a> = dyn FnMut(&str, Option<Duration>) + 'a;

/// How long a killed container's supervisor may take to undo what it made.
const UNDO: Duration = Duration::from_secs(10);

/// After how long somebody who waits wants to know what for.
const SILENCE: Duration = Duration::from_secs(1);

/// A container on its way to its end.
pub(crate) struct Leaving {
    id: ContainerId,
    name: String,
    supervisor: Option<OwnedFd>,
    signal: SignalNumber,
    /// Who has got the signal.
    signalled: Option<ProcessIdentity>,
    /// What is wanted of it from now on.
    wish: Wish,
    /// Whether the store says so by now.
    wished: bool,
    deadline: Option<Instant>,
    announced: bool,
    began: Instant,
}

impl Runtime {
    /// Ends containers gracefully, all at once; one outcome for each. One that has ended
    /// already has been stopped successfully.
    pub fn stop(
        &mut self,
        containers: &[String],
        request: StopRequest,
        patience: &mut Patience<'_>,
    ) -> Vec<Result<(), Error>> {
        // First all get their signal, then each is waited for: ten seconds are enough for
        // any number of them.
        let leaving: Vec<_> = containers
            .iter()
            .map(|container| self.ask_to_end(container, request))
            .collect();
        leaving
            .into_iter()
            .map(|leaving| match leaving? {
                Some(leaving) => self.see_off(leaving, patience),
                None => Ok(()),
            })
            .collect()
    }

    fn ask_to_end(
        &mut self,
        container: &str,
        request: StopRequest,
    ) -> Result<Option<Leaving>, Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        let spec = find::spec(&row)?;
        let grace = match request.grace {
            Grace::Its => grace(&spec),
            Grace::Of(grace) => Some(grace),
            Grace::Endless => None,
        };
        if row.status == Status::Exited {
            self.store
                .write(|tx| tx.desire(&row.id, Wish::Rest, None))?;
            return Ok(None);
        }
        let signal = request.signal.unwrap_or(stop_signal(&spec));
        let mut leaving = self.leaving(&row, signal, grace);
        self.nudge(&mut leaving, &row)?;
        Ok(Some(leaving))
    }

    /// Kills a container and waits until it is settled, and forgotten: that it goes is
    /// written along with its end, so that its supervisor does both in one transaction.
    pub(crate) fn end(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let mut leaving = self.leaving(row, SignalNumber::KILL, Some(Duration::ZERO));
        leaving.wish = Wish::Gone;
        self.nudge(&mut leaving, row)?;
        self.see_off(leaving, &mut |_, _| {})
    }

    /// Waits until nothing stands of a container that has ended.
    pub(crate) fn wait_for_the_end(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let mut leaving = self.leaving(row, SignalNumber::KILL, Some(UNDO));
        // Nobody wants anything else of it.
        leaving.wished = true;
        self.see_off(leaving, &mut |_, _| {})
    }

    /// Sends a signal to a container's first process. One that ends it for good, as far as
    /// anybody can tell, is not undone by its restart policy.
    pub fn kill(&mut self, container: &str, signal: SignalNumber) -> Result<(), Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        let init = self.init_of(&row)?;
        let is_final = signal == SignalNumber::KILL || signal == stop_signal(&find::spec(&row)?);
        self.send(&row, &init, signal, is_final.then_some(Wish::Rest))
    }

    /// Waits until nothing of a container is alive; kills it when its time is over.
    fn see_off(&mut self, mut leaving: Leaving, patience: &mut Patience<'_>) -> Result<(), Error> {
        loop {
            let row = self.store.read(|tx| tx.container(&leaving.id))?;
            let Some(row) = row.filter(|row| row.live.is_some()) else {
                return Ok(());
            };
            if row.status == Status::Exited && self.has_living_guests(&row.id)? {
                return Ok(());
            }
            if leaving.supervisor_is_gone() {
                return self.finish_undoing(&row.id);
            }
            if leaving
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
            {
                leaving.escalate(&row)?;
            }
            self.nudge(&mut leaving, &row)?;
            leaving.announce(patience);
            leaving.wait_a_little();
        }
    }

    /// Undoes what a supervisor that died, or one that met resistance, has left.
    pub(crate) fn finish_undoing(&mut self, id: &ContainerId) -> Result<(), Error> {
        let Some(row) = self.store.read(|tx| tx.container(id))? else {
            return Ok(());
        };
        if row.live.is_none() {
            return Ok(());
        }
        let left_behind = self.lay_to_rest(id, &Ending::Orphaned)?;
        match left_behind.is_empty() {
            true => Ok(()),
            false => Err(Error::LeftBehind {
                container: row.name.to_string(),
                left_behind,
            }),
        }
    }

    /// Tells whoever can end the container now, if he has not been told yet. What is
    /// wanted is written before, in one transaction with what else is to be known.
    fn nudge(&mut self, leaving: &mut Leaving, row: &ContainerRow) -> Result<(), Error> {
        let live = row.live.as_ref();
        let whom = match row.status {
            Status::Running => live.and_then(|live| live.init),
            Status::Restarting | Status::Starting => live.map(|live| live.supervisor),
            Status::Exited => None,
        };
        if leaving.wished && (whom.is_none() || whom == leaving.signalled) {
            return Ok(());
        }
        leaving.signalled = whom;
        leaving.wished = true;
        if row.status == Status::Running
            && let Ok(init) = self.init_of(row)
        {
            self.send(row, &init, leaving.signal, Some(leaving.wish))?;
            // One that was stopped (Ctrl-Z) could not clean up.
            leaving.tell_supervisor(Signal::CONT);
            return Ok(());
        }
        self.store
            .write(|tx| tx.desire(&row.id, leaving.wish, None))?;
        match row.status {
            Status::Restarting => {
                leaving.tell_supervisor(Signal::TERM);
                Ok(())
            }
            // It is being made: only its supervisor could undo that, and he is busy. Whoever
            // kills him undoes it.
            Status::Starting if leaving.signal == SignalNumber::KILL => {
                leaving.tell_supervisor(Signal::KILL);
                Ok(())
            }
            // Running, it has ended in this moment.
            Status::Starting | Status::Running | Status::Exited => Ok(()),
        }
    }

    /// Sends a signal; what is wanted from then on goes with one that is the last word.
    fn send(
        &mut self,
        row: &ContainerRow,
        init: &OwnedFd,
        signal: SignalNumber,
        last_word: Option<Wish>,
    ) -> Result<(), Error> {
        let Some(pid) = row.live.as_ref().and_then(|live| live.init) else {
            return Err(Error::NotRunning(row.name.to_string()));
        };
        // Written before: the supervisor reads it as soon as the process has ended.
        let kills_instead = crate::attend::leaves_to_the_kernel(pid.pid, signal);
        if last_word.is_some() || kills_instead {
            let ended_by = kills_instead.then_some(signal.number());
            let wish = last_word.unwrap_or(row.wish);
            self.store.write(|tx| tx.desire(&row.id, wish, ended_by))?;
        }
        send_to(init, pid.pid, signal);
        Ok(())
    }
}

impl Runtime {
    fn leaving(
        &self,
        row: &ContainerRow,
        signal: SignalNumber,
        grace: Option<Duration>,
    ) -> Leaving {
        let began = Instant::now();
        Leaving {
            id: row.id.clone(),
            name: row.name.to_string(),
            supervisor: row
                .live
                .as_ref()
                .and_then(|live| self.open_process(live, live.supervisor)),
            signal,
            signalled: None,
            wish: Wish::Rest,
            wished: false,
            deadline: grace.map(|grace| began + grace),
            announced: false,
            began,
        }
    }
}

impl Leaving {
    /// Its time is over: SIGKILL, once; and when that too has had its time, an error.
    fn escalate(&mut self, row: &ContainerRow) -> Result<(), Error> {
        if self.signal == SignalNumber::KILL && self.began.elapsed() > UNDO {
            return Err(Error::Stuck(row.name.to_string()));
        }
        if self.signal != SignalNumber::KILL {
            self.began = Instant::now();
            self.signal = SignalNumber::KILL;
            self.signalled = None;
        }
        self.deadline = Some(Instant::now() + UNDO);
        Ok(())
    }

    fn announce(&mut self, patience: &mut Patience<'_>) {
        if !self.announced && self.began.elapsed() > SILENCE {
            self.announced = true;
            let left = self
                .deadline
                .map(|deadline| deadline.saturating_duration_since(Instant::now()));
            patience(&self.name, left);
        }
    }

    fn tell_supervisor(&self, signal: Signal) {
        if let Some(supervisor) = &self.supervisor {
            // He may have ended in this moment, which shows at the next look.
            let _ = pidfd_send_signal(supervisor, signal);
        }
    }

    fn supervisor_is_gone(&self) -> bool {
        match &self.supervisor {
            Some(supervisor) => is_readable(supervisor, Duration::ZERO),
            None => true,
        }
    }

    /// Until the supervisor ends, or so long that nobody notices it.
    fn wait_a_little(&self) {
        let pause = match self.began.elapsed().as_millis() {
            0..10 => 50,
            10..50 => 1_000,
            50..1000 => 5_000,
            _ => 20_000,
        };
        if let Some(supervisor) = &self.supervisor {
            is_readable(supervisor, Duration::from_micros(pause));
        }
    }
}

fn is_readable(process: &OwnedFd, patience: Duration) -> bool {
    let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    ppoll(&mut fds, Some(patience.into()), None).is_ok_and(|ready| ready > 0)
}
