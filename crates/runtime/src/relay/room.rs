//! How many descriptors a relay may have: a fair share of what the process may have open.
//!
//! Without it one port's clients, or one client, could take all there are, and then no
//! other port is served, no log is written and nobody can be let in to mend it.

use crate::ports::limit;
use nix::sys::resource::{Resource, getrlimit};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// For everything else: held ports, logs, the control line, the store for a moment.
const OTHERS: u64 = 128;

/// What the soft limit is raised to for each relay, where the hard limit allows it.
const WANTED: u64 = 2 * super::MAX_CONNECTIONS as u64;

/// How many relays this process has.
static RELAYS: AtomicU64 = AtomicU64::new(0);

/// A relay's share, for as long as it runs.
pub(super) struct Room(());

impl Room {
    /// One more relay; from now on all have a little less.
    pub(super) fn take() -> Self {
        let relays = RELAYS.fetch_add(1, Relaxed) + 1;
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let wanted = (OTHERS + relays.saturating_mul(WANTED)).min(hard);
            if wanted > soft {
                // Without it there is less room, and still enough for each.
                let _ = limit::raise(wanted, hard);
            }
        }
        Room(())
    }

    /// How many clients fit in, each with so many descriptors; at least one.
    pub(super) fn clients(&self, descriptors: u64, most: usize) -> usize {
        let soft = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let share = share(soft, RELAYS.load(Relaxed));
        usize::try_from(share / descriptors).map_or(most, |clients| clients.clamp(1, most))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        RELAYS.fetch_sub(1, Relaxed);
    }
}

/// Of what is left after the others, a quarter stays free for what was there before a
/// relay was added.
fn share(soft: u64, relays: u64) -> u64 {
    let left = soft.saturating_sub(OTHERS.min(soft / 2));
    left / 4 * 3 / relays.max(1)
}

/// Who is being served: one address gets no more than half of the places, as long as there
/// are two. Not one /64: that is what all of a LAN have in common.
#[derive(Default)]
pub(super) struct Guests(HashMap<IpAddr, usize>);

impl Guests {
    /// Lets one more in, unless there are too many of its kind.
    pub(super) fn admit(&mut self, client: IpAddr, places: usize) -> bool {
        let there = self.0.entry(client).or_default();
        let fits = *there < (places / 2).max(1);
        *there += usize::from(fits);
        fits
    }

    /// One has left.
    pub(super) fn leave(&mut self, client: IpAddr) {
        if let Some(there) = self.0.get_mut(&client) {
            *there -= 1;
            if *there == 0 {
                self.0.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_fair_and_never_nothing() {
        assert_eq!(share(1024, 1), 672);
        assert_eq!(share(1024, 2), 336);
        assert_eq!(share(256, 2), 48);
        assert!(share(64, 1) > 0);
        for relays in 1..40 {
            let all = relays * share(20_000, relays);
            assert!(all <= 20_000 - OTHERS, "{relays}");
        }
    }

    #[test]
    fn one_client_leaves_room_for_others() {
        let mut guests = Guests::default();
        let client = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
        let admitted = (0..10).filter(|_| guests.admit(client(1), 8)).count();
        assert_eq!(admitted, 4);
        assert!(guests.admit(client(2), 8));
        guests.leave(client(1));
        assert!(guests.admit(client(1), 8));
    }
}
