//! Attending to a process in the background: its output goes into the log, and a request
//! to the supervisor to end is a request to end it gracefully.

use super::{
    Done, Duties, News, addresses,
    logged::{Logged, SharedLog},
    signals, watch,
};
use crate::Error;
use minet_model::SignalNumber;
use minet_netns::Running;
use std::time::Duration;
use tokio::{
    signal::unix::{self, SignalKind},
    time::{Instant, sleep_until},
};

/// The event loop of a supervisor, for all the lives of its container.
pub(crate) struct Background {
    runtime: tokio::runtime::Runtime,
    requests: [unix::Signal; 2],
    /// Whether the supervisor was asked to end.
    asked: bool,
    /// Held for as long as the supervisor lives.
    duties: Done,
}

/// How the process is asked to end.
#[derive(Clone, Copy)]
pub(crate) struct Farewell {
    /// First with this signal.
    pub(crate) signal: SignalNumber,
    /// And after this time with SIGKILL.
    pub(crate) grace: Option<Duration>,
}

impl Background {
    pub(crate) fn listen() -> Result<Self, Error> {
        let runtime = super::event_loop()?;
        let requests = {
            let _entered = runtime.enter();
            let listen = |kind| unix::signal(kind).map_err(Error::process("listen for signals"));
            [
                listen(SignalKind::terminate())?,
                listen(SignalKind::interrupt())?,
            ]
        };
        Ok(Background {
            runtime,
            requests,
            asked: false,
            duties: Done::default(),
        })
    }

    /// Begins to hold and relay ports and to answer names, for as long as this lives.
    pub(crate) fn serve(&mut self, duties: Duties) -> Result<(), Error> {
        let _entered = self.runtime.enter();
        self.duties = duties.begin()?;
        Ok(())
    }

    /// Whether the supervisor was asked to end.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked
    }

    /// Attends to a process until it ends, and returns its exit code.
    pub(crate) fn attend(
        &mut self,
        running: &Running,
        streams: Logged,
        log: &SharedLog,
        farewell: Farewell,
        news: News<'_>,
    ) -> Result<i32, Error> {
        let Background {
            runtime,
            requests,
            asked,
            ..
        } = self;
        runtime.block_on(async {
            let logging = streams
                .start(log)
                .map_err(Error::process("read the container's output"))?;
            let ended = running
                .pidfd
                .try_clone()
                .and_then(watch::watch)
                .map_err(Error::process("watch the process"))?;
            let watched = news.watch()?;
            let mut killed_by = None;
            let mut deadline = None;
            if *asked {
                // In the very moment in which it was started again.
                killed_by = signals::send(running, farewell.signal);
                deadline = farewell.grace.map(|grace| Instant::now() + grace);
            }
            loop {
                tokio::select! {
                    () = addresses::changed(watched.as_ref()) => (news.tell)(),
                    readable = ended.readable() => {
                        drop(readable);
                        break;
                    }
                    () = next(requests) => {
                        *asked = true;
                        killed_by = killed_by.or(signals::send(running, farewell.signal));
                        deadline = deadline.or_else(|| farewell.grace.map(|grace| Instant::now() + grace));
                    }
                    () = until(deadline) => {
                        signals::send(running, SignalNumber::KILL);
                        deadline = None;
                    }
                }
            }
            let code = running.wait()?;
            logging.drain().await;
            Ok(killed_by.map_or(code, |signal| 128 + signal))
        })
    }

    /// Does nothing for a while, unless it is asked to end.
    pub(crate) fn pause(&mut self, pause: Duration) {
        let Background {
            runtime,
            requests,
            asked,
            ..
        } = self;
        runtime.block_on(async {
            tokio::select! {
                () = next(requests) => *asked = true,
                () = tokio::time::sleep(pause) => {}
            }
        });
    }
}

async fn next(requests: &mut [unix::Signal; 2]) {
    let [terminate, interrupt] = requests;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
