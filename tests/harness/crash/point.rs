//! Places in the life of a command at which it can be struck.

use crate::{Finished, TestHost, eventually};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The system calls that change something, or that decide about a change: the kernel's
/// network by netlink, files, mounts, processes, sockets, locks.
const CALLS: &str = "sendto,sendmsg,recvmsg,recvfrom,write,pwrite64,openat,mount,umount2,\
    move_mount,clone3,clone,setns,unshare,unlink,unlinkat,rename,renameat2,mkdir,mkdirat,\
    symlink,symlinkat,socket,bind,listen,setsockopt,fdatasync,fsync,ftruncate,fallocate,\
    flock,fcntl,pidfd_open,pidfd_send_signal,execve,epoll_ctl,dup3";

/// The nth time that a thread makes this system call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    call: String,
    nth: usize,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process dies: `SIGKILL`, the memory runs out, the power fails.
    Death,
    /// The kernel says no, with this error.
    Error(&'static str),
}

impl Point {
    /// Whether a kernel could fail here at all. The release of a lock it never refuses,
    /// and after that SQLite would wait for itself.
    pub fn can_fail(&self) -> bool {
        self.call != "fcntl"
    }

    /// The name of the system call.
    pub fn call(&self) -> &str {
        &self.call
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.call, self.nth)
    }
}

impl TestHost {
    /// Runs `minet` with these arguments, then `afterwards`, and returns all places at
    /// which the command, its children or its supervisor could have been struck meanwhile.
    #[track_caller]
    pub fn points_of(&self, arguments: &str, afterwards: impl FnOnce()) -> Vec<Point> {
        let path = self.scratch_dir().join("calls");
        let _ = std::fs::remove_file(&path);
        let trace = format!("--trace={CALLS} --output={}", path.display());
        self.traced(&format!("--seccomp-bpf {trace}"), arguments)
            .succeed();
        afterwards();
        self.wait_for_the_tracer();
        let calls = std::fs::read_to_string(&path).expect("strace wrote what it saw");
        points_in(&calls)
    }

    /// Runs `minet` with these arguments and strikes it at that place.
    pub fn strike(&self, point: &Point, blow: Blow, arguments: &str) -> Finished<'_> {
        let Point { call, nth } = point;
        let blow = match blow {
            Blow::Death => "signal=SIGKILL".to_owned(),
            Blow::Error(error) => format!("error={error}"),
        };
        let inject = format!("--trace={call} --output=/dev/null --inject={call}:{blow}:when={nth}");
        self.traced(&format!("--seccomp-bpf {inject}"), arguments)
    }

    fn traced(&self, options: &str, arguments: &str) -> Finished<'_> {
        let minet = crate::minet().display().to_string();
        self.exec(format!(
            "strace --daemonize --follow-forks --quiet=all {options} {minet} {arguments}"
        ))
    }

    /// A tracer ends with the last process that it follows.
    #[track_caller]
    pub(super) fn wait_for_the_tracer(&self) {
        eventually("the tracer to end", || {
            self.exec("pidof strace").code() != 0
        });
    }
}

/// Lines such as `812 sendto(3, …) = 36`; one that was interrupted by another thread's is
/// continued by `812 <... sendto resumed>`.
fn points_in(calls: &str) -> Vec<Point> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut points = BTreeSet::new();
    for line in calls.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, _)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if call.is_empty() || !call.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        let nth = counts.entry((thread, call)).or_default();
        *nth += 1;
        points.insert(Point {
            call: call.to_owned(),
            nth: *nth,
        });
    }
    points.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_counts_for_itself() {
        let calls = "7 openat(AT_FDCWD, \"a\") = 3\n\
                     7 openat(AT_FDCWD, \"b\" <unfinished ...>\n\
                     8 openat(AT_FDCWD, \"c\") = 4\n\
                     7 <... openat resumed>) = 5\n\
                     8 sendto(3, \"x(y\", 3) = 3\n\
                     7 +++ exited with 0 +++\n";
        let points: Vec<String> = points_in(calls).iter().map(Point::to_string).collect();
        assert_eq!(points, ["openat #1", "openat #2", "sendto #1"]);
    }
}
