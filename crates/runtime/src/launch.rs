//! From a plan that has been carried out to a process that runs inside it.

use crate::{
    Error,
    admit::{Namespace, root_of},
    attend::Streams,
    etc_files,
    machine::{Inside, Machine},
    settings::Settings,
};
use minet_model::{ContainerSpec, Volume};
use minet_netns::{
    Capabilities, InitProcess, Launch, Lookup, Netns, Root, RootAccess, Running, begin,
    find_command, resolve_capabilities,
};
use rustix::process::{Resource, Rlimit, getrlimit};
use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

/// Where commands are looked up, as in Docker's images.
pub(crate) const DEFAULT_PATH: &str =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the process will need of this machine, looked up before anything is changed.
pub(crate) struct World {
    capabilities: Capabilities,
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
            env: &environment(spec, ""),
            workdir: spec.workdir.as_deref(),
        };
        find_command(&lookup, &spec.command[0])?;
        Ok(World {
            capabilities,
            volumes,
            open_files: getrlimit(Resource::Nofile),
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

/// Builds the process's world and starts its command. Returns it and the inode of the
/// network namespace it lives in.
pub(crate) fn launch(
    machine: &mut Machine,
    spec: &ContainerSpec,
    settings: &Settings,
    namespace: &Namespace,
    world: World,
    streams: &dyn Streams,
) -> Result<(Running, u64), Error> {
    let netns = join(machine, namespace)?;
    let inode = netns.id()?.ino;
    let joins = !matches!(namespace, Namespace::Host);
    let launch = Launch {
        command: spec.command.clone(),
        env: environment(spec, &settings.hostname),
        workdir: spec.workdir.clone(),
        user: spec.user.clone(),
        hostname: settings.hostname.clone(),
        netns: joins.then(|| duplicate(&netns)).transpose()?,
        root: root_of(spec),
        access: match spec.read_only {
            true => RootAccess::ReadOnly,
            false => RootAccess::ReadWrite,
        },
        volumes: world.volumes,
        etc: etc_files::mounts(settings),
        capabilities: world.capabilities,
        init: match spec.init {
            true => InitProcess::OwnInit,
            false => InitProcess::CommandIsInit,
        },
        io: streams.io()?,
        open_files: Some(world.open_files),
    };
    let mut prepared = begin(launch)?.finish()?;
    streams.attach(prepared.take_terminal());
    Ok((prepared.start()?, inode))
}

/// The network namespace that the process will live in.
fn join(machine: &mut Machine, namespace: &Namespace) -> Result<Netns, Error> {
    match namespace {
        Namespace::Own => match machine.inside() {
            Inside::Held { netns, .. } => Ok(Netns::open(Path::new(&format!(
                "/proc/self/fd/{}",
                netns.as_fd().as_raw_fd()
            )))?),
            Inside::Unknown | Inside::Dying => Err(Error::NoNamespace),
        },
        Namespace::Host => Ok(Netns::current()?),
        Namespace::Shared(row) => crate::find::netns(row),
        Namespace::Pinned(path) => Ok(Netns::open(path)?),
    }
}

fn duplicate(netns: &Netns) -> Result<OwnedFd, Error> {
    netns
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::process("duplicate a descriptor"))
}

/// The whole environment: nothing of the caller's leaks in, later entries win.
pub(crate) fn environment(spec: &ContainerSpec, hostname: &str) -> Vec<String> {
    let mut env = vec![DEFAULT_PATH.to_owned(), format!("HOSTNAME={hostname}")];
    if spec.terminal.tty {
        env.push("TERM=xterm".to_owned());
    }
    extend(&mut env, &spec.env);
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
