//! Which UDP clients there are: UDP has no connections, so silence has to end them.

use std::{
    collections::HashMap,
    net::{Ipv6Addr, SocketAddrV6},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    task::{AbortHandle, Id},
    time::Instant,
};

/// As conntrack does it (`nf_conntrack_udp_timeout`): a client that got no answer yet.
const UNANSWERED: Duration = Duration::from_secs(30);
/// And one that did (`nf_conntrack_udp_timeout_stream`).
const ANSWERED: Duration = Duration::from_secs(120);

/// A client, and the address of ours that it talks to: one client may use two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) client: SocketAddrV6,
    pub(super) local: Ipv6Addr,
    /// The interface on which it came, which matters for link-local addresses.
    pub(super) interface: u32,
}

/// One client's socket towards the container, shared by both directions.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) socket: UdpSocket,
    born: Instant,
    /// Milliseconds after `born`.
    last_used: AtomicU64,
    answered: AtomicBool,
}

impl Session {
    pub(super) fn new(socket: UdpSocket) -> Self {
        Session {
            socket,
            born: Instant::now(),
            last_used: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        }
    }

    /// A datagram from the client.
    pub(super) fn asked(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_used.store(now, Relaxed);
    }

    /// A datagram from the container.
    pub(super) fn replied(&self) {
        self.asked();
        self.answered.store(true, Relaxed);
    }

    fn last_used(&self) -> Instant {
        self.born + Duration::from_millis(self.last_used.load(Relaxed))
    }

    /// When it is over, unless something happens before.
    pub(super) fn deadline(&self) -> Instant {
        let patience = match self.answered.load(Relaxed) {
            true => ANSWERED,
            false => UNANSWERED,
        };
        self.last_used() + patience
    }
}

struct Live {
    session: Arc<Session>,
    task: AbortHandle,
}

/// The sessions of one port, never more than a given number.
pub(super) struct Sessions {
    live: HashMap<Key, Live>,
    max: usize,
}

impl Sessions {
    pub(super) fn new(max: usize) -> Self {
        Sessions {
            live: HashMap::new(),
            max,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Session>> {
        self.live.get(key).map(|live| &live.session)
    }

    /// When all of so many places are taken, one that is least missed goes: the longest
    /// silent of those that never got an answer, so that forged senders push out each other
    /// first.
    pub(super) fn make_room(&mut self, places: usize) {
        while self.live.len() >= places.min(self.max)
            && let Some(key) = self.least_missed()
            && let Some(live) = self.live.remove(&key)
        {
            live.task.abort();
        }
    }

    /// Adds a session, for which there is room.
    pub(super) fn insert(&mut self, key: Key, session: Arc<Session>, task: AbortHandle) {
        self.live.insert(key, Live { session, task });
    }

    fn least_missed(&self) -> Option<Key> {
        let rank = |live: &Live| {
            (
                live.session.answered.load(Relaxed),
                live.session.last_used(),
            )
        };
        let oldest = self.live.iter().min_by_key(|(_, live)| rank(live));
        oldest.map(|(key, _)| *key)
    }

    /// Forgets a session whose task has ended, but not its successor of the same key.
    pub(super) fn remove(&mut self, key: &Key, task: Id) {
        if self
            .live
            .get(key)
            .is_some_and(|live| live.task.id() == task)
        {
            self.live.remove(key);
        }
    }
}
