//! Taking networks down: half-made ones always, idle ones when asked.
//!
//! The plan stays in the store until everything is undone, so that a crash in the middle
//! of it, or a step that resists, is taken up again by the next command.

use crate::{
    Error, Runtime, forwarding,
    lock::Lock,
    network::{lock_path, stored_plan},
    plan::Plan,
};
use minet_model::NetworkName;

/// Whether networks that stand and that nobody uses are taken down too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleNetworks {
    /// A switch stays on when the last cable is pulled.
    Keep,
    /// They go.
    TakeDown,
}

/// What was taken down, and what resisted.
#[derive(Debug, Default)]
pub(crate) struct TakenDown {
    pub(crate) networks: Vec<String>,
    pub(crate) left_behind: Vec<String>,
}

/// Takes networks down.
pub(crate) fn take_down(runtime: &mut Runtime, idle: IdleNetworks) -> Result<TakenDown, Error> {
    let mut taken = TakenDown::default();
    // Whoever holds the lock is bringing a network up; asked to take down what is idle,
    // one waits for that, but a repair need not.
    let lock = match idle {
        IdleNetworks::TakeDown => Some(Lock::take(&lock_path(runtime))?),
        IdleNetworks::Keep => Lock::try_take(&lock_path(runtime))?,
    };
    if lock.is_none() {
        return Ok(taken);
    }
    for row in runtime.store.read(|tx| tx.networks())? {
        let half_made = row.up_in_boot.as_deref() != Some(runtime.boot.as_str());
        let Some(stored) =
            stored_plan(&row).filter(|_| half_made || idle == IdleNetworks::TakeDown)
        else {
            continue;
        };
        // What another boot made is gone; only the row speaks of it.
        let plan = match stored.boot == runtime.boot {
            true => stored.plan,
            false => Plan::default(),
        };
        let name = &row.network.name;
        match take_one_down(runtime, name, &plan)? {
            Some(left_behind) if left_behind.is_empty() => taken.networks.push(name.to_string()),
            Some(left_behind) => taken.left_behind.extend(left_behind),
            None => {}
        }
    }
    Ok(taken)
}

/// Takes one network down if nobody uses it; returns what resisted. The caller holds the
/// network lock.
pub(crate) fn take_one_down(
    runtime: &mut Runtime,
    name: &NetworkName,
    plan: &Plan,
) -> Result<Option<Vec<String>>, Error> {
    // One transaction: nobody can move in between the look and the word.
    let idle = runtime.store.write(|tx| {
        let idle = tx.leases_in_use(name)? == 0;
        if idle {
            tx.network_goes_down(name)?;
        }
        Ok::<_, Error>(idle)
    })?;
    if !idle {
        return Ok(None);
    }
    let left_behind = runtime.undo_silently(&plan.steps);
    if left_behind.is_empty() {
        runtime.store.write(|tx| tx.network_is_down(name))?;
        forwarding::forget(runtime)?;
    }
    Ok(Some(left_behind))
}
