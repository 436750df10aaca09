//! A container's supervisor: the one process of minet's that stays.
//!
//! ```text
//!   minet run -d ──fork──▶ supervisor
//!        ▲                  make: admit, steps, launch               (run.rs)
//!        └──── the ID ────  ready; closes everything it does not need
//!                           ┌▶ attend: log, hold ports, wait             (attend/background.rs)
//!                           │  the command ends
//!                           └─ pause, launch again, in the same namespace: the restart policy
//!                           lay to rest: undo the plan                   (rest.rs)
//! ```
//!
//! What must stay true: whatever somebody asked for with `stop`, `kill` or `rm` is not
//! undone by a restart policy; that wish stands in the store, and is read after each end.

use crate::{
    Error, Narrator, Runtime,
    admit::Admitted,
    attend::{self, Background, Farewell, Logged, SharedLog},
    launch::{self, World},
    logs::LogWriter,
    process,
    rest::{Ending, KILLED},
    run::{RunRequest, Up, as_meant},
    time::now,
};
use minet_model::{ContainerSpec, RestartPolicy, SignalNumber};
use minet_netns::{Netns, Running, StartupReport};
use minet_state::{ContainerRow, Wish};
use nix::unistd::Pid;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How long a container may take to end if nobody says otherwise.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

impl Runtime {
    /// Makes a container, tells its ID, and watches over it until it ends for good.
    pub fn run_detached(
        &mut self,
        request: &RunRequest,
        narrator: &mut dyn Narrator,
        report: StartupReport,
    ) -> Result<(), Error> {
        let restarts = request.spec.lifecycle.restart != RestartPolicy::No;
        if restarts && request.spec.remove {
            return Err(Error::Conflict("--restart and --rm".to_owned()));
        }
        let streams = Logged::new(request.spec.terminal);
        let (up, background) = self.make(request, None, &streams, Background::listen, narrator)?;
        let id = format!("{}\n", up.admitted.id);
        self.watch_over(&request.spec, up, background, streams, report, &id)
    }

    /// From a container that is up to its very end. `told` is what the caller hears.
    pub(crate) fn watch_over(
        &mut self,
        spec: &ContainerSpec,
        up: Up,
        mut background: Background,
        streams: Logged,
        report: StartupReport,
        told: &str,
    ) -> Result<(), Error> {
        let Up {
            admitted,
            running,
            held,
        } = up;
        let opened = self.open_log(spec, &admitted).and_then(|log| {
            background.serve(self.duties(spec, &admitted, held)?)?;
            Ok(log)
        });
        let log = match opened {
            Ok(log) => log,
            Err(error) => {
                let code = attend::end(&running).unwrap_or(KILLED);
                self.lay_to_rest(&admitted.id, &Ending::Exited(code))?;
                return Err(error);
            }
        };
        report.ready(told)?;
        let lived = self.live(spec, &admitted, running, &mut background, streams, &log);
        // Its ports are free before anybody can read that it has ended.
        drop(background);
        let ending = lived.as_ref().unwrap_or(&Ending::Orphaned);
        self.lay_to_rest(&admitted.id, ending)?;
        self.store.close();
        self.machine.let_go_at_leisure();
        lived.map(drop)
    }

    fn open_log(&self, spec: &ContainerSpec, admitted: &Admitted) -> Result<SharedLog, Error> {
        let dir = self.machine.paths().log_dir(&admitted.id);
        let writer = LogWriter::open(&dir, spec.lifecycle.log)
            .map_err(Error::file("write the log in", &dir))?;
        Ok(Arc::new(Mutex::new(writer)))
    }

    /// One life of the command after the other.
    fn live(
        &mut self,
        spec: &ContainerSpec,
        admitted: &Admitted,
        mut running: Running,
        background: &mut Background,
        mut streams: Logged,
        log: &SharedLog,
    ) -> Result<Ending, Error> {
        let mut policy = Policy::new(spec.lifecycle.restart);
        let farewell = Farewell {
            signal: stop_signal(spec),
            grace: grace(spec),
        };
        loop {
            self.store.close();
            self.machine.let_go();
            minet_netns::give_back_memory();
            let began = Instant::now();
            let mut look = || self.notice_addresses(admitted);
            let attended = background.attend(&running, streams, log, farewell, &mut look);
            if attended.is_err() {
                attend::end(&running);
            }
            let code = attended?;
            let code = self.store.read(|tx| as_meant(tx, &admitted.id, code))?;
            if background.was_asked() {
                return Ok(Ending::Interrupted(code));
            }
            let Some(pause) = self.pause_before_next(admitted, code, &mut policy, began)? else {
                return Ok(Ending::Exited(code));
            };
            self.store.close();
            background.pause(pause);
            if background.was_asked() {
                return self.ending_of_a_pause(admitted, code);
            }
            streams = Logged::new(spec.terminal);
            running = match self.relaunch(spec, admitted, &streams) {
                Ok(Some(running)) => running,
                Ok(None) => return Ok(Ending::Exited(code)),
                Err(error) => {
                    let code = i32::from(error.exit_code());
                    self.store.write(|tx| {
                        tx.set_error(&admitted.id, &error.chain())?;
                        tx.desire(&admitted.id, Wish::Rest, None)
                    })?;
                    return Ok(Ending::Exited(code));
                }
            };
        }
    }

    /// How long to wait before the command is started again; none if it is not.
    fn pause_before_next(
        &mut self,
        admitted: &Admitted,
        code: i32,
        policy: &mut Policy,
        began: Instant,
    ) -> Result<Option<Duration>, Error> {
        let pause = policy.pause_after(code, began.elapsed());
        let wish = |row: ContainerRow| row.wish;
        // Mostly somebody has said already that it shall rest, and nothing is to be written.
        let wished = self.store.read(|tx| tx.container(&admitted.id))?.map(wish);
        if matches!(wished, Some(Wish::Rest | Wish::Gone)) {
            return Ok(None);
        }
        self.store.write(|tx| {
            let row = tx.container(&admitted.id)?;
            let wanted = row.map(wish) == Some(Wish::Run);
            let Some(pause) = pause.filter(|_| wanted) else {
                tx.desire(&admitted.id, Wish::Rest, None)?;
                return Ok(None);
            };
            tx.mark_restarting(&admitted.id, code, now())?;
            Ok(Some(pause))
        })
    }

    /// Who asked: a user, who wants it to rest, or the machine, which goes down.
    fn ending_of_a_pause(&mut self, admitted: &Admitted, code: i32) -> Result<Ending, Error> {
        let row = self.store.read(|tx| tx.container(&admitted.id))?;
        Ok(match row.is_some_and(|row| row.wish == Wish::Run) {
            true => Ending::Interrupted(code),
            false => Ending::Exited(code),
        })
    }

    /// Starts the command again in the same network namespace; nothing if it was stopped
    /// meanwhile.
    fn relaunch(
        &mut self,
        spec: &ContainerSpec,
        admitted: &Admitted,
        streams: &Logged,
    ) -> Result<Option<Running>, Error> {
        let row = self.store.read(|tx| tx.container(&admitted.id))?;
        if !row.is_some_and(|row| row.wish == Wish::Run) {
            return Ok(None);
        }
        let shared = self.where_it_lives(admitted)?;
        let world = World::look_up(spec)?;
        let (machine, shared) = (&mut self.machine, shared.as_ref());
        let growing = launch::begin(spec, admitted, machine, shared, world, streams)?;
        let (prepared, inode) = growing.finish(machine, streams)?;
        let init = process::identify(Pid::from_raw(prepared.pid().as_raw_nonzero().get()))?;
        self.store
            .write(|tx| tx.mark_running(&admitted.id, init, inode, now()))?;
        Ok(Some(prepared.start()?))
    }

    /// One that was held since the first life is there even if its maker has ended.
    fn where_it_lives(&self, admitted: &Admitted) -> Result<Option<Netns>, Error> {
        match self.machine.joined() {
            Some(netns) => Ok(Some(netns.try_clone()?)),
            None => self.shared_namespace(&admitted.namespace),
        }
    }
}

/// What a container gets first when it shall end.
pub(crate) fn stop_signal(spec: &ContainerSpec) -> SignalNumber {
    spec.lifecycle.stop_signal.unwrap_or(SignalNumber::TERM)
}

/// How long it has until SIGKILL; for ever, if there is nothing.
pub(crate) fn grace(spec: &ContainerSpec) -> Option<Duration> {
    match spec.lifecycle.stop_timeout.map(u64::try_from) {
        None => Some(GRACE),
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => None,
    }
}

/// A restart policy with its memory.
struct Policy {
    policy: RestartPolicy,
    pause: Duration,
    restarts: u32,
}

impl Policy {
    /// Docker's numbers: from 100 ms to a minute, and back after ten seconds of peace.
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);
    const PEACE: Duration = Duration::from_secs(10);

    fn new(policy: RestartPolicy) -> Self {
        Policy {
            policy,
            pause: Duration::ZERO,
            restarts: 0,
        }
    }

    /// The pause after an end with this code, if the command is to be started again.
    fn pause_after(&mut self, code: i32, lived: Duration) -> Option<Duration> {
        let wanted = match self.policy {
            RestartPolicy::No => false,
            RestartPolicy::OnFailure { at_most } => {
                code != 0 && at_most.is_none_or(|times| self.restarts < times.get())
            }
            RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        };
        if !wanted {
            return None;
        }
        self.restarts += 1;
        self.pause = match self.pause.is_zero() || lived >= Self::PEACE {
            true => Self::FIRST_PAUSE,
            false => (self.pause * 2).min(Self::LONGEST_PAUSE),
        };
        Some(self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(policy: &str, code: i32, lived: u64) -> Vec<u128> {
        let mut policy = Policy::new(policy.parse().unwrap());
        let pause = || policy.pause_after(code, Duration::from_secs(lived));
        std::iter::from_fn(pause)
            .take(12)
            .map(|pause| pause.as_millis())
            .collect()
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let doubling = [
            100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000,
        ];
        assert_eq!(pauses("always", 0, 0), doubling);
        assert_eq!(pauses("unless-stopped", 1, 0), doubling);
        assert_eq!(pauses("always", 0, 10), [100; 12]);
    }

    #[test]
    fn policies_say_when_it_is_enough() {
        assert!(pauses("no", 1, 0).is_empty());
        assert!(pauses("on-failure", 0, 0).is_empty());
        assert_eq!(pauses("on-failure:3", 1, 0), [100, 200, 400]);
        assert_eq!(pauses("on-failure", 1, 0).len(), 12);
    }
}
