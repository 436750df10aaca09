//! `cargo xtask demo`: a web server in a network of its own, seen from outside and inside.
//!
//! Root gets the real thing on the real machine. An ordinary user gets the same on a
//! make-believe machine ([`crate::userns`]), which xtask enters by starting itself again.

mod fetch;
mod picture;
mod server;

use crate::{prerequisites, say, shell, userns};
use anyhow::{Context, Result};
use server::Server;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
};

/// Tells the second xtask, the one on the make-believe machine, which minet to show.
const MINET_VARIABLE: &str = "XTASK_DEMO_MINET";

/// The port that the demo would like to publish.
const WISHED_PORT: u16 = 8080;

/// The name of the demo's container.
const NAME: &str = "minet-demo";

/// Builds minet and shows it.
pub(crate) fn run() -> Result<()> {
    if let Some(minet) = std::env::var_os(MINET_VARIABLE) {
        return show(Path::new(&minet), &Machine::MakeBelieve);
    }
    prerequisites::ensure(&[prerequisites::BUILD, prerequisites::DEMO])?;
    say::phase("build minet");
    shell::run(shell::cargo().args(["build", "--release", "--package", "minet-cli"]))?;
    let minet = shell::target_dir()?.join("release/minet");
    say::phase("where this happens");
    if userns::am_root() {
        say::line("You are root: on this machine, for real.");
        return show(&minet, &Machine::Real);
    }
    say::line("You are not root: on a make-believe machine, made of namespaces by");
    say::line("unshare --user --map-root-user --net --mount --pid --fork. Nothing outside");
    say::line("of it is touched, and its uplink leads nowhere.");
    let xtask = std::env::current_exe().context("find the running xtask")?;
    let mut inside = userns::command(&xtask.to_string_lossy())?;
    let status = inside.arg("demo").env(MINET_VARIABLE, &minet).status();
    shell::finished("the demo in its namespaces", status?)
}

/// Where the demo happens.
enum Machine {
    /// Here, by root.
    Real,
    /// In namespaces that an ordinary user has made.
    MakeBelieve,
}

fn show(minet: &Path, machine: &Machine) -> Result<()> {
    let toured = tour(minet);
    // Also after a failure nothing of the demo stays; the failure is what is reported.
    let removed = remove_the_switch(minet);
    toured.and(removed)?;
    next_steps(minet, machine);
    Ok(())
}

/// From the start of the web server to its end.
fn tour(minet: &Path) -> Result<()> {
    let port = free_port()?;
    let page_dir = PageDir::create()?;
    say::phase("minet run, with its steps as it takes them");
    let server = Server::start(minet, NAME, port, &page_dir.0)?;
    let facts = server.inspect()?;

    say::phase("what there is now");
    let host_address = host_address();
    picture::draw(&picture::Scene {
        host_address,
        port,
        facts: &facts,
    });

    say::phase("fetch the page");
    fetch_and_tell(
        "through the loopback",
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
    )?;
    match host_address {
        Some(address) => fetch_and_tell("through the host's address", (address, port).into())?,
        None => say::line("this machine has no address but the loopback's: that was all"),
    }

    say::phase("clean up");
    server.stop()
}

fn fetch_and_tell(way: &str, address: SocketAddr) -> Result<()> {
    let page = fetch::page(address).with_context(|| format!("fetch http://{address}/ {way}"))?;
    say::line(&format!("http://{address}/ ({way}):"));
    page.lines()
        .for_each(|line| say::line(&format!("    {line}")));
    Ok(())
}

/// 8080 where it is free on all addresses, or else whatever the kernel gives.
fn free_port() -> Result<u16> {
    let free = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
    if free(WISHED_PORT).is_ok() {
        return Ok(WISHED_PORT);
    }
    let port = free(0)?.local_addr()?.port();
    say::line(&format!(
        "port {WISHED_PORT} is taken on this machine; {port} is free"
    ));
    Ok(port)
}

/// The address that this machine would use to talk to the rest of the world.
///
/// Connecting a UDP socket sends nothing, but makes the kernel look the route up.
fn host_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(address) if !address.ip().is_loopback() => Some(*address.ip()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => None,
    }
}

/// Takes away the bridge and the table as well, unless other containers use them.
fn remove_the_switch(minet: &Path) -> Result<()> {
    let others = shell::output_of(Command::new(minet).args(["ps", "--all", "--quiet"]))?;
    if !others.trim().is_empty() {
        say::line("the bridge stays: you have other containers (minet ps --all)");
        return Ok(());
    }
    shell::run(Command::new(minet).args(["gc", "--all"]))
}

fn next_steps(minet: &Path, machine: &Machine) {
    let minet = match machine {
        Machine::Real => minet.display().to_string(),
        // Out here the user is nobody's root any more.
        Machine::MakeBelieve => format!("sudo {}", minet.display()),
    };
    say::phase("what to try next");
    say::line("The same without doing it, as a script that you can run by hand:");
    say::line(&format!(
        "    {minet} run --dry-run --script -p 8080:80 -- busybox httpd -f"
    ));
    say::line("A shell in a network of its own (ip addr, exit):");
    say::line(&format!("    {minet} run --rm -it -- sh"));
    say::line("The other modes, and everything else:");
    say::line(&format!("    {minet} run --help"));
    say::line("Every test, each in a throw-away host of its own:");
    say::line("    cargo xtask test");
}

/// The directory with the page that the web server serves; gone when dropped.
struct PageDir(PathBuf);

const PAGE: &str = "\
<h1>It works.</h1>
<p>This page was served from a network namespace, over a cable and a bridge.</p>
";

impl PageDir {
    fn create() -> Result<Self> {
        let page_dir = std::env::temp_dir().join(format!("minet-demo-{}", std::process::id()));
        std::fs::create_dir_all(&page_dir)
            .and_then(|()| std::fs::write(page_dir.join("index.html"), PAGE))
            .with_context(|| format!("write the page into {}", page_dir.display()))?;
        Ok(PageDir(page_dir))
    }
}

impl Drop for PageDir {
    fn drop(&mut self) {
        // Nothing depends on it; what stays behind is one small file in /tmp.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
