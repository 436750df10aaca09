//! `--security-opt`: how much of the kernel a command may ask.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What `--security-opt` decides, with minet's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SecurityOptions {
    /// Which system calls there are.
    #[serde(default)]
    pub seccomp: Seccomp,
    /// Whether a program file may give privileges.
    #[serde(default)]
    pub new_privileges: NewPrivileges,
}

/// Which system calls a command may make (`seccomp(2)`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// Those that programs need: minet's own list.
    #[default]
    Default,
    /// All of them.
    Unconfined,
    /// Those of a profile in Docker's format.
    Profile {
        /// Its JSON, kept, because a restart must find what the start found.
        text: String,
    },
}

/// Whether a set-user-id program, or one with file capabilities, has any effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPrivileges {
    /// None (`PR_SET_NO_NEW_PRIVS`).
    #[default]
    Refused,
    /// As on the host, within the container's bounding set.
    Allowed,
}

/// One `--security-opt`, before its file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityOption {
    /// `seccomp=unconfined`.
    SeccompUnconfined,
    /// `seccomp=builtin`.
    SeccompDefault,
    /// `seccomp=FILE`.
    SeccompFile(String),
    /// `no-new-privileges[=true|false]`.
    NewPrivileges(NewPrivileges),
    /// `apparmor=unconfined` and `label=disable`: minet does not do that anyway.
    AsItIs,
}

/// A `--security-opt` that minet does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecurityOption {
    /// A key of nobody's.
    #[error(
        "invalid --security-opt {0:?}: write seccomp=unconfined, seccomp=PROFILE.json, seccomp=builtin, or no-new-privileges[=true|false]"
    )]
    Unknown(String),
    /// A confinement that Docker has and minet has not: silence would be a false promise.
    #[error("invalid --security-opt {0:?}: minet sets no AppArmor profile and no SELinux label")]
    NotDone(String),
}

impl FromStr for SecurityOption {
    type Err = InvalidSecurityOption;

    /// `KEY=VALUE` or, as of old, `KEY:VALUE`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || InvalidSecurityOption::Unknown(text.to_owned());
        let (key, value) = match text.find(['=', ':']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        match (key, value) {
            ("no-new-privileges", None | Some("true")) => {
                Ok(SecurityOption::NewPrivileges(NewPrivileges::Refused))
            }
            ("no-new-privileges", Some("false")) => {
                Ok(SecurityOption::NewPrivileges(NewPrivileges::Allowed))
            }
            ("seccomp", Some("unconfined")) => Ok(SecurityOption::SeccompUnconfined),
            ("seccomp", Some("builtin" | "default")) => Ok(SecurityOption::SeccompDefault),
            ("seccomp", Some(file)) if !file.is_empty() => {
                Ok(SecurityOption::SeccompFile(file.to_owned()))
            }
            ("apparmor", Some("unconfined")) | ("label", Some("disable")) => {
                Ok(SecurityOption::AsItIs)
            }
            ("apparmor" | "label", Some(_)) => Err(InvalidSecurityOption::NotDone(text.to_owned())),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_dockers() {
        use SecurityOption as Option;
        for (text, expected) in [
            ("seccomp=unconfined", Option::SeccompUnconfined),
            ("seccomp:unconfined", Option::SeccompUnconfined),
            ("seccomp=builtin", Option::SeccompDefault),
            ("seccomp=a.json", Option::SeccompFile("a.json".into())),
            (
                "no-new-privileges",
                Option::NewPrivileges(NewPrivileges::Refused),
            ),
            (
                "no-new-privileges:false",
                Option::NewPrivileges(NewPrivileges::Allowed),
            ),
            ("apparmor=unconfined", Option::AsItIs),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "seccomp", "seccomp=", "no-new-privileges=maybe", "x=y"] {
            assert!(text.parse::<SecurityOption>().is_err(), "{text}");
        }
        let error = "apparmor=mine".parse::<SecurityOption>().unwrap_err();
        assert!(error.to_string().contains("no AppArmor"), "{error}");
    }
}
