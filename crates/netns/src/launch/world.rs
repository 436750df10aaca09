//! Stage 3 of a launch: the file systems that the process will see.

use super::{
    Launch, RootAccess, Terminal, devices, etc, fresh,
    mount::{Mount, attributes, bind, move_onto, place},
    protect,
};
use crate::{
    failure::{Doing, Failure},
    inside::{Root, RootDir, Symlinks},
    mount_points::{self, MountPoint},
    sys::{self, Reach},
};
use rustix::{
    fs::{FileType, fstat},
    io::Errno,
    mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount},
    process::{chdir, fchdir, pivot_root},
};
use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

/// The finished world.
pub(super) struct World {
    pub(super) root: RootDir,
    /// The container's own devpts.
    pub(super) terminals: OwnedFd,
    /// A mount of the folder of its files in `/etc`, if there may be a launch after this one.
    pub(super) etc: Option<OwnedFd>,
}

/// Everything that the world will be made of, nowhere to be seen yet.
struct Gathered {
    proc: OwnedFd,
    sys: OwnedFd,
    control_groups: Option<OwnedFd>,
    dev: Dev,
    terminals: OwnedFd,
    message_queues: Option<OwnedFd>,
    shared_memory: OwnedFd,
    nothing: OwnedFd,
    /// Volumes and memory.
    binds: Vec<Mount>,
    /// The devices of the memory among them: what lies below it is made there.
    memory: Vec<u64>,
}

enum Dev {
    /// The host's `/dev` stays; its `null` is good for masking.
    Hosts { null: OwnedFd },
    /// A new one, and the nodes that go into it, `null` first.
    Own { dev: OwnedFd, nodes: Vec<Mount> },
}

/// Builds the world, in the calling process's own mount namespace.
pub(super) fn build(launch: &Launch) -> Result<World, Failure> {
    // What the host unmounts later vanishes here too; what is mounted here stays here.
    mount_change(
        "/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )
    .doing(|| "keep our mounts from the host".to_owned())?;
    let gathered = gather(launch)?;
    let root = enter(&launch.root, launch.access)?;
    place_all(root, gathered, launch)
}

fn gather(launch: &Launch) -> Result<Gathered, Failure> {
    let (dev, control_groups) = match launch.root {
        Root::Host => (
            Dev::Hosts {
                null: devices::null()?,
            },
            fresh::control_groups(),
        ),
        Root::Directory(_) => {
            let dev = fresh::devices()?;
            devices::furnish(&dev)?;
            (
                Dev::Own {
                    dev,
                    nodes: devices::nodes()?,
                },
                None,
            )
        }
    };
    let (binds, memory) = gather_binds(launch)?;
    Ok(Gathered {
        proc: fresh::proc()?,
        sys: fresh::sys()?,
        control_groups,
        dev,
        terminals: fresh::terminals()?,
        message_queues: fresh::message_queues(&launch.root),
        shared_memory: fresh::shared_memory()?,
        nothing: fresh::nothing()?,
        binds,
        memory,
    })
}

fn gather_binds(launch: &Launch) -> Result<(Vec<Mount>, Vec<u64>), Failure> {
    let mut binds = Vec::new();
    let mut memory = Vec::new();
    for tmpfs in &launch.tmpfs {
        let tree = fresh::memory(tmpfs)?;
        memory.push(device_of(&tree)?);
        binds.push(Mount::new(tree, &tmpfs.target, Symlinks::Follow));
    }
    for volume in &launch.volumes {
        let access = match volume.read_only {
            true => RootAccess::ReadOnly,
            false => RootAccess::ReadWrite,
        };
        let attributes = attributes(&launch.root, access);
        binds.push(bind(&volume.source, &volume.target, attributes)?);
    }
    Ok((binds, memory))
}

/// Makes the root what it shall be, and lets go of the host's tree where it is another.
fn enter(root: &Root, access: RootAccess) -> Result<RootDir, Failure> {
    let attributes = attributes(root, access);
    let Root::Directory(directory) = root else {
        let root = RootDir::open(root)?;
        sys::restrict_mount(root.as_fd(), attributes, Reach::AllBelow)
            .doing(|| "restrict the mounts of the host's file systems".to_owned())?;
        chdir("/").doing(|| "change to /".to_owned())?;
        return Ok(root);
    };
    let doing = || format!("make {} the root directory", directory.display());
    // pivot_root(2) wants a mount, so the directory is mounted on itself.
    let place = RootDir::open(root)?;
    let tree = bind(directory, Path::new("/"), attributes)?.tree;
    move_onto(tree.as_fd(), place.as_fd()).doing(doing)?;
    fchdir(&tree).doing(doing)?;
    // The new root is stacked on the old one, and "." is the old one from then on.
    pivot_root(".", ".").doing(doing)?;
    unmount(".", UnmountFlags::DETACH).doing(|| "let go of the host's file systems".to_owned())?;
    chdir("/").doing(|| "change to /".to_owned())?;
    Ok(RootDir::from_fd(tree))
}

fn place_all(root: RootDir, gathered: Gathered, launch: &Launch) -> Result<World, Failure> {
    let kind = &launch.root;
    // A root directory that calls something else /proc is up to no good (CVE-2019-19921).
    let symlinks = match kind {
        Root::Host => Symlinks::Follow,
        Root::Directory(_) => Symlinks::Refuse,
    };
    let put = |tree: OwnedFd, target: &str| {
        let mount = Mount::new(tree, target, symlinks);
        place(&root, &mount).map(|()| RootDir::from_fd(mount.tree))
    };
    let proc = put(gathered.proc, "/proc")?;
    let etc = launch.etc.as_ref();
    let etc = etc.map(|etc| etc::unfold(&root, etc, launch, symlinks));
    let (mut binds, etc) = etc.transpose()?.unwrap_or_default();
    let sys = put(gathered.sys, "/sys")?;
    if let Some(tree) = gathered.control_groups {
        place_if_possible(&sys, tree, "/fs/cgroup")?;
    }
    let (dev, null) = match gathered.dev {
        Dev::Hosts { null } => {
            let dev = root.directory(Path::new("/dev"), symlinks);
            (
                RootDir::from_fd(dev.doing(|| "find /dev".to_owned())?),
                null,
            )
        }
        Dev::Own { dev, mut nodes } => {
            let dev = put(dev, "/dev")?;
            nodes.iter().try_for_each(|node| place(&dev, node))?;
            (dev, nodes.swap_remove(0).tree)
        }
    };
    let mut fresh_memory = gathered.memory;
    fresh_memory.extend([device_of(&dev)?, device_of(&gathered.shared_memory)?]);
    let terminals = place_if_possible(&dev, gathered.terminals, "/pts")?;
    place_if_possible(&dev, gathered.shared_memory, "/shm")?;
    if let Some(tree) = gathered.message_queues {
        place_if_possible(&dev, tree, "/mqueue")?;
    }
    binds.extend(gathered.binds);
    // Outer targets before inner ones.
    binds.sort_by_key(|bind| bind.target.components().count());
    for bind in &binds {
        place_bind(&root, bind, kind, &fresh_memory)?;
    }
    protect::protect(&proc, &sys, null.as_fd(), gathered.nothing)?;
    Ok(World {
        root,
        terminals,
        etc,
    })
}

/// The same for what only appears where there is a place for it.
fn place_if_possible(base: &RootDir, tree: OwnedFd, target: &str) -> Result<OwnedFd, Failure> {
    match base.find(Path::new(target), Symlinks::Refuse) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
        found => found
            .and_then(|target| move_onto(tree.as_fd(), target.as_fd()))
            .doing(|| format!("mount on {target}"))?,
    }
    Ok(tree)
}

/// Places a volume or a generated file.
fn place_bind(
    root: &RootDir,
    bind: &Mount,
    kind: &Root,
    fresh_memory: &[u64],
) -> Result<(), Failure> {
    let refuse =
        |why: Errno| Err(why).doing(|| format!("mount a volume on {}", bind.target.display()));
    if bind.target.starts_with("/proc") {
        return refuse(Errno::PERM);
    }
    match root.find(&bind.target, Symlinks::Follow) {
        Err(Errno::NOENT) => {}
        _ => return place(root, bind),
    }
    // The container's own /dev, /dev/shm and memory were empty a moment ago.
    if create_in_fresh_memory(root, bind, fresh_memory)? {
        return place(root, bind);
    }
    let generated = bind.target.starts_with("/etc");
    if *kind == Root::Host && generated {
        return Ok(());
    }
    refuse(Errno::NOENT)
}

fn create_in_fresh_memory(
    root: &RootDir,
    bind: &Mount,
    fresh_memory: &[u64],
) -> Result<bool, Failure> {
    let doing = || format!("create {}", bind.target.display());
    let mode = fstat(&bind.tree).doing(doing)?.st_mode;
    let point = if FileType::from_raw_mode(mode).is_dir() {
        MountPoint::directory(&bind.target)
    } else {
        MountPoint::file(&bind.target)
    };
    let steps = mount_points::missing_steps(root, &point).doing(doing)?;
    let Some(parent) = steps.first().and_then(|step| step.path.parent()) else {
        return Ok(false);
    };
    let parent = root.directory(parent, Symlinks::Refuse).doing(doing)?;
    if !fresh_memory.contains(&device_of(&parent)?) {
        return Ok(false);
    }
    mount_points::create_in(root, &steps).map(|()| true)
}

fn device_of(file: impl AsFd) -> Result<u64, Failure> {
    let stat = fstat(file).doing(|| "find out where a file is".to_owned())?;
    Ok(stat.st_dev)
}

/// Shows the terminal as `/dev/console` too, if there is such a file.
pub(super) fn place_console(root: &RootDir, terminal: &Terminal) -> Result<(), Failure> {
    let copy =
        fresh::copy_of_open(terminal.slave.as_fd()).doing(|| "bind the terminal".to_owned())?;
    place_if_possible(root, copy, "/dev/console").map(drop)
}
