//! Profiles in Docker's format: JSON that names system calls and says what happens to them.
//!
//! The format is that of `profiles/seccomp/default.json` of the Moby project, a superset of
//! `linux.seccomp` in the OCI's runtime specification.

use super::{
    arch::{self, Arch},
    policy::{Action, Comparison, Condition, Policy, Rule},
};
use crate::Capabilities;
use caps::Capability;
use serde::Deserialize;
use std::{collections::HashMap, str::FromStr};

/// Why a profile is not used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProfile {
    /// No JSON, or not of this form.
    #[error("not a seccomp profile: {0}")]
    Json(#[from] serde_json::Error),
    /// An action that minet cannot carry out.
    #[error("unknown or unsupported action {0:?}")]
    Action(String),
    /// A comparison that does not exist.
    #[error("unknown operator {0:?}")]
    Operator(String),
    /// An argument that no system call has.
    #[error("argument {0} of {1:?}: a system call has arguments 0 to 5")]
    Argument(u32, String),
    /// A kernel version that is none.
    #[error("minKernel {0:?} is not a version such as 4.8")]
    Kernel(String),
    /// More rules than the kernel takes.
    #[error("the filter would be longer than the 4096 instructions that the kernel takes")]
    TooLong,
}

/// The JSON, as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    default_action: String,
    default_errno_ret: Option<u16>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    arch_map: Option<Vec<ArchEntry>>,
    #[serde(default)]
    syscalls: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchEntry {
    architecture: String,
    #[serde(default)]
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    names: Vec<String>,
    /// As of old: one name.
    #[serde(default)]
    name: Option<String>,
    action: String,
    errno_ret: Option<u16>,
    #[serde(default)]
    args: Option<Vec<Argument>>,
    #[serde(default)]
    includes: Circumstances,
    #[serde(default)]
    excludes: Circumstances,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u32,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

/// When an entry counts, or does not.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Circumstances {
    caps: Vec<String>,
    arches: Vec<String>,
    min_kernel: Option<String>,
}

/// Reads a profile.
pub(super) fn parse(text: &str) -> Result<Profile, InvalidProfile> {
    Ok(serde_json::from_str(text)?)
}

impl Profile {
    /// What the profile says for a command with these capabilities, here.
    pub(super) fn policy(&self, capabilities: Capabilities) -> Result<Policy<'_>, InvalidProfile> {
        let default = action(&self.default_action, self.default_errno_ret)?;
        let mut rules = Vec::new();
        for entry in self.syscalls.iter().flatten() {
            let included = entry.includes.hold(capabilities, Empty::Holds)?;
            let excluded = entry.excludes.hold(capabilities, Empty::Fails)?;
            let these = entry.rules()?;
            if included && !excluded {
                rules.extend(these);
            }
        }
        let permissive = default == Action::ALLOW || default == Action::LOG;
        Ok(Policy {
            default,
            unknown: match permissive {
                true => default,
                false => Action::errno(libc::ENOSYS as u16),
            },
            foreign: Action::KILL_PROCESS,
            arches: self.arches(),
            rules,
        })
    }

    /// Those of this machine's types that the profile lists; its own always.
    fn arches(&self) -> Vec<Arch> {
        let [own, _] = arch::HERE;
        let mapped = self.arch_map.iter().flatten();
        let mapped = mapped.filter(|entry| entry.architecture == own.profile_name());
        let listed: Vec<&String> = mapped
            .flat_map(|entry| entry.sub_architectures.iter().flatten())
            .chain(self.architectures.iter().flatten())
            .collect();
        let is_listed =
            |arch: &Arch| *arch == own || listed.iter().any(|name| *name == arch.profile_name());
        arch::HERE.into_iter().filter(is_listed).collect()
    }
}

impl Entry {
    /// The entry as rules: several if one argument is asked about twice, which is read as
    /// "or", as runc does.
    fn rules(&self) -> Result<Vec<Rule<'_>>, InvalidProfile> {
        let names: Vec<&str> = self
            .names
            .iter()
            .chain(&self.name)
            .map(String::as_str)
            .collect();
        let action = action(&self.action, self.errno_ret)?;
        let mut seen = HashMap::new();
        let mut conditions = Vec::new();
        for argument in self.args.iter().flatten() {
            *seen.entry(argument.index).or_insert(0) += 1;
            conditions.push(argument.condition(names.first().copied().unwrap_or_default())?);
        }
        let rule = |conditions| Rule {
            names: names.clone(),
            action,
            conditions,
        };
        Ok(match seen.values().any(|times| *times > 1) {
            true => conditions.into_iter().map(|one| rule(vec![one])).collect(),
            false => vec![rule(conditions)],
        })
    }
}

impl Argument {
    fn condition(&self, name: &str) -> Result<Condition, InvalidProfile> {
        let argument = u8::try_from(self.index).ok().filter(|index| *index < 6);
        let argument =
            argument.ok_or_else(|| InvalidProfile::Argument(self.index, name.to_owned()))?;
        let (comparison, mask, value) = match self.op.as_str() {
            "SCMP_CMP_NE" => (Comparison::NotEqual, u64::MAX, self.value),
            "SCMP_CMP_LT" => (Comparison::Less, u64::MAX, self.value),
            "SCMP_CMP_LE" => (Comparison::LessOrEqual, u64::MAX, self.value),
            "SCMP_CMP_EQ" => (Comparison::Equal, u64::MAX, self.value),
            "SCMP_CMP_GE" => (Comparison::GreaterOrEqual, u64::MAX, self.value),
            "SCMP_CMP_GT" => (Comparison::Greater, u64::MAX, self.value),
            // The value is the mask, and what it is compared with the second one.
            "SCMP_CMP_MASKED_EQ" => (Comparison::Equal, self.value, self.value_two),
            other => return Err(InvalidProfile::Operator(other.to_owned())),
        };
        Ok(Condition {
            argument,
            mask,
            comparison,
            value,
        })
    }
}

/// What empty circumstances mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// Of `includes`: always.
    Holds,
    /// Of `excludes`: never.
    Fails,
}

impl Circumstances {
    /// Includes must hold all together; one of the excludes is enough.
    fn hold(&self, capabilities: Capabilities, empty: Empty) -> Result<bool, InvalidProfile> {
        let [own, _] = arch::HERE;
        let has = |name: &String| {
            Capability::from_str(name).is_ok_and(|capability| capabilities.include(capability))
        };
        let mut answers = Vec::new();
        if !self.arches.is_empty() {
            answers.push(self.arches.iter().any(|name| name == own.go_name()));
        }
        if !self.caps.is_empty() {
            answers.push(match empty {
                Empty::Holds => self.caps.iter().all(has),
                Empty::Fails => self.caps.iter().any(has),
            });
        }
        if let Some(version) = &self.min_kernel {
            answers.push(kernel_is_at_least(version)?);
        }
        Ok(match empty {
            Empty::Holds => answers.into_iter().all(|answer| answer),
            Empty::Fails => answers.into_iter().any(|answer| answer),
        })
    }
}

fn kernel_is_at_least(wanted: &str) -> Result<bool, InvalidProfile> {
    let wanted_version =
        version(wanted).ok_or_else(|| InvalidProfile::Kernel(wanted.to_owned()))?;
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    // A kernel that does not say its version is newer than anything that asks for one.
    Ok(version(&release).is_none_or(|running| running >= wanted_version))
}

/// `6.1` of `6.1.0-18-amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn action(name: &str, errno: Option<u16>) -> Result<Action, InvalidProfile> {
    // The kernel's limit, MAX_ERRNO.
    let errno = errno.unwrap_or(libc::EPERM as u16).min(4095);
    Ok(match name {
        "SCMP_ACT_ALLOW" => Action::ALLOW,
        "SCMP_ACT_ERRNO" => Action::errno(errno),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KILL_THREAD,
        "SCMP_ACT_KILL_PROCESS" => Action::KILL_PROCESS,
        "SCMP_ACT_LOG" => Action::LOG,
        "SCMP_ACT_TRAP" => Action::TRAP,
        "SCMP_ACT_TRACE" => Action::trace(errno),
        other => return Err(InvalidProfile::Action(other.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{compile, machine};
    use super::*;

    fn verdict(json: &str, name: &str, arguments: [u64; 6]) -> Action {
        let profile = parse(json).unwrap();
        let program = compile::program(&profile.policy(Capabilities::NONE).unwrap()).unwrap();
        let [own, _] = arch::HERE;
        machine::run(
            &program,
            own.audit_number(),
            machine::number_of(own, name),
            arguments,
        )
    }

    #[test]
    fn each_operator_compares_all_64_bits() {
        let values = [0, 1, 5, 6, 1 << 32, (1 << 32) + 5, (5 << 32) + 5, u64::MAX];
        type Holds = fn(u64, u64) -> bool;
        let operators: [(&str, Holds); 6] = [
            ("NE", |a, b| a != b),
            ("LT", |a, b| a < b),
            ("LE", |a, b| a <= b),
            ("EQ", |a, b| a == b),
            ("GE", |a, b| a >= b),
            ("GT", |a, b| a > b),
        ];
        for (operator, holds) in operators {
            for asked in values {
                let json = format!(
                    r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["read"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{{"index": 2, "value": {asked}, "op": "SCMP_CMP_{operator}"}}]}}]}}"#
                );
                for given in values {
                    let allowed = verdict(&json, "read", [9, 9, given, 9, 9, 9]) == Action::ALLOW;
                    assert_eq!(allowed, holds(given, asked), "{given} {operator} {asked}");
                }
            }
        }
    }

    #[test]
    fn a_deny_list_is_a_profile_too() {
        let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
            {"name": "getpid", "action": "SCMP_ACT_KILL", "args": null},
            {"names": ["write"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_KILL"]}},
            {"names": ["close"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "3.0"}},
            {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "excludes": {"minKernel": "3.0"}}]}"#;
        for (name, expected) in [
            ("mkdirat", Action::errno(28)),
            ("getpid", Action::KILL_THREAD),
            ("write", Action::ALLOW),
            ("close", Action::errno(1)),
            ("dup", Action::ALLOW),
            ("keyctl", Action::ALLOW),
        ] {
            assert_eq!(verdict(json, name, [0; 6]), expected, "{name}");
        }
    }

    #[test]
    fn conditions_are_and_or_for_one_argument_or() {
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
                {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]},
            {"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
                {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
            {"names": ["close"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 240, "valueTwo": 16, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#;
        for (name, first, second, allowed) in [
            ("read", 1, 2, true),
            ("read", 1, 3, false),
            ("write", 1, 0, true),
            ("write", 2, 0, true),
            ("write", 3, 0, false),
            ("close", 0x1f, 0, true),
            ("close", 0x2f, 0, false),
        ] {
            let verdict = verdict(json, name, [first, second, 0, 0, 0, 0]);
            assert_eq!(verdict == Action::ALLOW, allowed, "{name} {first} {second}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (json, word) in [
            ("{", "EOF"),
            ("{}", "defaultAction"),
            (r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, "SCMP_ACT_NOTIFY"),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"],
                "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#,
                "argument 6",
            ),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"],
                "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "~"}]}]}"#,
                "operator",
            ),
        ] {
            let error =
                parse(json).and_then(|profile| profile.policy(Capabilities::NONE).map(drop));
            let error = error.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
