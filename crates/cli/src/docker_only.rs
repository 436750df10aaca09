//! What Docker has and minet has not: whoever types it learns what to do instead.
//!
//! Nothing of it is taken and ignored: a script that relies on a limit is to fail, not to
//! run without it.

/// What to do in place of a command of Docker's.
pub(crate) fn command(name: &str) -> Option<&'static str> {
    Some(match name {
        "images" | "image" | "pull" | "push" | "build" | "buildx" | "builder" | "commit"
        | "tag" | "rmi" | "save" | "load" | "import" | "export" | "history" | "search"
        | "login" | "logout" | "manifest" | "trust" => NO_IMAGES,
        "create" => "a container is made and started at once: minet run -d",
        "attach" => {
            "what a container in the background prints is followed by minet logs -f NAME; a \
             shell in it is minet exec -it NAME -- sh"
        }
        "cp" | "diff" => {
            "a container sees this machine's files, or those below its --rootfs: cp and diff \
             see them, too"
        }
        "pause" | "unpause" => {
            "containers cannot be frozen as a whole; minet kill -s STOP NAME stops the first \
             process, -s CONT lets it go on"
        }
        "update" => {
            "what can be changed while a container runs: its ports (minet publish, unpublish), \
             its networks (minet network connect, disconnect), its links (minet link) and its name"
        }
        "events" => "nobody listens all the time; minet wait NAME tells of an end",
        "info" => "this machine is examined by minet doctor, the settings are in minet config show",
        "version" => "write minet --version",
        "volume" => "there are no named volumes: run -v DIR:DST shows a directory of this machine",
        "system" => {
            "write minet container prune, minet network prune, or minet gc for what crashes left"
        }
        "compose" | "stack" | "swarm" | "service" | "node" | "secret" | "context" | "plugin" => {
            "minet runs containers one by one; a script of minet network create and minet run -d \
             does the same"
        }
        _ => return None,
    })
}

const NO_IMAGES: &str = "there are no images: a container sees this machine's files, or those of a \
                         directory with run --rootfs DIR (docker export NAME | tar -x -C DIR makes \
                         one of an image)";

/// What to do in place of an option of Docker's. `command` is minet's, such as `run` or
/// `network create`.
pub(crate) fn option(command: &str, option: &str) -> Option<&'static str> {
    match command.strip_prefix("container ").unwrap_or(command) {
        "run" => of_run(option),
        "exec" => of_exec(option),
        "start" => match option {
            "-a" | "--attach" | "-i" | "--interactive" => Some(
                "a container that is started again is in the background: minet logs -f NAME \
                 follows what it prints",
            ),
            _ => None,
        },
        "ps" | "inspect" => match option {
            "-s" | "--size" => Some("a container has no layer of its own whose size could be told"),
            _ => None,
        },
        "rm" => match option {
            "-l" | "--link" => Some("a link is taken back by minet unlink"),
            _ => None,
        },
        "logs" => match option {
            "--details" => Some("the labels of a container are in minet inspect NAME"),
            _ => None,
        },
        "stats" => match option {
            "-a" | "--all" => Some("what does not run uses nothing"),
            _ => None,
        },
        "top" => {
            Some("minet runs no ps; minet exec NAME -- ps aux does, with the container's numbers")
        }
        "network create" => of_network_create(option),
        "network connect" => match option {
            "--driver-opt" => Some("write --ifname NAME for the name of the interface"),
            "--link-local-ip" => Some(ONE_ADDRESS),
            _ => None,
        },
        _ => None,
    }
}

const ONE_ADDRESS: &str = "a cable has one address of each family: --ip and --ip6";

fn of_run(option: &str) -> Option<&'static str> {
    Some(match option {
        "-m"
        | "--memory"
        | "--memory-reservation"
        | "--memory-swap"
        | "--memory-swappiness"
        | "--kernel-memory"
        | "--cpus"
        | "-c"
        | "--cpu-shares"
        | "--cpu-period"
        | "--cpu-quota"
        | "--cpu-rt-period"
        | "--cpu-rt-runtime"
        | "--cpuset-cpus"
        | "--cpuset-mems"
        | "--pids-limit"
        | "--blkio-weight"
        | "--blkio-weight-device"
        | "--device-read-bps"
        | "--device-read-iops"
        | "--device-write-bps"
        | "--device-write-iops"
        | "--cgroup-parent"
        | "--cgroupns"
        | "--oom-kill-disable"
        | "--device-cgroup-rule" => {
            "minet makes no control groups; one around it holds for the container, too: \
             systemd-run --scope -p MemoryMax=1G minet run …"
        }
        "--ulimit" => "limits are inherited: (ulimit -n 1024; minet run …)",
        "--privileged" => PRIVILEGED,
        "--entrypoint" => "the command is what is written behind --, and all of it",
        "--pull" | "-q" | "--quiet" | "--platform" | "--disable-content-trust" => NO_IMAGES,
        "--mount" => "write -v SRC:DST[:ro] for a directory or file, --tmpfs DST for memory",
        "--volumes-from" | "--volume-driver" | "--storage-opt" => {
            "there are no named volumes: -v SRC:DST shows a directory of this machine"
        }
        "--device" | "--gpus" => {
            "without --rootfs all devices of this machine are there; below --rootfs none but the \
             usual ones work"
        }
        "--pid" | "--ipc" | "--uts" | "--userns" | "--isolation" => {
            "a container has processes, message queues and a hostname of its own, always; only \
             the network can be shared: --mode container:NAME or --mode host"
        }
        "--group-add" => "-u USER has the groups that the container's /etc/group says",
        "--shm-size" => {
            "/dev/shm takes 64 MiB; more is to be had with --tmpfs DST:size=1g elsewhere"
        }
        "--health-cmd"
        | "--health-interval"
        | "--health-retries"
        | "--health-start-period"
        | "--health-start-interval"
        | "--health-timeout"
        | "--no-healthcheck" => {
            "nobody looks after a container's health; --restart starts one again that ends"
        }
        "--log-driver" => "with -d the output is kept as json-file does it, see --log-opt",
        "-a" | "--attach" => {
            "without -d its output comes here, with -d it goes to minet logs; -i hands on the input"
        }
        "--detach-keys" => "there is no way to leave a container that runs here: start it with -d",
        "--sig-proxy" => "signals are always handed on",
        "--link-local-ip" => ONE_ADDRESS,
        "--runtime" | "--annotation" => "no other program is executed to make a container",
        "--use-api-socket" => "there is no daemon, and so no socket of one",
        _ => return None,
    })
}

const PRIVILEGED: &str = "say what is needed: --cap-add ALL, --security-opt seccomp=unconfined, \
                          --security-opt no-new-privileges=false";

fn of_exec(option: &str) -> Option<&'static str> {
    Some(match option {
        "--privileged" => "exec has the rights that the container was given by run",
        "--detach-keys" => "there is no way to leave what runs here: start it with -d",
        _ => return None,
    })
}

fn of_network_create(option: &str) -> Option<&'static str> {
    Some(match option {
        "--config-only" | "--config-from" => {
            "default-network-opts in the configuration file hold for every new network"
        }
        "--ingress" => "there is no swarm, and so no ingress network",
        "--ipam-opt" => {
            "addresses are managed by minet itself: --subnet, --ip-range, --aux-address"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::arguments::Arguments;
    use clap::{Command, CommandFactory};

    #[test]
    fn what_minet_has_is_not_said_to_be_missing() {
        let minet = Arguments::command();
        for command in minet.get_subcommands() {
            let all = std::iter::once(command.get_name()).chain(command.get_all_aliases());
            for name in all {
                assert_eq!(super::command(name), None, "{name}");
            }
        }
        let run = minet.find_subcommand("run").unwrap();
        let network = minet.find_subcommand("network").unwrap();
        let create = network.find_subcommand("create").unwrap();
        let none_of = |command: &Command, path: &str| {
            for argument in command.get_arguments() {
                let long = argument.get_long_and_visible_aliases().unwrap_or_default();
                let short = argument.get_short_and_visible_aliases().unwrap_or_default();
                let long = long.iter().map(|name| format!("--{name}"));
                let short = short.iter().map(|name| format!("-{name}"));
                for option in long.chain(short) {
                    assert_eq!(super::option(path, &option), None, "{path} {option}");
                }
            }
        };
        none_of(run, "run");
        none_of(create, "network create");
        none_of(minet.find_subcommand("exec").unwrap(), "exec");
    }
}
