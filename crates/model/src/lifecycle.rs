use crate::SignalNumber;
use serde::{Deserialize, Serialize};
use std::{fmt, num::NonZeroU32, str::FromStr};

/// How a container lives and ends: what is asked for beside its network and its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifecycle {
    /// `--restart`.
    pub restart: RestartPolicy,
    /// `--stop-signal`; SIGTERM if nothing is said.
    pub stop_signal: Option<SignalNumber>,
    /// `--stop-timeout`, in seconds; ten if nothing is said, for ever if less than 0.
    pub stop_timeout: Option<i64>,
    /// `--log-opt`.
    pub log: LogLimits,
}

/// What happens when the command ends by itself, with Docker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RestartPolicy {
    /// `no`: it has ended.
    #[default]
    No,
    /// `on-failure[:N]`: it is started again if its exit code is not 0, at most N times.
    OnFailure {
        /// How often; without a number, for ever.
        at_most: Option<NonZeroU32>,
    },
    /// `always`: it is started again, and after a reboot even if it had been stopped.
    Always,
    /// `unless-stopped`: it is started again, unless somebody stopped it.
    UnlessStopped,
}

/// How much of a container's output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimits {
    /// `max-size`: a file that would grow beyond this many bytes is put aside.
    pub max_size: u64,
    /// `max-file`: how many files are kept, the current one included; at least one.
    pub max_files: u32,
}

/// Why a text says nothing about a lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLifecycle {
    /// `--restart` that is none of the four.
    #[error("invalid restart policy {0:?}: write no, on-failure[:N], always or unless-stopped")]
    Restart(String),
    /// `--log-opt` that is not known, or has a value that makes no sense.
    #[error("invalid log option {0:?}: write max-size=SIZE[k|m|g] or max-file=NUMBER")]
    LogOption(String),
}

impl FromStr for RestartPolicy {
    type Err = InvalidLifecycle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidLifecycle::Restart(text.to_owned());
        match text.split_once(':') {
            None => match text {
                "no" => Ok(RestartPolicy::No),
                "on-failure" => Ok(RestartPolicy::OnFailure { at_most: None }),
                "always" => Ok(RestartPolicy::Always),
                "unless-stopped" => Ok(RestartPolicy::UnlessStopped),
                _ => Err(invalid()),
            },
            Some(("on-failure", times)) => {
                let times: u32 = times.parse().map_err(|_| invalid())?;
                // As with Docker, zero is no limit.
                let at_most = NonZeroU32::new(times);
                Ok(RestartPolicy::OnFailure { at_most })
            }
            Some(_) => Err(invalid()),
        }
    }
}

impl RestartPolicy {
    /// The word without the number.
    pub fn word(self) -> &'static str {
        match self {
            RestartPolicy::No => "no",
            RestartPolicy::OnFailure { .. } => "on-failure",
            RestartPolicy::Always => "always",
            RestartPolicy::UnlessStopped => "unless-stopped",
        }
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestartPolicy::OnFailure {
                at_most: Some(times),
            } => write!(f, "on-failure:{times}"),
            other => f.write_str(other.word()),
        }
    }
}

impl TryFrom<String> for RestartPolicy {
    type Error = InvalidLifecycle;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RestartPolicy> for String {
    fn from(policy: RestartPolicy) -> String {
        policy.to_string()
    }
}

impl Default for LogLimits {
    /// Ten megabytes three times: a chatty service cannot fill the disk.
    fn default() -> Self {
        LogLimits {
            max_size: 10 << 20,
            max_files: 3,
        }
    }
}

impl LogLimits {
    /// Takes one `--log-opt KEY=VALUE` over.
    pub fn set(&mut self, option: &str) -> Result<(), InvalidLifecycle> {
        let invalid = || InvalidLifecycle::LogOption(option.to_owned());
        let (key, value) = option.split_once('=').ok_or_else(invalid)?;
        match key {
            "max-size" => self.max_size = size(value).ok_or_else(invalid)?,
            "max-file" => {
                let files: NonZeroU32 = value.parse().map_err(|_| invalid())?;
                self.max_files = files.get();
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }
}

/// `10m`, `512k`, `1g` or a number of bytes; powers of 1,024, as Docker has it.
fn size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches('b');
    let (digits, shift) = match digits.chars().last()? {
        'k' => (&digits[..digits.len() - 1], 10),
        'm' => (&digits[..digits.len() - 1], 20),
        'g' => (&digits[..digits.len() - 1], 30),
        _ => (digits, 0),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_dockers_words() {
        for text in [
            "no",
            "on-failure",
            "on-failure:5",
            "always",
            "unless-stopped",
        ] {
            assert_eq!(text.parse::<RestartPolicy>().unwrap().to_string(), text);
        }
        assert_eq!(
            "on-failure:0".parse(),
            Ok(RestartPolicy::OnFailure { at_most: None })
        );
        for text in [
            "",
            "yes",
            "always:3",
            "on-failure:",
            "on-failure:-1",
            "on-failure:x",
        ] {
            assert!(text.parse::<RestartPolicy>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn logs_are_limited() {
        let mut limits = LogLimits::default();
        limits.set("max-size=512k").unwrap();
        limits.set("max-file=1").unwrap();
        assert_eq!((limits.max_size, limits.max_files), (512 << 10, 1));
        for option in [
            "max-size",
            "max-size=",
            "max-size=0",
            "max-size=m",
            "max-size=-1",
            "max-file=0",
            "colour=red",
        ] {
            assert!(limits.set(option).is_err(), "{option:?}");
        }
    }
}
