//! Starts a command in namespaces of its own, with nothing but this crate.
//!
//! ```text
//! cargo run -p minet-netns --example launch -- --root /srv/rootfs --net new sh
//! ```
//!
//! Options come before the command: `--root DIR`, `--read-only`, `--volume SRC:DST[:ro]`,
//! `--hosts FILE`, `--user USER[:GROUP]`, `--workdir DIR`, `--env KEY=VALUE`,
//! `--cap-add NAME`, `--cap-drop NAME`, `--net new`, `--init`, `--tty` (its output is
//! copied to standard output), `--hold` (prepare, say so, and wait for the end of standard
//! input), and `--join PID` to start it in a running container instead. `--read-only-self`
//! goes first: the example then executes itself from a read-only mount.

use minet_model::CapabilityChanges;
use minet_netns::{
    Again, Etc, EtcFile, EtcFolder, InitProcess, Io, Join, Launch, Lookup, Netns, Pid, Root,
    RootAccess, Running, find_command, join, mount_points, open_process, own_program, prepare,
    resolve_capabilities,
};
use nix::{fcntl::AtFlags, unistd::execveat};
use std::{
    convert::Infallible,
    error::Error,
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match read_only_self()
        .and_then(|()| read_arguments())
        .and_then(run)
    {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("launch: {error}");
            if let Some(cause) = error.source() {
                eprintln!("  because: {cause}");
            }
            ExitCode::from(exit_code(error.as_ref()))
        }
    }
}

/// Executes this program again, without the option and from a read-only mount.
fn read_only_self() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().collect();
    if arguments
        .get(1)
        .is_none_or(|option| option != "--read-only-self")
    {
        return Ok(());
    }
    arguments.remove(1);
    let arguments: std::result::Result<Vec<_>, _> =
        arguments.into_iter().map(CString::new).collect();
    let environment: [&CStr; 0] = [];
    execveat(
        own_program()?,
        c"",
        &arguments?,
        &environment,
        AtFlags::AT_EMPTY_PATH,
    )?;
    Ok(())
}

/// What the command line asks for.
struct Arguments {
    launch: Launch,
    join: Option<i32>,
    hold: bool,
}

fn read_arguments() -> Result<Arguments> {
    let mut launch = plain_launch()?;
    let mut changes = CapabilityChanges::default();
    let (mut join, mut hold) = (None, false);
    let mut arguments = std::env::args().skip(1).peekable();
    while let Some(option) = arguments.next_if(|argument| argument.starts_with("--")) {
        let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--root" => launch.root = Root::Directory(value()?.into()),
            "--read-only" => launch.access = RootAccess::ReadOnly,
            "--volume" => launch.volumes.push(value()?.parse()?),
            "--hosts" => launch.etc = Some(etc_with(&value()?)?),
            "--user" => launch.user = Some(value()?.parse()?),
            "--workdir" => launch.workdir = Some(value()?.into()),
            "--env" => launch.env.push(value()?),
            "--cap-add" => changes.add.push(value()?),
            "--cap-drop" => changes.drop.push(value()?),
            "--net" if value()? == "new" => {
                let (netns, ()) = Netns::create(|| Ok::<_, Infallible>(()))?;
                launch.netns = Some(netns.into());
            }
            "--init" => launch.init = InitProcess::OwnInit,
            "--tty" => launch.io = Io::Terminal,
            "--hold" => hold = true,
            "--join" => join = Some(value()?.parse()?),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    launch.command = arguments.collect();
    launch.capabilities = resolve_capabilities(&changes)?;
    Ok(Arguments { launch, join, hold })
}

fn plain_launch() -> Result<Launch> {
    Ok(Launch {
        command: Vec::new(),
        env: vec!["PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
        workdir: None,
        user: None,
        hostname: "launched".to_owned(),
        domainname: None,
        tmpfs: Vec::new(),
        netns: None,
        root: Root::Host,
        access: RootAccess::ReadWrite,
        volumes: Vec::new(),
        etc: None,
        capabilities: resolve_capabilities(&CapabilityChanges::default())?,
        seccomp: None,
        new_privileges: minet_model::NewPrivileges::Refused,
        oom_score: None,
        init: InitProcess::CommandIsInit,
        io: own_streams()?,
        open_files: None,
    })
}

/// A copy of this file as the generated hosts file. Others find it through this process, for as
/// long as it runs.
fn etc_with(hosts: &str) -> Result<Etc> {
    let mut folder = EtcFolder::create(64 * 1024)?;
    std::fs::copy(hosts, folder.path().join(EtcFile::Hosts.name()))?;
    let etc = Etc {
        folder: folder.hand_out()?,
        files: vec![EtcFile::Hosts],
        again: Again::Never,
    };
    std::mem::forget(folder);
    Ok(etc)
}

fn own_streams() -> Result<Io> {
    Ok(Io::Streams {
        stdin: io::stdin().as_fd().try_clone_to_owned()?,
        stdout: io::stdout().as_fd().try_clone_to_owned()?,
        stderr: io::stderr().as_fd().try_clone_to_owned()?,
    })
}

fn run(arguments: Arguments) -> Result<u8> {
    match arguments.join {
        Some(pid) => run_in(pid, arguments.launch),
        None => run_alone(arguments.launch, arguments.hold),
    }
}

fn run_alone(launch: Launch, hold: bool) -> Result<u8> {
    let root = launch.root.clone();
    if let Some(name) = launch.command.first() {
        let lookup = Lookup {
            root: &root,
            volumes: &launch.volumes,
            env: &launch.env,
            workdir: launch.workdir.as_deref(),
        };
        find_command(&lookup, name)?;
    }
    let etc = launch.etc.as_ref().map_or(&[][..], |etc| &etc.files);
    let wanted = mount_points::wanted(&root, &launch.volumes, &launch.tmpfs, etc)?;
    let missing = mount_points::missing(&root, &wanted)?;
    mount_points::create(&root, &missing)?;
    let ended = prepare(launch)
        .map_err(Into::into)
        .and_then(|mut prepared| {
            if hold {
                println!("{}", prepared.pid().as_raw_nonzero());
                io::stdin().read_to_end(&mut Vec::new())?;
            }
            let terminal = prepared.take_terminal();
            wait_for(&prepared.start()?, terminal)
        });
    mount_points::remove_if_unused(&root, &missing)?;
    ended
}

fn run_in(pid: i32, launch: Launch) -> Result<u8> {
    let pid = Pid::from_raw(pid).ok_or("a process number is positive")?;
    let mut running = join(Join {
        container: open_process(pid)?,
        command: launch.command,
        env: launch.env,
        workdir: launch.workdir,
        user: launch.user,
        capabilities: launch.capabilities,
        seccomp: None,
        new_privileges: minet_model::NewPrivileges::Refused,
        oom_score: None,
        io: launch.io,
    })?;
    let terminal = running.terminal.take();
    wait_for(&running, terminal)
}

fn wait_for(running: &Running, terminal: Option<OwnedFd>) -> Result<u8> {
    if let Some(terminal) = terminal {
        copy_output(terminal)?;
    }
    Ok(u8::try_from(running.wait()?)?)
}

/// Copies until the last process has closed its side, which reads as an I/O error.
fn copy_output(terminal: OwnedFd) -> Result<()> {
    let mut terminal = File::from(terminal);
    let mut bytes = [0; 4096];
    while let Ok(length) = terminal.read(&mut bytes) {
        io::stdout().write_all(&bytes[..length])?;
    }
    Ok(())
}

fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    use minet_netns::{FindError, JoinError, StartError};
    let code = if let Some(error) = error.downcast_ref::<StartError>() {
        error.exit_code()
    } else if let Some(error) = error.downcast_ref::<JoinError>() {
        error.exit_code()
    } else if let Some(FindError::Command(error)) = error.downcast_ref::<FindError>() {
        error.exit_code()
    } else {
        125
    };
    u8::try_from(code).unwrap_or(125)
}
