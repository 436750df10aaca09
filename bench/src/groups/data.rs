//! The way of the packets, against a bare veth and bridge: iperf3, wrk with nginx, and a
//! byte that goes there and back.
//!
//! ```text
//!   neighbour ──▶ host ──▶ bare0  ──▶ netns "bare1"      (routed; no table, no conntrack)
//!   neighbour ──▶ host ──▶ minet0 ──▶ container "server" (published)
//! ```
//!
//! The two stand on hosts of their own, so that nothing of minet's is in the bare one's way.

use crate::{
    figure::{Figure, Unit, Wanted, median},
    session::{Left, Session, Told},
};
use anyhow::{Context, Result};
use minet_tests::{HOST, Place};
use serde_json::Value;
use std::{path::Path, time::Duration};

const GROUP: &str = "data plane";

/// Two namespaces on a bridge, with nothing of minet's.
const BARE: &str = "
set -eu
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link add bare0 type bridge
ip address add 10.99.0.1/24 dev bare0
ip link set bare0 up
for n in 1 2; do
    ip netns add bare$n
    ip link add b$n master bare0 type veth peer name eth0 netns bare$n
    ip link set b$n up
    ip -n bare$n link set lo up
    ip -n bare$n link set eth0 up
    ip -n bare$n address add 10.99.0.$((n + 1))/24 dev eth0
    ip -n bare$n route add default via 10.99.0.1
done
";

/// Where the bare server is.
const BARE_SERVER: &str = "10.99.0.2";

/// Ports of the servers, the same everywhere.
const IPERF: u16 = 5201;
const WEB: u16 = 8080;
const ECHO: u16 = 7000;

pub(crate) fn measure(session: &Session, heard: &mut dyn FnMut(Told)) -> Result<()> {
    let missing: Vec<&str> = ["iperf3", "nginx", "wrk"]
        .into_iter()
        .filter(|program| !is_installed(program))
        .collect();
    for program in &missing {
        heard(Told::Missing(format!("{program} is not installed")));
    }
    let has = |program: &str| !missing.contains(&program);
    let without = Session::new(session.effort);
    let _bare_servers = serve_bare(&without)?;
    let _servers = serve(session)?;
    // Until all servers listen.
    std::thread::sleep(Duration::from_secs(1));
    let container = session.minet("inspect -f {{.NetworkSettings.IPAddress}} server")?;
    for way in &ways(&without, session, container.trim()) {
        if has("iperf3") {
            compare(way, &Kind::Tcp, heard)?;
            compare(way, &Kind::Udp, heard)?;
        }
        if has("nginx") && has("wrk") {
            compare(way, &Kind::Connections, heard)?;
        }
        compare(way, &Kind::RoundTrip, heard)?;
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(program).exists())
}

/// All servers in a bare namespace, and some on the host beside it.
fn serve_bare(session: &Session) -> Result<[Left; 2]> {
    let script = session.host.file("bare.sh", BARE);
    let line = format!("sh {}", script.display());
    session.output(Place::Host, &line, Duration::from_secs(10))?;
    let route = format!("ip route add 10.99.0.0/24 via {HOST}");
    session.output(Place::Neighbour, &route, Duration::from_secs(5))?;
    let line = format!("ip netns exec bare1 sh {}", servers(session)?);
    Ok([
        session.leave(Place::Host, &line)?,
        session.leave(Place::Host, &format!("sh {}", on_the_host(session)?))?,
    ])
}

/// The same in a container, and beside it.
fn serve(session: &Session) -> Result<Left> {
    session.minet(&format!(
        "run -d --name server -p {IPERF}:{IPERF} -p {IPERF}:{IPERF}/udp -p {WEB}:{WEB} \
         -p {ECHO}:{ECHO} -- sh {}",
        servers(session)?
    ))?;
    session.leave(Place::Host, &format!("sh {}", on_the_host(session)?))
}

/// A script with all three servers.
fn servers(session: &Session) -> Result<String> {
    let dir = session.scratch("nginx");
    let conf = format!(
        "daemon off; pid {dir}/pid; error_log /dev/null; events {{}}\n\
         http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b;\n\
         fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;\n\
         server {{ listen {WEB} backlog=4096; location / {{ return 200 'hello'; }} }} }}\n"
    );
    let conf = session.host.file("nginx.conf", &conf);
    let script = format!(
        "nginx -c {} &\niperf3 -s -p {IPERF} &\nexec {} talk serve {ECHO}\n",
        conf.display(),
        Session::ourselves()?
    );
    let script = session.host.file("servers.sh", &script);
    Ok(script.display().to_string())
}

/// On ports of their own: the container's are taken on the host.
fn on_the_host(session: &Session) -> Result<String> {
    let script = format!(
        "iperf3 -s -p {} &\nexec {} talk serve {}\n",
        IPERF + 1,
        Session::ourselves()?,
        ECHO + 1
    );
    let script = session.host.file("host.sh", &script);
    Ok(script.display().to_string())
}

/// From where to where, once bare and once with minet.
struct Way<'s> {
    name: &'static str,
    bare: End<'s>,
    minet: End<'s>,
    /// What is added to the ports.
    offset: u16,
}

/// A client and whom it asks.
struct End<'s> {
    session: &'s Session,
    place: Place,
    /// What makes a command run where the client is.
    prefix: String,
    target: String,
}

fn ways<'s>(bare: &'s Session, minet: &'s Session, container: &str) -> [Way<'s>; 4] {
    let end = |session, place, prefix: &str, target: &str| End {
        session,
        place,
        prefix: prefix.to_owned(),
        target: target.to_owned(),
    };
    let inside_bare = |target| end(bare, Place::Host, "ip netns exec bare2", target);
    let run = format!("{} run --rm --", minet_tests::minet().display());
    let inside = |target| end(minet, Place::Host, &run, target);
    [
        Way {
            name: "container ↔ container",
            bare: inside_bare(BARE_SERVER),
            minet: inside(container),
            offset: 0,
        },
        Way {
            name: "container → host",
            bare: inside_bare("10.99.0.1"),
            minet: inside("172.17.0.1"),
            offset: 1,
        },
        Way {
            name: "published, from outside",
            bare: end(bare, Place::Neighbour, "", BARE_SERVER),
            minet: end(minet, Place::Neighbour, "", HOST),
            offset: 0,
        },
        Way {
            name: "published, on 127.0.0.1",
            bare: end(bare, Place::Host, "", BARE_SERVER),
            minet: end(minet, Place::Host, "", "127.0.0.1"),
            offset: 0,
        },
    ]
}

impl End<'_> {
    fn ask(&self, kind: &Kind, offset: u16, seconds: u64) -> Result<f64> {
        let client = kind.client(&self.target, offset, seconds)?;
        let line = format!("{} {client}", self.prefix);
        let bound = Duration::from_secs(seconds + 20);
        kind.read(&self.session.output(self.place, &line, bound)?)
    }
}

enum Kind {
    Tcp,
    Udp,
    Connections,
    RoundTrip,
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::Tcp => "TCP",
            Kind::Udp => "UDP, 64 bytes",
            Kind::Connections => "HTTP connections",
            Kind::RoundTrip => "round trip",
        }
    }

    fn unit(&self) -> Unit {
        match self {
            Kind::Tcp => Unit::Gigabits,
            Kind::Udp | Kind::Connections => Unit::PerSecond,
            Kind::RoundTrip => Unit::Microseconds,
        }
    }

    fn client(&self, target: &str, offset: u16, seconds: u64) -> Result<String> {
        Ok(match self {
            Kind::Tcp => format!("iperf3 -c {target} -p {} -t {seconds} -J", IPERF + offset),
            Kind::Udp => format!(
                "iperf3 -c {target} -p {} -t {seconds} -u -b 0 -l 64 -J",
                IPERF + offset
            ),
            Kind::Connections => {
                format!("wrk -t1 -c16 -d{seconds}s -H Connection:close http://{target}:{WEB}/")
            }
            Kind::RoundTrip => format!(
                "{} talk bounce {target}:{} 5000",
                Session::ourselves()?,
                ECHO + offset
            ),
        })
    }

    /// The figure in what the client has printed.
    fn read(&self, text: &str) -> Result<f64> {
        let json = || serde_json::from_str::<Value>(text).context("read iperf3's answer");
        match self {
            Kind::Tcp => {
                let bits = json()?["end"]["sum_received"]["bits_per_second"].as_f64();
                Ok(bits.context("iperf3 names a rate")? / 1e9)
            }
            Kind::Udp => {
                let json = json()?;
                let sum = &json["end"]["sum"];
                let number = |key: &str| sum[key].as_f64().context("iperf3 counts packets");
                Ok((number("packets")? - number("lost_packets")?) / number("seconds")?)
            }
            Kind::Connections => {
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix("Requests/sec:"));
                line.context("wrk names a rate")?
                    .trim()
                    .parse()
                    .context("read wrk's rate")
            }
            Kind::RoundTrip => Ok(median(&serde_json::from_str::<Vec<f64>>(text)?)),
        }
    }
}

fn compare(way: &Way<'_>, kind: &Kind, heard: &mut dyn FnMut(Told)) -> Result<()> {
    if matches!(kind, Kind::Connections) && way.offset != 0 {
        // The host has no web server of its own.
        return Ok(());
    }
    let (rounds, seconds) = way.bare.session.effort.choose((2, 1), (5, 2));
    let (mut bare, mut minet) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(way.bare.ask(kind, way.offset, seconds)?);
        minet.push(way.minet.ask(kind, way.offset, seconds)?);
    }
    let name = |who: &str| format!("{}, {}: {who}", way.name, kind.name());
    heard(Told::Figure(Figure::new(
        GROUP,
        &name("bare"),
        kind.unit(),
        bare,
    )));
    let figure = Figure::new(GROUP, &name("minet"), kind.unit(), minet).against(&name("bare"));
    heard(Told::Figure(match kind {
        Kind::Tcp => figure.wanted(Wanted::RatioAbove(0.97)),
        Kind::Udp | Kind::Connections | Kind::RoundTrip => figure,
    }));
    Ok(())
}
