//! Many containers at once, and a model that says what has to be true of them.
//!
//! In each round every member does something, all at the same time, and now and then
//! somebody wipes all rules of the kernel meanwhile. After the round, what minet says and
//! what the network does is compared with the model. Everything comes from one seed, so a
//! failure can be had again, as far as the scheduler plays along.

use crate::{HOST, Place, Running, Snapshot, TestHost, eventually};
use std::collections::{BTreeMap, BTreeSet};

/// The containers of a machine, as they ought to be.
pub struct Crowd<'h> {
    host: &'h TestHost,
    before: Snapshot,
    chance: fastrand::Rng,
    members: Vec<Member>,
}

/// One container, or the room for one.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    /// Its port on the host, in the only network that all are on.
    port: u16,
    state: State,
    /// Whether it is on the second network, too.
    on_side: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Running,
    Ended,
}

/// What a member can do in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Run,
    Start,
    Stop,
    Remove,
    Connect,
    Disconnect,
    /// `kill -9` for its supervisor.
    Crash,
    Nothing,
}

impl<'h> Crowd<'h> {
    /// A machine with room for `size` containers, and a second network.
    #[track_caller]
    pub fn new(host: &'h TestHost, size: u16, seed: u64) -> Self {
        println!("a crowd of {size} with seed {seed}");
        let before = host.snapshot();
        host.minet("network create --subnet 10.99.0.0/16 side")
            .succeed();
        let member = |number| Member {
            name: format!("c{number}"),
            port: 10_000 + number,
            state: State::Absent,
            on_side: false,
        };
        Crowd {
            host,
            before,
            chance: fastrand::Rng::with_seed(seed),
            members: (0..size).map(member).collect(),
        }
    }

    /// Everybody does something at the same time; then everything is as it should be.
    #[track_caller]
    pub fn round(&mut self) {
        self.play(None);
    }

    /// The same, while somebody wipes all rules of the kernel.
    #[track_caller]
    pub fn round_with_wiped_rules(&mut self) {
        self.play(Some("nft flush ruleset"));
    }

    #[track_caller]
    fn play(&mut self, disturbance: Option<&str>) {
        let mut deeds = Vec::new();
        for member in &mut self.members {
            let deed = member.choose(&mut self.chance);
            deeds.push((deed, member.begin(self.host, deed)));
        }
        let disturber = disturbance.map(|line| self.host.spawn(Place::Host, line));
        let mut unfinished = Vec::new();
        for (member, (deed, running)) in self.members.iter_mut().zip(deeds) {
            let Some(running) = running else { continue };
            let finished = running.finish();
            // Whoever has the ground pulled from under the feet may say so, and try again.
            let excused = disturbance.is_some() && finished.code() != 0;
            assert!(
                excused || finished.code() == 0,
                "{deed:?} of {}\n{finished}",
                member.name
            );
            match excused {
                true => unfinished.push((member.name.clone(), deed)),
                false => member.settle(deed),
            }
        }
        if let Some(disturber) = disturber {
            disturber.finish().succeed();
        }
        self.try_again(&unfinished);
        self.compare();
    }

    #[track_caller]
    fn try_again(&mut self, unfinished: &[(String, Deed)]) {
        for (name, deed) in unfinished {
            let member = self.members.iter_mut().find(|member| member.name == *name);
            let member = member.expect("it is a member");
            println!("  {deed:?} of {name} once more, after the rules were wiped");
            if let Some(running) = member.begin(self.host, *deed) {
                running.finish().succeed();
            }
            member.settle(*deed);
        }
    }

    /// The model, minet's words and the network agree.
    #[track_caller]
    fn compare(&self) {
        self.compare_states();
        self.compare_addresses();
        eventually("minet check to find nothing wrong", || {
            let check = self.host.minet("check");
            // Shown if the test fails: what it found last.
            eprint!("{}", check.stdout());
            check.code() == 0
        });
        self.compare_ports();
    }

    fn compare_states(&self) {
        let list = self
            .host
            .minet(["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
        let listed: BTreeSet<String> = list.succeed().lines().map(str::to_owned).collect();
        let wanted: BTreeSet<String> = self
            .members
            .iter()
            .filter_map(|member| match member.state {
                State::Absent => None,
                State::Running => Some(format!("{} running", member.name)),
                State::Ended => Some(format!("{} exited", member.name)),
            })
            .collect();
        assert_eq!(listed, wanted);
    }

    /// Everybody is on the networks that it should be on, and no address is given twice.
    fn compare_addresses(&self) {
        let mut holders = BTreeMap::new();
        for member in self
            .members
            .iter()
            .filter(|member| member.state == State::Running)
        {
            let inspect = self.host.inspect(&member.name);
            let networks = inspect["NetworkSettings"]["Networks"].as_object();
            let networks = networks.unwrap_or_else(|| panic!("no networks in {inspect:#}"));
            let names: Vec<&str> = networks.keys().map(String::as_str).collect();
            let wanted: &[&str] = if member.on_side {
                &["bridge", "side"]
            } else {
                &["bridge"]
            };
            assert_eq!(names, wanted, "{}", member.name);
            for key in ["IPAddress", "MacAddress"] {
                for network in networks.values() {
                    let value = network[key].as_str().expect("a text").to_owned();
                    assert!(!value.is_empty(), "{inspect:#}");
                    if let Some(other) = holders.insert(value.clone(), &member.name) {
                        panic!("{other} and {} have {value}", member.name);
                    }
                }
            }
        }
    }

    /// Behind each port is who should be there, or nobody.
    fn compare_ports(&self) {
        for member in &self.members {
            let question = format!("tcp {HOST}:{}", member.port);
            let answer = self.host.ask(Place::Neighbour, &question);
            match member.state {
                State::Running => assert_eq!(answer.succeed(), member.name),
                State::Absent | State::Ended => assert_eq!(answer.code(), 1, "{answer}"),
            }
        }
    }

    /// Everybody goes, all at once, and nothing stays.
    #[track_caller]
    pub fn leave(self) {
        let present = self
            .members
            .iter()
            .filter(|member| member.state != State::Absent);
        let removals: Vec<Running<'_>> = present
            .map(|member| self.host.spawn_minet(format!("rm -f {}", member.name)))
            .collect();
        for removal in removals {
            removal.finish().succeed();
        }
        self.host.minet("network rm side").succeed();
        self.before.assert_only_the_network_is_left(self.host);
        self.host.minet("gc --all").succeed();
        self.before.assert_unchanged(self.host);
    }
}

impl Member {
    fn choose(&self, chance: &mut fastrand::Rng) -> Deed {
        let possible: &[Deed] = match self.state {
            State::Absent => &[Deed::Run, Deed::Run, Deed::Run, Deed::Nothing],
            State::Ended => &[Deed::Start, Deed::Start, Deed::Remove],
            State::Running if self.on_side => &[
                Deed::Disconnect,
                Deed::Stop,
                Deed::Remove,
                Deed::Crash,
                Deed::Nothing,
            ],
            State::Running => &[
                Deed::Connect,
                Deed::Connect,
                Deed::Stop,
                Deed::Remove,
                Deed::Crash,
                Deed::Nothing,
            ],
        };
        *chance
            .choice(possible)
            .expect("there is always something to do")
    }

    fn begin<'h>(&self, host: &'h TestHost, deed: Deed) -> Option<Running<'h>> {
        let Member { name, port, .. } = self;
        let command = match deed {
            Deed::Run => {
                let probe = host.probe();
                format!("run -d --name {name} -p {port}:80 -- {probe} greet 80 {name}")
            }
            Deed::Start => format!("start {name}"),
            Deed::Stop => format!("stop -t 0 {name}"),
            Deed::Remove => format!("rm -f {name}"),
            Deed::Connect => format!("network connect side {name}"),
            Deed::Disconnect => format!("network disconnect side {name}"),
            Deed::Crash => {
                let supervisor = format!("kill -9 $(pgrep -f 'minet .* ?{name}( |$)')");
                return Some(host.spawn(Place::Host, ["sh", "-c", &supervisor]));
            }
            Deed::Nothing => return None,
        };
        Some(host.spawn_minet(command))
    }

    fn settle(&mut self, deed: Deed) {
        match deed {
            Deed::Run | Deed::Start => self.state = State::Running,
            Deed::Stop | Deed::Crash => self.state = State::Ended,
            Deed::Remove => {
                self.state = State::Absent;
                self.on_side = false;
            }
            Deed::Connect => self.on_side = true,
            Deed::Disconnect => self.on_side = false,
            Deed::Nothing => {}
        }
    }
}
