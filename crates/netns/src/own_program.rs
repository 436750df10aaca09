use crate::{
    failure::{Doing, Failure},
    sys::{self, Reach},
};
use rustix::{
    fs::CWD,
    mount::{MountAttrFlags, OpenTreeFlags, open_tree},
};
use std::os::fd::{AsFd, OwnedFd};

/// This program's own file, through a read-only mount that is nowhere else.
///
/// A process that starts containers can be seen by them as `/proc/PID/exe`, for a moment
/// or, as an own init, for long; and a root directory can make the kernel execute it there
/// (`#!/proc/self/exe`). A container that keeps such a descriptor could later write to the
/// file, and with that to the host's `minet` (CVE-2019-5736). A process that was executed
/// from this descriptor, with `execveat` and `AT_EMPTY_PATH`, offers a read-only file, and
/// nobody can make that mount writable: it is in no mount namespace.
///
/// In a process that was executed this way, `/proc/self/exe` can still be executed, but the
/// path that it shows leads nowhere.
pub fn own_program() -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let file = open_tree(CWD, "/proc/self/exe", flags)
        .doing(|| "bind this program's own file".to_owned())?;
    sys::restrict_mount(
        file.as_fd(),
        MountAttrFlags::MOUNT_ATTR_RDONLY,
        Reach::ThisMount,
    )
    .doing(|| "make this program's own file read-only".to_owned())?;
    Ok(file)
}
