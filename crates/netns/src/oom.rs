//! Who is ended first when memory runs out: `/proc/self/oom_score_adj`.
//!
//! Everybody may make themselves more likely; less likely only who has `CAP_SYS_RESOURCE` in
//! the first user namespace. What such a process writes is also the least that its children
//! can go back to, so a container cannot undo what it was given.

use crate::failure::{Doing, Failure};
use minet_model::OomScore;
use std::{fs, io};

const FILE: &str = "/proc/self/oom_score_adj";

/// Gives this process, and those that it starts from now on, the score that was asked for; or
/// 0 if none was, whatever its parent has, as Docker does.
pub(crate) fn assume(asked: Option<OomScore>) -> Result<(), Failure> {
    let score = asked.unwrap_or_default().number();
    match fs::write(FILE, score.to_string()) {
        // Root of a user namespace cannot go below what it was started with; that is what it
        // has, then, unless somebody insists.
        Err(error) if asked.is_none() && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        written => written.doing(|| format!("set the OOM score to {score}")),
    }
}

/// Makes this process less likely to be ended, where that is allowed; one that has been given
/// an even lower score keeps it.
pub fn protect_from_oom() {
    let now = fs::read_to_string(FILE).unwrap_or_default();
    let now: i16 = now.trim().parse().unwrap_or_default();
    if now > OomScore::OF_SUPERVISOR.number() {
        // Without the privilege it is as likely as any other of its size: a small one.
        let _ = fs::write(FILE, OomScore::OF_SUPERVISOR.number().to_string());
    }
}
