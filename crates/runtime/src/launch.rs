//! From a plan that has been carried out to a process that runs inside it.

use crate::{
    Error,
    admit::{Admitted, Namespace, root_of},
    attend::Streams,
    etc_files,
    machine::Machine,
    ports::limit,
};
use minet_model::{ContainerSpec, RestartPolicy, TerminalMode, Volume};
use minet_netns::{
    Again, Capabilities, Etc, EtcFolder, InitProcess, Launch, Lookup, Netns, Prepared, Preparing,
    Root, RootAccess, find_command, resolve_capabilities, seccomp,
};
use rustix::process::Rlimit;
use std::os::fd::{AsFd, OwnedFd};

/// Where commands are looked up, as in Docker's images.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the process will need of this machine, looked up before anything is changed.
pub(crate) struct World {
    capabilities: Capabilities,
    seccomp: Option<seccomp::Filter>,
    volumes: Vec<Volume>,
    /// As the user has it; holding many ports raises it for the supervisor alone.
    open_files: Rlimit,
}

impl World {
    /// Finds the root, the command, the volumes and the capabilities, or says what is
    /// missing.
    pub(crate) fn look_up(spec: &ContainerSpec) -> Result<Self, Error> {
        let root = root_of(spec);
        if let Root::Directory(directory) = &root
            && !directory.is_dir()
        {
            return Err(Error::BadRootfs(directory.clone()));
        }
        let volumes: Vec<Volume> = spec
            .volumes
            .iter()
            .map(find_volume)
            .collect::<Result<_, _>>()?;
        let capabilities = resolve_capabilities(&spec.capabilities)?;
        let lookup = Lookup {
            root: &root,
            volumes: &volumes,
            env: &environment(&spec.env, "", spec.terminal),
            workdir: spec.workdir.as_deref(),
        };
        find_command(&lookup, &spec.command[0])?;
        Ok(World {
            capabilities,
            seccomp: seccomp::filter(&spec.security.seccomp, capabilities)?,
            volumes,
            open_files: limit::inherited(),
        })
    }
}

fn find_volume(volume: &Volume) -> Result<Volume, Error> {
    match volume.source.canonicalize() {
        Ok(source) => Ok(Volume {
            source,
            ..volume.clone()
        }),
        Err(_) => Err(Error::NoVolumeSource(volume.source.clone())),
    }
}

/// A process whose world is being built, by itself, while its maker does something else.
/// Dropping it kills it.
pub(crate) struct Growing {
    preparing: Preparing,
    netns: u64,
}

impl Growing {
    /// Waits until the world stands; the command waits to be started. Returns it and the
    /// inode of the network namespace it lives in.
    pub(crate) fn finish(
        self,
        machine: &mut Machine,
        streams: &dyn Streams,
    ) -> Result<(Prepared, u64), Error> {
        let mut prepared = self.preparing.finish()?;
        streams.attach(prepared.take_terminal());
        if let (Some(etc), Some(next)) = (machine.etc(), prepared.take_etc()) {
            etc.keep(next);
        }
        Ok((prepared, self.netns))
    }
}

/// Begins to build the world of a container's process, in the network namespace `shared`, or in
/// the one that the machine holds.
pub(crate) fn begin(
    spec: &ContainerSpec,
    admitted: &Admitted,
    machine: &mut Machine,
    shared: Option<&Netns>,
    world: World,
    streams: &dyn Streams,
) -> Result<Growing, Error> {
    let folder = machine.etc().map(EtcFolder::hand_out).transpose()?;
    let netns = match shared {
        Some(netns) => netns,
        None => machine.netns_inside()?,
    };
    // What was asked for by name wins.
    let given = [&admitted.link_env[..], &spec.env].concat();
    let joins = !matches!(admitted.namespace, Namespace::Host);
    let launch = Launch {
        command: spec.command.clone(),
        env: environment(&given, &admitted.settings.hostname, spec.terminal),
        workdir: spec.workdir.clone(),
        user: spec.user.clone(),
        hostname: admitted.settings.hostname.clone(),
        domainname: spec.domainname.as_ref().map(ToString::to_string),
        netns: joins.then(|| duplicate(netns)).transpose()?,
        root: root_of(spec),
        access: access_of(spec),
        volumes: world.volumes,
        tmpfs: spec.tmpfs.clone(),
        etc: folder.map(|folder| Etc {
            folder,
            files: etc_files::seen(&admitted.settings),
            again: match spec.lifecycle.restart {
                RestartPolicy::No => Again::Never,
                _ => Again::Perhaps,
            },
        }),
        capabilities: world.capabilities,
        seccomp: world.seccomp,
        new_privileges: spec.security.new_privileges,
        oom_score: spec.oom_score,
        init: match spec.init {
            true => InitProcess::OwnInit,
            false => InitProcess::CommandIsInit,
        },
        io: streams.io()?,
        open_files: Some(world.open_files),
    };
    Ok(Growing {
        preparing: minet_netns::begin(launch)?,
        netns: netns.id()?.ino,
    })
}

/// Whether it may write to its root.
pub(crate) fn access_of(spec: &ContainerSpec) -> RootAccess {
    match spec.read_only {
        true => RootAccess::ReadOnly,
        false => RootAccess::ReadWrite,
    }
}

fn duplicate(netns: &Netns) -> Result<OwnedFd, Error> {
    netns
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::process("duplicate a descriptor"))
}

/// The whole environment: nothing of the caller's leaks in, later entries win.
pub(crate) fn environment(given: &[String], hostname: &str, terminal: TerminalMode) -> Vec<String> {
    let mut env = vec![DEFAULT_PATH.to_owned(), format!("HOSTNAME={hostname}")];
    if terminal.tty {
        env.push("TERM=xterm".to_owned());
    }
    extend(&mut env, given);
    env
}

/// Adds variables, replacing those of the same name.
pub(crate) fn extend(env: &mut Vec<String>, more: &[String]) {
    for variable in more {
        let name = variable.split('=').next().unwrap_or_default();
        env.retain(|known| known.split('=').next() != Some(name));
        env.push(variable.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_variables_replace_earlier_ones() {
        let mut env = vec!["PATH=/bin".to_owned(), "A=1".to_owned()];
        extend(
            &mut env,
            &["A=2".to_owned(), "PATH=/opt".to_owned(), "B=x=y".to_owned()],
        );
        assert_eq!(env, ["A=2", "PATH=/opt", "B=x=y"]);
    }
}
