//! What a container sees beside its root: `-v` and `--tmpfs`.

use crate::InvalidSpec;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

/// A directory or file of the host made visible in the container, `-v SRC:DST[:ro]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// The path on the host.
    pub source: PathBuf,
    /// The path in the container, absolute and without `..`.
    pub target: PathBuf,
    /// Whether the container may only read it.
    pub read_only: bool,
}

impl FromStr for Volume {
    type Err = InvalidSpec;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSpec::Volume(text.to_owned());
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts[..] {
            [source, target] => (source, target, "rw"),
            [source, target, options] => (source, target, options),
            _ => return Err(invalid()),
        };
        let mut read_only = false;
        for option in options.split(',') {
            match option {
                "ro" => read_only = true,
                "rw" => read_only = false,
                _ => return Err(invalid()),
            }
        }
        if !source.starts_with('/') && !source.starts_with('.') {
            return Err(InvalidSpec::VolumeSource(source.to_owned()));
        }
        if text.contains(char::is_control) {
            return Err(invalid());
        }
        Ok(Volume {
            source: PathBuf::from(source),
            target: below_root(target)
                .ok_or_else(|| InvalidSpec::VolumeTarget(target.to_owned()))?,
            read_only,
        })
    }
}

/// Memory that looks like a directory and is gone with the container,
/// `--tmpfs DST[:OPTION,…]`. No devices work in it, and no set-user-id programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    /// The path in the container, absolute and without `..`.
    pub target: PathBuf,
    /// `size=`: at most so much, such as `64m` or `10%`; half of the memory if nothing is said.
    pub size: Option<String>,
    /// `mode=`: the rights to its top directory; 1777 if nothing is said.
    pub mode: Option<u32>,
    /// `uid=`: whose it is.
    pub uid: Option<u32>,
    /// `gid=`: whose it is.
    pub gid: Option<u32>,
    /// `exec`: programs in it can be executed.
    pub programs: Programs,
    /// `ro`: nothing can be written to it.
    pub read_only: bool,
}

/// Whether what lies in a file system can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Programs {
    /// It cannot, as with Docker unless `exec` is said.
    Refused,
    /// It can.
    Allowed,
}

impl FromStr for Tmpfs {
    type Err = InvalidSpec;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let target = below_root(target)
            .filter(|_| !text.contains(char::is_control))
            .ok_or_else(|| InvalidSpec::TmpfsTarget(target.to_owned()))?;
        let mut tmpfs = Tmpfs {
            target,
            size: None,
            mode: None,
            uid: None,
            gid: None,
            programs: Programs::Refused,
            read_only: false,
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            tmpfs
                .set(option)
                .ok_or_else(|| InvalidSpec::TmpfsOption(option.to_owned()))?;
        }
        Ok(tmpfs)
    }
}

impl Tmpfs {
    /// Takes one option; nothing, if it is none.
    fn set(&mut self, option: &str) -> Option<()> {
        match option.split_once('=') {
            None => match option {
                "ro" => self.read_only = true,
                "rw" => self.read_only = false,
                "exec" => self.programs = Programs::Allowed,
                "noexec" => self.programs = Programs::Refused,
                // So it is anyway.
                "nosuid" | "nodev" => {}
                _ => return None,
            },
            Some(("size", size)) => self.size = Some(valid_size(size)?.to_owned()),
            Some(("mode", mode)) => {
                let mode = u32::from_str_radix(mode, 8).ok()?;
                self.mode = Some(mode).filter(|mode| *mode <= 0o7777);
                self.mode?;
            }
            Some(("uid", uid)) => self.uid = Some(uid.parse().ok()?),
            Some(("gid", gid)) => self.gid = Some(gid.parse().ok()?),
            Some(_) => return None,
        }
        Some(())
    }

    /// What the kernel is told of it (`man 5 tmpfs`).
    pub fn kernel_options(&self) -> Vec<(&'static str, String)> {
        let mode = self.mode.unwrap_or(0o1777);
        let mut options = vec![("mode", format!("{mode:04o}"))];
        options.extend(self.size.clone().map(|size| ("size", size)));
        options.extend(self.uid.map(|uid| ("uid", uid.to_string())));
        options.extend(self.gid.map(|gid| ("gid", gid.to_string())));
        options
    }
}

impl fmt::Display for Tmpfs {
    /// The options, as they are written behind the target.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.read_only { "ro" } else { "rw" })?;
        f.write_str(match self.programs {
            Programs::Refused => ",noexec,nosuid,nodev",
            Programs::Allowed => ",exec,nosuid,nodev",
        })?;
        for (key, value) in self.kernel_options() {
            write!(f, ",{key}={value}")?;
        }
        Ok(())
    }
}

/// A number, and perhaps k, m or g for its unit, or % for a share of the memory.
fn valid_size(text: &str) -> Option<&str> {
    let number = text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G', '%']);
    let number = number.unwrap_or(text);
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && number.len() <= 12).then_some(text)
}

/// An absolute path other than `/` that leads straight down.
fn below_root(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = |c: Component<'_>| matches!(c, Component::RootDir | Component::Normal(_));
    let below = path.is_absolute() && path.components().count() > 1 && path.components().all(plain);
    below.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_two_paths_and_perhaps_ro() {
        let volume: Volume = "/srv:/data:ro".parse().unwrap();
        assert_eq!(volume.target, Path::new("/data"));
        assert!(volume.read_only);
        assert!(!"./a:/b".parse::<Volume>().unwrap().read_only);
        for text in [
            "",
            "/a",
            "/a:b",
            "/a:/",
            "/a:/b/../c",
            "name:/b",
            "/a:/b:xx",
            "/a:/b:ro:rw",
            ":/b",
        ] {
            assert!(text.parse::<Volume>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn memory_has_a_place_and_options() {
        for (text, options) in [
            ("/run", "rw,noexec,nosuid,nodev,mode=1777"),
            ("/run:", "rw,noexec,nosuid,nodev,mode=1777"),
            (
                "/run:ro,exec,nosuid,size=64m,mode=750,uid=1,gid=2",
                "ro,exec,nosuid,nodev,mode=0750,size=64m,uid=1,gid=2",
            ),
            ("/a/b:size=10%", "rw,noexec,nosuid,nodev,mode=1777,size=10%"),
        ] {
            let tmpfs: Tmpfs = text.parse().unwrap();
            assert_eq!(tmpfs.to_string(), options, "{text}");
        }
        for text in [
            "",
            "run",
            "/",
            "/a/../b",
            "/a\n",
            "/a:size=",
            "/a:size=x",
            "/a:size=-1",
            "/a:size=1t",
            "/a:mode=8",
            "/a:mode=17777",
            "/a:suid",
            "/a:dev",
            "/a:uid=root",
            "/a:huge=always",
            "/a:mpol=default",
        ] {
            assert!(text.parse::<Tmpfs>().is_err(), "{text:?}");
        }
    }
}
