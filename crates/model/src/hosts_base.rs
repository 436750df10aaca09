//! What a container's hosts file begins with: `--no-hosts` and `--hosts-file`.

use serde::{Deserialize, Serialize};
use std::{path::PathBuf, str::FromStr};

/// The lines of a container's hosts file before minet's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum HostsBase {
    /// As its mode has it: the host's lines where it shares the host's network, else none.
    #[default]
    OfMode,
    /// There is no such file of minet's: the one of its root directory is seen, as it is
    /// (`--no-hosts`).
    Untouched,
    /// None (`--hosts-file none`).
    Nothing,
    /// Those of the file in its root directory (`--hosts-file image`).
    Image,
    /// Those of this file of the host (`--hosts-file FILE`).
    File(PathBuf),
}

/// Why a text is not what `--hosts-file` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hosts file without a name (write a path, image or none)")]
pub struct InvalidHostsBase;

impl FromStr for HostsBase {
    type Err = InvalidHostsBase;

    /// The value of `--hosts-file`; Podman's two words, or a path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" => return Err(InvalidHostsBase),
            "none" => HostsBase::Nothing,
            "image" => HostsBase::Image,
            path => HostsBase::File(PathBuf::from(path)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_are_no_paths() {
        let read = |text: &str| text.parse::<HostsBase>().unwrap();
        assert_eq!(read("none"), HostsBase::Nothing);
        assert_eq!(read("image"), HostsBase::Image);
        assert_eq!(read("./image"), HostsBase::File("./image".into()));
        assert_eq!(read("/etc/hosts"), HostsBase::File("/etc/hosts".into()));
        assert_eq!("".parse::<HostsBase>(), Err(InvalidHostsBase));
    }
}
