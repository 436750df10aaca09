//! The namespaces of a throw-away host, and their end.
//!
//! Three shell scripts, because what they do is what one would do by hand. The outermost
//! holds the other two: its PID 1 reads a pipe that the test holds, so that all of it
//! dies with the test, however that ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// The router and the server behind it. `/proc` is still the test's, so that the process
/// IDs which the scripts print are the ones that the test sees.
const UPLINK: &str = r#"
set -eu
read -r uplink rest </proc/self/stat
export uplink
ip -batch - <<-END
	link set lo up
	link add lan type bridge
	link set lan address 02:00:00:00:78:01 up
	address add 192.168.120.1/24 dev lan
	address add fd00:120::1/64 dev lan nodad
	address add 203.0.113.7/32 dev lo
END
echo 1 >/proc/sys/net/ipv4/ip_forward
{ unshare --net sh -c "$NEIGHBOUR_SCRIPT" || echo failed; } &
{ unshare --net --mount --uts --ipc --pid --fork --kill-child sh -c "$HOST_SCRIPT" || echo failed; } &
echo "uplink $uplink"
exec cat >/dev/null
"#;

/// The neighbour on the LAN.
const NEIGHBOUR: &str = r#"
set -eu
read -r neighbour rest </proc/self/stat
ip link add lan0 address 02:00:00:00:78:03 type veth peer name neighbour netns /proc/$uplink/ns/net
nsenter --target $uplink --net ip link set neighbour master lan up
ip -batch - <<-END
	link set lo up
	link set lan0 up
	address add 192.168.120.3/24 dev lan0
	address add fd00:120::3/64 dev lan0 nodad
	route add default via 192.168.120.1
END
echo "neighbour $neighbour"
exec sleep infinity
"#;

/// The host. Its `/etc` is a small one of its own, because scripts write there. Its PID 1
/// reaps whatever minet orphans, as every init does.
const HOST: &str = r#"
set -eu
read -r host rest </proc/self/stat
ip link add lan0 address 02:00:00:00:78:02 type veth peer name host netns /proc/$uplink/ns/net
nsenter --target $uplink --net ip link set host master lan up
# No waiting for the link-local address: nobody else has it.
echo 0 >/proc/sys/net/ipv6/conf/lan0/accept_dad
ip -batch - <<-END
	link set lo up
	link set lan0 up
	address add 192.168.120.2/24 dev lan0
	address add fd00:120::2/64 dev lan0 nodad
	route add default via 192.168.120.1
END
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /run/lock
hostname throwaway
mkdir /run/etc
mount -t tmpfs -o mode=755 tmpfs /run/etc
for file in passwd group hosts nsswitch.conf ld.so.cache services protocols iproute2 alternatives
do test ! -e /etc/$file || cp -RP /etc/$file /run/etc; done
cp "$SCRATCH/resolv.conf" /run/etc
echo throwaway >/run/etc/hostname
mount --move /run/etc /etc
rmdir /run/etc
echo "host $host"
exec >/dev/null
while :; do sleep 1000000 & wait; done
"#;

/// The host's `/etc/resolv.conf`: one name server that a container can reach, one not.
const RESOLV_CONF: &str = "\
nameserver 127.0.0.53
nameserver 192.168.120.1
search lan.example
";

/// The namespaces, alive as long as this value.
#[derive(Debug)]
pub(crate) struct Cage {
    unshare: Child,
    pub(crate) scratch_dir: PathBuf,
    pub(crate) uplink: u32,
    pub(crate) neighbour: u32,
    pub(crate) host: u32,
    in_user_namespace: bool,
}

impl Cage {
    /// Makes the namespaces and waits until all three are configured.
    pub(crate) fn build() -> Cage {
        let scratch_dir = scratch_dir();
        fs::write(scratch_dir.join("resolv.conf"), RESOLV_CONF).expect("write resolv.conf");
        let in_user_namespace = !may_make_namespaces();
        let mut command = Command::new("unshare");
        if in_user_namespace {
            command.args(["--user", "--map-root-user"]);
        }
        let log_path = scratch_dir.join("cage.log");
        let log = fs::File::create(&log_path).expect("create the cage's log");
        let mut unshare = command
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                UPLINK,
            ])
            .env("NEIGHBOUR_SCRIPT", NEIGHBOUR)
            .env("HOST_SCRIPT", HOST)
            .env("SCRATCH", &scratch_dir)
            .env("PATH", crate::command::PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("run unshare(1)");
        let stdout = unshare.stdout.take().expect("standard output is a pipe");
        let mut pids = Pids::default();
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        lines
            .take(3)
            .take_while(|line| line != "failed")
            .for_each(|line| pids.learn(&line));
        let Pids {
            uplink: Some(uplink),
            neighbour: Some(neighbour),
            host: Some(host),
        } = pids
        else {
            // It is already dead, or not worth to live.
            let _ = unshare.kill();
            panic!(
                "cannot make a throw-away host (this takes root, or user namespaces for \
                 ordinary users):\n{}",
                fs::read_to_string(&log_path).unwrap_or_default()
            );
        };
        Cage {
            unshare,
            scratch_dir,
            uplink,
            neighbour,
            host,
            in_user_namespace,
        }
    }

    /// `nsenter` into the namespaces around this process, except for its mounts.
    pub(crate) fn enter(&self, pid: u32) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(pid.to_string());
        if self.in_user_namespace {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--net", "--pid"]);
        command
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // unshare takes its child with it, which is PID 1 of everything in here.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        let _ = fs::remove_dir_all(&self.scratch_dir);
    }
}

/// What the scripts print, in whatever order.
#[derive(Default)]
struct Pids {
    uplink: Option<u32>,
    neighbour: Option<u32>,
    host: Option<u32>,
}

impl Pids {
    fn learn(&mut self, line: &str) {
        let (who, pid) = line.split_once(' ').unwrap_or((line, ""));
        let pid = pid.parse().ok();
        match who {
            "uplink" => self.uplink = pid,
            "neighbour" => self.neighbour = pid,
            "host" => self.host = pid,
            _ => panic!("the cage said {line:?}"),
        }
    }
}

/// A directory for this host's files, visible inside under the same path.
fn scratch_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("minet-test-{}-{number}", std::process::id());
    let scratch_dir = std::env::temp_dir().join(name);
    fs::create_dir_all(&scratch_dir).expect("create a scratch directory");
    scratch_dir
}

/// Whether this process has CAP_SYS_ADMIN, bit 21 of the effective set (capability.h).
fn may_make_namespaces() -> bool {
    let status = fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:\t"));
    let bits = effective
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .unwrap_or(0);
    bits & (1 << 21) != 0
}
