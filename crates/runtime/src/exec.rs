//! `minet exec`: one more process in a running container.

use crate::{
    Error, Runtime,
    attend::{self, Console, Events},
    find,
    launch::{environment, extend},
    shield,
};
use minet_model::{TerminalMode, UserSpec};
use minet_netns::{Join, join, resolve_capabilities};
use std::path::PathBuf;

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
        let row = self
            .store
            .read(|tx| find::container(tx, &request.container))?;
        let (spec, settings) = (find::spec(&row)?, find::settings(&row)?);
        if spec.rootfs.is_some() {
            shield::raise()?;
        }
        let init = self.init_of(&row)?;
        let mut env = environment(&spec.env, &settings.hostname, request.terminal);
        extend(&mut env, &request.env);
        let events = Events::listen()?;
        let console = Console::open(request.terminal)?;
        let mut running = join(Join {
            container: init,
            command: request.command,
            env,
            workdir: request.workdir.or(spec.workdir),
            user: request.user.or(spec.user),
            capabilities: resolve_capabilities(&spec.capabilities)?,
            io: console.io()?,
        })?;
        console.attach(running.terminal.take());
        let code = attend::attend(events, &running, console, Vec::new())?;
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }
}
