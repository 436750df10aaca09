//! Accepting rules in others' chains, for a bridge that there is no more.

use super::{Orphan, Thing, Use};
use crate::{Error, Runtime};
use minet_bridge::link;
use minet_nat::Leftover;

pub(super) fn list(runtime: &mut Runtime) -> Result<Vec<Orphan>, Error> {
    let mut found = Vec::new();
    for leftover in runtime.machine.firewall()?.placed_in_foreign()? {
        // Whose bridge it was does not matter: for one that is not there, nobody needs rules.
        if link::find(runtime.machine.rtnl()?, &leftover.bridge)?.is_none() {
            found.push(Orphan {
                what: format!("the rule \"{}\" in {}", leftover.comment, leftover.chain),
                thing: Thing::Rules(leftover),
                use_: Use::Unused,
            });
        }
    }
    Ok(found)
}

pub(super) fn remove(runtime: &mut Runtime, leftover: &Leftover) -> Result<(), Error> {
    Ok(runtime.machine.firewall()?.withdraw_leftover(leftover)?)
}
