//! `minet exec`: one more process in a running container.

use crate::{
    Error, Runtime,
    attend::{self, Console, Duties, Events, Streams},
    find,
    launch::{environment, extend},
    links,
    settings::Settings,
    shield,
};
use minet_model::{TerminalMode, UserSpec};
use minet_netns::{Io, Join, Running, StartupReport, join, resolve_capabilities, seccomp};
use minet_state::{ContainerRow, Transaction};
use std::{fs::File, os::fd::OwnedFd, path::PathBuf};

/// What is to be executed, and where.
#[derive(Debug)]
pub struct ExecRequest {
    /// The container, by name or ID.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// `-e`, as `KEY=VALUE`.
    pub env: Vec<String>,
    /// `-w`; none means where the container's command started.
    pub workdir: Option<PathBuf>,
    /// `-u`; none means the container's user.
    pub user: Option<UserSpec>,
    /// `-i` and `-t`.
    pub terminal: TerminalMode,
}

impl Runtime {
    /// Runs a command in the namespaces of a container, with its environment and its
    /// capabilities; returns its exit code.
    pub fn exec(&mut self, request: ExecRequest) -> Result<u8, Error> {
        let events = Events::listen()?;
        let console = Console::open(request.terminal)?;
        let mut running = self.join(request, &console)?;
        console.attach(running.terminal.take());
        // The addresses are not this process's to look after.
        let mut look = || {};
        let code = attend::attend(events, &running, console, Duties::default(), &mut look)?;
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }

    /// The same without anybody who reads or writes; this process stays until its end, so
    /// that it ends at the latest with the container.
    pub fn exec_detached(
        &mut self,
        request: ExecRequest,
        report: StartupReport,
    ) -> Result<(), Error> {
        let running = self.join(request, &Nowhere)?;
        self.store.close();
        report.ready("\n")?;
        running.wait()?;
        Ok(())
    }

    fn join(&mut self, request: ExecRequest, streams: &dyn Streams) -> Result<Running, Error> {
        let row = self
            .store
            .read(|tx| find::container(tx, &request.container))?;
        let (spec, settings) = (find::spec(&row)?, find::settings(&row)?);
        if spec.rootfs.is_some() {
            shield::raise()?;
        }
        let init = self.init_of(&row)?;
        let capabilities = resolve_capabilities(&spec.capabilities)?;
        let mut given = match spec.link_env {
            true => self.store.read(|tx| link_env(tx, &row, &settings))?,
            false => Vec::new(),
        };
        given.extend(spec.env);
        let mut env = environment(&given, &settings.hostname, request.terminal);
        extend(&mut env, &request.env);
        Ok(join(Join {
            container: init,
            command: request.command,
            env,
            workdir: request.workdir.or(spec.workdir),
            user: request.user.or(spec.user),
            capabilities,
            seccomp: seccomp::filter(&spec.security.seccomp, capabilities)?,
            new_privileges: spec.security.new_privileges,
            oom_score: spec.oom_score,
            io: streams.io()?,
        })?)
    }
}

/// What its links are at this moment, as in Docker.
fn link_env(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    let known = links::known_to(tx, &row.name, settings)?;
    Ok(links::variables(&row.name, &known))
}

/// Standard streams that lead nowhere.
struct Nowhere;

impl Streams for Nowhere {
    fn io(&self) -> Result<Io, Error> {
        let null = || {
            let null = File::options().read(true).write(true).open("/dev/null");
            null.map(OwnedFd::from)
                .map_err(Error::process("open /dev/null"))
        };
        Ok(Io::Streams {
            stdin: null()?,
            stdout: null()?,
            stderr: null()?,
        })
    }

    fn attach(&self, _terminal: Option<OwnedFd>) {}
}
