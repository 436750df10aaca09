use super::Message;
use crate::{
    Capabilities,
    accounts::{self, Identity},
    capabilities,
    failure::{Doing, Failure},
    inside::RootDir,
};
use minet_model::{NewPrivileges, UserSpec};
use nix::{
    errno::Errno,
    unistd::{Gid, Uid, setgroups, setresgid, setresuid},
};
use std::path::Path;

/// Who a process is going to be, and what it may do then.
pub(super) struct Privileges {
    identity: Identity,
    capabilities: Capabilities,
}

impl Privileges {
    /// Looks the user up in the container's own files.
    pub(super) fn find(
        root: &RootDir,
        user: Option<&UserSpec>,
        capabilities: Capabilities,
    ) -> Result<Self, Message> {
        let read = |path: &str| {
            let text = root
                .read(Path::new(path))
                .doing(|| format!("read the container's {path}"));
            text.map(Option::unwrap_or_default)
        };
        let identity = accounts::resolve(user, &read("/etc/passwd")?, &read("/etc/group")?)?;
        Ok(Privileges {
            identity,
            capabilities,
        })
    }

    pub(super) fn uid(&self) -> u32 {
        self.identity.uid
    }

    pub(super) fn home(&self) -> &str {
        &self.identity.home
    }

    /// Gives up everything else, in the one order in which each step still has the power
    /// that it needs and none is left afterwards:
    ///
    /// 1. the bounding set, which needs `CAP_SETPCAP`;
    /// 2. groups, group, user, which need `CAP_SETGID` and `CAP_SETUID`; with the last
    ///    uid 0 the kernel takes all capabilities;
    /// 3. the capabilities of a process that stays uid 0;
    /// 4. no new privileges: no exec of whatever file gives any of it back, unless that
    ///    was asked for.
    pub(super) fn assume(self, new: NewPrivileges) -> Result<(), Failure> {
        capabilities::bound(self.capabilities)?;
        become_user(&self.identity)?;
        let root = self.identity.uid == 0;
        capabilities::hold(if root {
            self.capabilities
        } else {
            Capabilities::NONE
        })?;
        match new {
            NewPrivileges::Allowed => Ok(()),
            NewPrivileges::Refused => capabilities::refuse_new_privileges(),
        }
    }
}

fn become_user(identity: &Identity) -> Result<(), Failure> {
    let groups: Vec<Gid> = identity.groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    match setgroups(&groups) {
        // A user namespace that an unprivileged user made has given up setgroups(2), so
        // that nobody drops a group that denies them something. See user_namespaces(7).
        Err(Errno::EPERM) if setgroups_is_denied() => {}
        answer => answer.doing(|| format!("join the groups {:?}", identity.groups))?,
    }
    setresgid(gid, gid, gid).doing(|| format!("become group {gid}"))?;
    setresuid(uid, uid, uid).doing(|| format!("become user {uid}"))
}

fn setgroups_is_denied() -> bool {
    std::fs::read_to_string("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny")
}
