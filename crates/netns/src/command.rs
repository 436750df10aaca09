//! Finding a command: the search along `PATH`, and an early check before anything is made.

use crate::{
    failure::{Doing, Failure},
    inside::{Root, RootDir, Symlinks},
    launch::is_fresh,
    mount_points::{MountPoint, missing_steps},
};
use minet_model::Volume;
use nix::errno::Errno;
use rustix::fs::{FileType, fstat};
use std::{
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Why a command cannot be executed. The texts are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such file, or none along `PATH`; exit code 127.
    #[error("{reason}", reason = not_found(.0))]
    NotFound(String),
    /// There is a file, but it cannot be executed; exit code 126.
    #[error("exec: {0:?}: {reason}", reason = in_lower_case(*.1))]
    NotExecutable(String, Errno),
}

impl CommandError {
    /// The exit code that shells and Docker give: 127 or 126.
    pub fn exit_code(&self) -> i32 {
        match self {
            CommandError::NotFound(_) => 127,
            CommandError::NotExecutable(..) => 126,
        }
    }
}

fn not_found(name: &str) -> String {
    if name.contains('/') {
        format!("exec: {name:?}: stat {name}: no such file or directory")
    } else {
        format!("exec: {name:?}: executable file not found in $PATH")
    }
}

/// "Permission denied", as it is written in the middle of a sentence.
fn in_lower_case(errno: Errno) -> String {
    errno.desc().to_lowercase()
}

/// Where commands are looked for if the environment does not say; Docker's default.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The value of `PATH` in an environment of `KEY=VALUE`.
pub(crate) fn path_in(env: &[String]) -> &str {
    env.iter()
        .find_map(|variable| variable.strip_prefix("PATH="))
        .unwrap_or(DEFAULT_PATH)
}

/// The files that a name may mean, in the order in which they are tried. A name with a
/// slash means itself. Directories that are not absolute are not searched: what they mean
/// would depend on where the command starts.
pub(crate) fn candidates(name: &str, path: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    let directories = path
        .split(':')
        .filter(|directory| directory.starts_with('/'));
    directories
        .map(|directory| format!("{}/{name}", directory.trim_end_matches('/')))
        .collect()
}

/// Where a command will be looked for.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// What the container sees as `/`.
    pub root: &'a Root,
    /// What covers parts of it.
    pub volumes: &'a [Volume],
    /// The container's environment, for `PATH`.
    pub env: &'a [String],
    /// Where the command starts.
    pub workdir: Option<&'a Path>,
}

/// Why [`find_command`] has no command.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The root could not be looked at.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Checks that there is a command to execute, before anything is changed for it.
///
/// It is a courtesy and not a promise: exec has the last word. What cannot be seen from
/// outside, such as files in a fresh `/proc`, is left to exec.
pub fn find_command(lookup: &Lookup<'_>, name: &str) -> Result<(), FindError> {
    let root = RootDir::open(lookup.root)?;
    let mut verdict = Verdict::Missing;
    for file in candidates(name, path_in(lookup.env)) {
        let file = lookup.workdir.unwrap_or(Path::new("/")).join(file);
        match judge(lookup, &root, &file)? {
            Verdict::Good => return Ok(()),
            Verdict::Bad(errno) if name.contains('/') => verdict = Verdict::Bad(errno),
            Verdict::Bad(_) | Verdict::Missing => {}
        }
    }
    Err(match verdict {
        Verdict::Bad(errno) => CommandError::NotExecutable(name.to_owned(), errno),
        Verdict::Good | Verdict::Missing => CommandError::NotFound(name.to_owned()),
    }
    .into())
}

enum Verdict {
    Good,
    Bad(Errno),
    Missing,
}

fn judge(lookup: &Lookup<'_>, root: &RootDir, file: &Path) -> Result<Verdict, Failure> {
    if is_fresh(lookup.root, file) {
        return Ok(Verdict::Good);
    }
    match covering(lookup, file) {
        Some(volume) => Ok(judge_in_volume(volume, file)),
        None => judge_in_root(lookup, root, file)
            .doing(|| format!("look for the command {}", file.display())),
    }
}

/// The volume that a path of the container lies in.
fn covering<'a>(lookup: &Lookup<'a>, file: &Path) -> Option<&'a Volume> {
    let volumes = lookup
        .volumes
        .iter()
        .filter(|volume| file.starts_with(&volume.target));
    volumes.max_by_key(|volume| volume.target.components().count())
}

/// A link in a volume may lead anywhere in the container, which does not exist yet.
fn judge_in_volume(volume: &Volume, file: &Path) -> Verdict {
    match std::fs::symlink_metadata(source_of(volume, file)) {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 == 0 => {
            Verdict::Bad(Errno::EACCES)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Verdict::Missing,
        Ok(_) | Err(_) => Verdict::Good,
    }
}

fn judge_in_root(
    lookup: &Lookup<'_>,
    root: &RootDir,
    file: &Path,
) -> Result<Verdict, rustix::io::Errno> {
    use rustix::io::Errno as Answer;
    let found = match root.find(file, Symlinks::Follow) {
        Ok(found) => found,
        Err(Answer::NOENT) => return judge_missing(lookup, root, file),
        Err(Answer::NOTDIR | Answer::LOOP | Answer::NAMETOOLONG) => {
            return Ok(Verdict::Missing);
        }
        Err(Answer::ACCESS) => return Ok(Verdict::Bad(Errno::EACCES)),
        Err(error) => return Err(error),
    };
    let mode = fstat(&found)?.st_mode;
    let kind = FileType::from_raw_mode(mode);
    Ok(if kind.is_file() && mode & 0o111 != 0 {
        Verdict::Good
    } else if kind.is_dir() {
        Verdict::Bad(Errno::EISDIR)
    } else {
        Verdict::Bad(Errno::EACCES)
    })
}

/// A link of the root may lead to where something will be mounted.
fn judge_missing(
    lookup: &Lookup<'_>,
    root: &RootDir,
    file: &Path,
) -> Result<Verdict, rustix::io::Errno> {
    let steps = missing_steps(root, &MountPoint::file(file))?;
    let mounted_later = steps
        .iter()
        .any(|step| is_fresh(lookup.root, &step.path) || covering(lookup, &step.path).is_some());
    Ok(if mounted_later {
        Verdict::Good
    } else {
        Verdict::Missing
    })
}

fn source_of(volume: &Volume, file: &Path) -> PathBuf {
    match file.strip_prefix(&volume.target) {
        Ok(rest) if rest != Path::new("") => volume.source.join(rest),
        _ => volume.source.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_searched_and_paths_are_not() {
        assert_eq!(
            candidates("sh", "/bin:/usr/bin/"),
            ["/bin/sh", "/usr/bin/sh"]
        );
        assert_eq!(candidates("./sh", "/bin"), ["./sh"]);
        assert_eq!(candidates("sh", "::bin:.:/x"), ["/x/sh"]);
        assert!(candidates("sh", "").is_empty());
    }

    #[test]
    fn the_environment_says_where_to_search() {
        let env = [
            "A=PATH=x".to_owned(),
            "PATH=/x".to_owned(),
            "PATH=/y".to_owned(),
        ];
        assert_eq!(path_in(&env), "/x");
        assert_eq!(path_in(&env[..1]), DEFAULT_PATH);
    }

    #[test]
    fn errors_speak_like_docker() {
        let cases = [
            (
                CommandError::NotFound("foo".into()),
                127,
                "exec: \"foo\": executable file not found in $PATH",
            ),
            (
                CommandError::NotFound("/foo".into()),
                127,
                "exec: \"/foo\": stat /foo: no such file or directory",
            ),
            (
                CommandError::NotExecutable("/etc/passwd".into(), Errno::EACCES),
                126,
                "exec: \"/etc/passwd\": permission denied",
            ),
            (
                CommandError::NotExecutable("/etc".into(), Errno::EISDIR),
                126,
                "exec: \"/etc\": is a directory",
            ),
        ];
        for (error, code, text) in cases {
            assert_eq!(
                (error.exit_code(), error.to_string().as_str()),
                (code, text)
            );
        }
    }

    #[test]
    fn the_host_is_searched_from_outside() {
        let env = ["PATH=/nowhere:/bin".to_owned()];
        let lookup = Lookup {
            root: &Root::Host,
            volumes: &[],
            env: &env,
            workdir: None,
        };
        find_command(&lookup, "sh").unwrap();
        find_command(&lookup, "/bin/sh").unwrap();
        for (name, text) in [
            (
                "no-such-command",
                "exec: \"no-such-command\": executable file not found in $PATH",
            ),
            ("/etc/passwd", "exec: \"/etc/passwd\": permission denied"),
            ("/etc", "exec: \"/etc\": is a directory"),
        ] {
            assert_eq!(find_command(&lookup, name).unwrap_err().to_string(), text);
        }
    }
}
