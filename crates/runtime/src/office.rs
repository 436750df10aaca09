//! What a process becomes when its container is up: a supervisor, which is not easily ended,
//! and can do less than who started it.
//!
//! It cannot give up much, as long as it is to start its container again, to mend what
//! somebody breaks, and to clean up in the end: that takes the power to administer networks
//! and namespaces. So what strangers send is read by another process (`resolve/reader.rs`). And
//! a filter of system calls would be inherited by all that it starts: the container's next
//! life, and the `minet repair` that mends.

use crate::Error;
use minet_model::{ContainerSpec, NewPrivileges};
use minet_netns::{
    keep_a_supervisors, protect_from_oom, refuse_new_privileges, resolve_capabilities,
};

/// Takes up the office of this container's supervisor.
pub(crate) fn take_up(spec: &ContainerSpec) -> Result<(), Error> {
    protect_from_oom();
    keep_a_supervisors(resolve_capabilities(&spec.capabilities)?)?;
    // It holds for all that is started from now on, also for the container's next life.
    match spec.security.new_privileges {
        NewPrivileges::Refused => Ok(refuse_new_privileges()?),
        NewPrivileges::Allowed => Ok(()),
    }
}
