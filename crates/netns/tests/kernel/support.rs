//! The example program, a root directory with busybox in it, and directories that vanish.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// The example program; built anew if this test was built without it.
pub(crate) fn launch_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    example(&PROGRAM, "launch")
}

/// The example of a process that has nothing.
pub(crate) fn hermit_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    example(&PROGRAM, "hermit")
}

fn example(program: &'static OnceLock<PathBuf>, name: &str) -> &'static Path {
    program.get_or_init(|| {
        require_root();
        see_own_processes();
        let this = env::current_exe().unwrap();
        let profile = this
            .parent()
            .and_then(Path::parent)
            .expect("target/PROFILE/deps/kernel-…");
        let program = profile.join("examples").join(name);
        let built = fs::metadata(&program)
            .and_then(|metadata| metadata.modified())
            .ok();
        if built < Some(newest_source()) {
            build(profile.parent().unwrap(), name);
        }
        program
    })
}

fn newest_source() -> SystemTime {
    let sources = ["src", "src/launch", "src/seccomp", "examples"];
    let directories = sources.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let files = directories
        .into_iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap());
    files
        .map(|file| file.unwrap().metadata().unwrap().modified().unwrap())
        .max()
        .unwrap()
}

fn build(target: &Path, name: &str) {
    let cargo = env::var("CARGO").unwrap_or("cargo".to_owned());
    let built = Command::new(cargo)
        .args([
            "build",
            "-p",
            "minet-netns",
            "--example",
            name,
            "--target-dir",
        ])
        .arg(target)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "cannot build the example {name}"
    );
}

/// In `unshare --pid --mount` without `--mount-proc`, `/proc` is still that of the outside
/// and numbers processes differently. There it is ours to mount anew.
fn see_own_processes() {
    let seen = fs::read_link("/proc/self").unwrap();
    if seen != Path::new(&std::process::id().to_string()) {
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("proc", "/proc", "proc", flags, None).expect("a proc that fits");
    }
}

pub(crate) fn require_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test needs root: run it as root or in `unshare --user --map-root-user --net --mount --pid --fork`"
    );
}

/// Whether a user other than root exists here; in a small user namespace none does.
pub(crate) fn has_other_users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    map.split_whitespace()
        .nth(2)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        > 65534
}

/// How a launch ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Ended {
    /// The output of a launch that must have gone well.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// The exit code and the complaint of one that must not.
    #[track_caller]
    pub(crate) fn bad(self) -> (i32, String) {
        assert_ne!(self.code, Some(0), "{self:?}");
        (self.code.expect("an exit code"), self.err)
    }
}

/// Runs `launch` with these arguments.
pub(crate) fn launch(arguments: &[&str]) -> Ended {
    let output = Command::new(launch_program())
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    output.expect("run the example").into()
}

/// Runs a shell command in a container.
pub(crate) fn launch_sh(options: &[&str], script: &str) -> Ended {
    launch(&[options, &["/bin/sh", "-c", script]].concat())
}

/// A launch that goes on; killed at the latest when the test is over.
pub(crate) struct Going {
    pub(crate) child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Going {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(launch_program())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run the example");
        let lines = BufReader::new(child.stdout.take().unwrap());
        Going { child, lines }
    }

    /// The next line of its output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Where the generated hosts file is: in the one folder that the program holds.
    pub(crate) fn folder(&self) -> PathBuf {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let mut paths = descriptors.map(|entry| entry.unwrap().path());
        let has_hosts = |path: &PathBuf| path.join("hosts").exists();
        paths.find(has_hosts).expect("a folder of generated files")
    }

    /// The container's first process: the only child of the program.
    pub(crate) fn container(&self) -> i32 {
        let program = self.child.id();
        let children = format!("/proc/{program}/task/{program}/children");
        eventually("the container's process", || {
            fs::read_to_string(&children)
                .ok()?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if let Some(answer) = question() {
            return answer;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited ten seconds for {what}");
}

/// Waits until a process has ended. Whoever inherits it may let it be a zombie for long.
#[track_caller]
pub(crate) fn await_end(pid: &str) {
    eventually("the end of a process", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map_or("X", |(_, rest)| &rest[..1]);
        matches!(state, "X" | "Z").then_some(())
    });
}

/// A directory that vanishes with the value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("minet-netns-{}-{count}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path.canonicalize().unwrap())
    }

    /// A root directory with nothing but busybox.
    pub(crate) fn rootfs() -> Self {
        let scratch = Scratch::new();
        fs::create_dir(scratch.join("bin")).unwrap();
        fs::copy("/bin/busybox", scratch.join("bin/busybox"))
            .expect("/bin/busybox, linked statically");
        for name in [
            "sh", "ls", "cat", "grep", "head", "id", "mkdir", "mknod", "sleep", "touch", "true",
            "tty", "stty",
        ] {
            symlink("busybox", scratch.join("bin").join(name)).unwrap();
        }
        scratch
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn str(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Everything below, sorted.
    pub(crate) fn listing(&self) -> Vec<PathBuf> {
        fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                found.push(entry.path());
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), found);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        found.sort();
        found
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
