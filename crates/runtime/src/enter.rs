//! `minet nsenter`: a program of the host in a container's network, and in nothing else of
//! it. What the container has not got, `tcpdump` say, is there all the same.

use crate::{Error, Runtime, find};
use std::{convert::Infallible, os::unix::process::CommandExt, process::Command};

impl Runtime {
    /// Becomes the command, in the network namespace of a running container. Returns only
    /// if that fails.
    ///
    /// It is executed by the thread that entered the namespace: execve(2) ends all others,
    /// and the process goes on where that thread was.
    pub fn enter_network(
        &mut self,
        container: &str,
        command: &[String],
    ) -> Result<Infallible, Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        let netns = self.netns_of(&row)?;
        let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
        let (program, arguments) = match command.split_first() {
            Some((program, arguments)) => (program.clone(), arguments.to_vec()),
            None => (shell, Vec::new()),
        };
        let mut program_there = Command::new(&program);
        program_there.args(arguments);
        let error = netns.run(move || program_there.exec())?;
        Err(Error::Execute {
            program,
            source: error,
        })
    }
}
