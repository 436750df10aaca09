//! The process that reads questions and answers: it has nothing but the resolver's sockets and a
//! line to the supervisor, which knows (`minet_netns::retreat`).

use super::line::{Ask, LONGEST_TOLD, MOST_NAMES, Told};
use crate::messages::{receive, send};
use minet_names::resolver::{
    Bearer, Dial, Directory, Meaning, Mind, Nothing, Others, Outcome, Server, Service,
    SharedNetwork, Sockets, Transport, Upstreams, answer, asked_name,
};
use minet_netns::Retreat;
use std::{
    collections::HashMap,
    convert::Infallible,
    ffi::{CStr, OsStr},
    io,
    net::IpAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// As what the program is started to be one.
pub(super) const NAME: &CStr = c"minet-names";

/// It ends when nobody has asked for so long: long enough that which server does not answer is
/// remembered for as long as it should be (`STAND_IN` of `Upstreams`).
const REST_AFTER: Duration = Duration::from_secs(35);

/// Reads and answers, if this process was started to do that; returns its exit code.
///
/// To be called first of all: its files are those that it was started with.
pub fn answer_names_if_started_to() -> Option<u8> {
    let started_as = std::env::args_os().next()?;
    let is_reader = started_as == OsStr::from_bytes(NAME.to_bytes());
    is_reader.then(|| u8::from(live().is_err()))
}

fn live() -> io::Result<()> {
    let retreat = Retreat::begin(NAME)?;
    let events = crate::attend::event_loop().map_err(io::Error::other)?;
    let files = retreat.close_the_door().map_err(io::Error::other)?;
    let far = Arc::new(FarMind {
        line: Mutex::new(Line {
            socket: files.line,
            space: vec![0; LONGEST_TOLD],
        }),
        upstreams: Mutex::default(),
        asked: Mutex::new(Instant::now()),
    });
    let sockets = Sockets::from((files.answers.into(), files.other.into()));
    events.block_on(async {
        let _service = Service::start(sockets, Arc::clone(&far) as Arc<dyn Mind>)?;
        loop {
            let rest = *lock(&far.asked) + REST_AFTER;
            if rest <= Instant::now() {
                return Ok(());
            }
            sleep_until(rest).await;
        }
    })
}

/// A mind that is elsewhere: in the supervisor.
struct FarMind {
    line: Mutex<Line>,
    upstreams: Mutex<Arc<Upstreams>>,
    /// When the last question came.
    asked: Mutex<Instant>,
}

struct Line {
    socket: OwnedFd,
    space: Vec<u8>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FarMind {
    /// Asks, and waits for the answer. Who has nobody to ask has nothing to live for.
    fn ask(&self, ask: &Ask) -> (Told, Option<OwnedFd>) {
        let mut line = lock(&self.line);
        let Line { socket, space } = &mut *line;
        let told = send(socket.as_fd(), ask, None).and_then(|()| receive(socket.as_fd(), space));
        match told {
            Ok(Some(told)) => told,
            Ok(None) | Err(_) => std::process::exit(1),
        }
    }

    /// What is meant by the names that are asked for.
    fn look_up(&self, questions: &[&[u8]]) -> Option<Looked> {
        let mut names: Vec<String> = questions.iter().filter_map(|q| asked_name(q)).collect();
        names.sort_unstable();
        names.dedup();
        let mut looked = Looked {
            others: Others::NotAsked,
            meanings: HashMap::with_capacity(names.len()),
        };
        // Even without a name there may be a question for others: for the root.
        let mut rest = &names[..];
        loop {
            let (some, more) = rest.split_at(rest.len().min(MOST_NAMES));
            let (Told::Meanings(others, meant), _) = self.ask(&Ask::Meanings(some.to_vec())) else {
                return None;
            };
            let meanings = meant.into_iter().map(Meaning::from);
            looked.meanings.extend(some.iter().cloned().zip(meanings));
            looked.others = others;
            rest = more;
            if rest.is_empty() {
                return Some(looked);
            }
        }
    }
}

impl Mind for FarMind {
    fn answer(&self, questions: &[&[u8]], transport: Transport) -> Vec<Outcome> {
        if questions.is_empty() {
            return Vec::new();
        }
        *lock(&self.asked) = Instant::now();
        let Some(mut looked) = self.look_up(questions) else {
            // What cannot be looked up is nobody's name, and not for others to hear.
            let answer =
                |bytes: &&[u8]| answer(bytes, &mut Nothing, Others::NotAsked, transport, 0);
            return questions.iter().map(answer).collect();
        };
        let mut shuffle = getrandom::u64().unwrap_or_default();
        let others = looked.others;
        let mut answer = |bytes: &&[u8]| {
            shuffle = shuffle.wrapping_add(1);
            answer(bytes, &mut looked, others, transport, shuffle)
        };
        questions.iter().map(&mut answer).collect()
    }

    /// The same for as long as the list is the same: they know who does not answer.
    fn upstreams(&self) -> Arc<Upstreams> {
        let mut known = lock(&self.upstreams);
        if let (Told::Servers(servers), _) = self.ask(&Ask::Servers)
            && servers != known.servers()
        {
            *known = Arc::new(Upstreams::of(servers));
        }
        Arc::clone(&known)
    }
}

impl Dial for FarMind {
    fn dial(&self, server: Server, transport: Transport) -> io::Result<OwnedFd> {
        let (_, socket) = self.ask(&Ask::Dial(server, transport));
        socket.ok_or_else(|| io::ErrorKind::HostUnreachable.into())
    }
}

/// What was asked of the supervisor, for some questions.
struct Looked {
    others: Others,
    meanings: HashMap<String, Meaning>,
}

impl Directory for Looked {
    type Error = Infallible;

    fn meaning(&mut self, name: &str) -> Result<Meaning, Infallible> {
        let known = self.meanings.get(name);
        Ok(known.cloned().unwrap_or(Meaning::Unknown))
    }

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Infallible> {
        Nothing.networks()
    }

    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Infallible> {
        Nothing.bearers(network, name)
    }

    fn linked(&mut self, alias: &str) -> Result<Option<String>, Infallible> {
        Nothing.linked(alias)
    }

    fn opens_ipv6(&mut self, network: &str, source: &str) -> Result<bool, Infallible> {
        Nothing.opens_ipv6(network, source)
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Infallible> {
        Nothing.at(network, address)
    }
}
