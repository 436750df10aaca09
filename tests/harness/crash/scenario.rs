//! What is struck, and what has to hold afterwards.

use super::{Blow, Point};
use crate::{Snapshot, TestHost};

/// A command that is struck in the middle.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it is called in reports.
    pub name: &'static str,
    /// Commands of minet before, one on each line; they succeed.
    prepare: &'static str,
    /// The command.
    command: &'static str,
    /// Commands of minet that take everything away again; what is gone already, they may
    /// say so.
    clean: &'static str,
}

/// All commands that make or remove something.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "run",
        prepare: "",
        command: "run --rm --name doomed -p 8080:80 -p 5300:53/udp -- true",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "a supervisor, from its birth to its end",
        prepare: "",
        command: "run -d --name doomed -p 8080:80 -- sleep 1000",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "stop",
        prepare: "run -d --name doomed --init -p 8080:80 -- sleep 1000",
        command: "stop doomed",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "start",
        prepare: "run --name doomed -p 8080:80 -- true",
        command: "start doomed",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "rm",
        prepare: "run -d --name doomed -p 8080:80 -- sleep 1000",
        command: "rm -f doomed",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "network create and rm",
        prepare: "",
        command: "network create --subnet 10.77.0.0/24 side",
        clean: "network rm side",
    },
    Scenario {
        name: "network connect",
        prepare: "network create --subnet 10.77.0.0/24 side\n\
                  run -d --name doomed -- sleep 1000",
        command: "network connect side doomed",
        clean: "rm -f doomed\nnetwork rm side",
    },
    Scenario {
        name: "network disconnect",
        prepare: "network create --subnet 10.77.0.0/24 side\n\
                  run -d --name doomed --network bridge --network side -- sleep 1000",
        command: "network disconnect side doomed",
        clean: "rm -f doomed\nnetwork rm side",
    },
    Scenario {
        name: "network disconnect, the last",
        prepare: "network create --subnet 10.77.0.0/24 side\n\
                  run -d --name doomed --network side -p 8080:80 -- sleep 1000",
        command: "network disconnect side doomed",
        clean: "rm -f doomed\nnetwork rm side",
    },
    Scenario {
        name: "network set",
        prepare: "network create --subnet 10.77.0.0/24 side\n\
                  run -d --name doomed --network side -p 8080:80 -- sleep 1000",
        command: "network set --internal --mtu 1400 side",
        clean: "rm -f doomed\nnetwork rm side",
    },
    Scenario {
        name: "publish --take",
        prepare: "run -d --name doomed -p 8080:80 -- sleep 1000\n\
                  run -d --name heir -- sleep 1000",
        command: "publish --take heir 8080:80",
        clean: "rm -f doomed heir",
    },
    Scenario {
        name: "publish",
        prepare: "run -d --name doomed -- sleep 1000",
        command: "publish doomed 8080:80",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "unpublish",
        prepare: "run -d --name doomed -p 8080:80 -p 8081:81 -- sleep 1000",
        command: "unpublish doomed 8080:80",
        clean: "rm -f doomed",
    },
    Scenario {
        name: "link",
        prepare: "run -d --name db -- sleep 1000\nrun -d --name doomed -- sleep 1000",
        command: "link db:store doomed",
        clean: "unlink db:store\nrm -f doomed db",
    },
    Scenario {
        name: "link past a reader",
        // It keeps the file open, so that there is a screen.
        prepare: "run -d --name db -- sleep 1000\n\
                  run -d --name doomed -- flock /etc/hosts sleep 1000",
        command: "link db:store doomed",
        clean: "exec doomed grep -q minet.*end /etc/hosts\nunlink db:store\nrm -f doomed db",
    },
    Scenario {
        name: "rename",
        prepare: "run -d --name doomed -p 8080:80 -- sleep 1000",
        command: "rename doomed spared",
        clean: "rm -f doomed\nrm -f spared",
    },
    Scenario {
        name: "gc",
        prepare: "run --rm -p 8080:80 -- true",
        command: "gc --all",
        clean: "gc --all",
    },
];

impl Scenario {
    /// All places at which the command can be struck.
    #[track_caller]
    pub fn points(&self, host: &TestHost) -> Vec<Point> {
        self.prepare(host);
        let points = host.points_of(self.command, || self.clean(host));
        assert!(points.len() > 20, "{}: only {points:?}", self.name);
        points
    }

    /// Strikes the command there, and fails the test unless the next commands put
    /// everything right: nothing but the network may be left then.
    #[track_caller]
    pub fn survives(&self, host: &TestHost, before: &Snapshot, point: &Point, blow: Blow) {
        self.prepare(host);
        let struck = host.strike(point, blow, self.command);
        let what = format!("{}, {blow:?} at {point}", self.name);
        // Shown if the test fails: which blow it was.
        eprintln!("{what}: exit code {}", struck.code());
        let words = struck.stderr();
        assert!(!words.contains("panicked"), "{what}\n{struck}");
        let explained = struck.code() == 0 || blow == Blow::Death || !words.is_empty();
        assert!(explained, "{what}: a failure without a word\n{struck}");
        let next = host.minet("ps --all");
        assert_eq!(next.code(), 0, "{what}: the next command\n{next}");
        // Whoever was refused something, and said so, may do it again.
        if blow == Blow::Death || struck.code() == 0 {
            assert_books_are_true(host, &what);
        }
        self.clean(host);
        host.wait_for_the_tracer();
        before.assert_only_the_network_is_left(host);
    }

    #[track_caller]
    fn prepare(&self, host: &TestHost) {
        for line in self.prepare.lines() {
            host.minet(line.trim()).succeed();
        }
    }

    #[track_caller]
    fn clean(&self, host: &TestHost) {
        for line in self.clean.lines() {
            let clean = host.minet(line.trim());
            let gone = clean.stderr().contains("o such") || clean.stderr().contains("not found");
            assert!(clean.code() == 0 || gone, "cleaning up\n{clean}");
        }
    }
}

/// What is written down is so, in the kernel and at the supervisors.
#[track_caller]
fn assert_books_are_true(host: &TestHost, what: &str) {
    let check = host.minet("check");
    assert_eq!(check.code(), 0, "{what}: after the next command\n{check}");
    let ports = host.minet("ps --format {{.Ports}}").succeed();
    let said = ports.contains(":8080-");
    let held = host.sh("ss -Hltn 'sport = :8080'").succeed();
    assert_eq!(said, !held.is_empty(), "{what}: {ports}, held: {held}");
}
