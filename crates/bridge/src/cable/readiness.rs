//! When a cable that was laid passes its first frame.

use crate::{
    Cause, Error, Rtnl,
    error::During,
    link::{self, PortState},
};
use minet_model::IfName;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Whether frames pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// The switch passes frames to and from this cable.
    Forwarding,
    /// The time is up and it does not.
    StillWaiting {
        /// What the port does instead; `None` if the interface is no port of a bridge.
        state: Option<PortState>,
        /// Whether somebody switched the spanning tree protocol on. It then listens for
        /// twice the forward delay, 30 seconds, before it passes anything.
        stp: SpanningTree,
    },
}

/// Whether a bridge speaks the spanning tree protocol (IEEE 802.1D).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanningTree {
    /// It does: new ports wait.
    On,
    /// It does not, as minet makes its switches.
    Off,
}

/// Waits until the switch passes frames to the cable.
///
/// The kernel notices a new link in a work queue (`linkwatch`), a moment after both ends
/// are up. Until then the switch drops what the container sends, and the first packet of
/// a fast program would be lost and sent again a second later.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`] if the cable is gone.
pub fn wait_until_forwarding(
    rtnl: &mut Rtnl,
    host_end: &IfName,
    timeout: Duration,
) -> Result<Readiness, Error> {
    try_wait(rtnl, host_end, timeout).during(|| format!("wait for cable {host_end}"))
}

fn try_wait(rtnl: &mut Rtnl, host_end: &IfName, timeout: Duration) -> Result<Readiness, Cause> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(50);
    loop {
        let link = link::require(rtnl, host_end)?;
        if link.port_state == Some(PortState::Forwarding) {
            return Ok(Readiness::Forwarding);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Readiness::StillWaiting {
                state: link.port_state,
                stp: spanning_tree(rtnl, link.master)?,
            });
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn spanning_tree(rtnl: &mut Rtnl, bridge: Option<u32>) -> Result<SpanningTree, Cause> {
    let bridge = match bridge {
        Some(index) => link::by_index(rtnl, index)?,
        None => None,
    };
    match bridge.and_then(|bridge| bridge.stp) {
        Some(true) => Ok(SpanningTree::On),
        Some(false) | None => Ok(SpanningTree::Off),
    }
}
