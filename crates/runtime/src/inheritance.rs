//! Mount points that outlive their maker, because another container uses them too.
//!
//! Two containers may share a root directory. The first one made the empty files that
//! things are mounted on; taking them away when it ends would tear the mounts off the
//! second one as well (the kernel detaches what is mounted on a file that is unlinked).
//! So the step is handed on to a container that still lives, and the last one undoes it.

use crate::{Error, Runtime, find, plan::Plan, step::Step, time::now};
use minet_state::{ContainerRow, Status, Transaction};

impl Runtime {
    /// What of a container's plan is to be undone by itself; the rest has an heir now.
    ///
    /// The container is marked as ended in the same transaction, so that two that end at
    /// the same time do not hand their steps to each other.
    pub(crate) fn bequeath(&mut self, row: &ContainerRow, exit_code: i32) -> Result<Plan, Error> {
        let makes_mount_points = |plan: &Plan| plan.steps.iter().any(is_mount_point);
        let plan = find::plan(row)?;
        if !makes_mount_points(&plan) {
            return Ok(plan);
        }
        self.store.write(|tx| {
            tx.mark_exited(&row.id, exit_code, None, now())?;
            // Read again: somebody may just have bequeathed something to this one.
            let Some(row) = tx.container(&row.id)? else {
                return Ok(plan);
            };
            let plan = find::plan(&row)?;
            let Some(heir) = heir(tx, &row)? else {
                return Ok(plan);
            };
            let (handed_on, own) = plan.steps.into_iter().partition(is_mount_point);
            let mut steps: Vec<Step> = handed_on;
            steps.extend(find::plan(&heir)?.steps);
            tx.set_plan(&heir.id, &Plan { steps }.to_json())?;
            tx.set_plan(&row.id, &Plan { steps: own }.to_json())?;
            find::plan(&tx.container(&row.id)?.unwrap_or(row))
        })
    }
}

fn is_mount_point(step: &Step) -> bool {
    matches!(step, Step::MakeMountPoints(_))
}

/// Another container that lives in the same root.
fn heir(tx: &Transaction<'_>, row: &ContainerRow) -> Result<Option<ContainerRow>, Error> {
    let rootfs = find::spec(row)?.rootfs;
    for other in tx.live_containers()? {
        let lives = other.id != row.id && other.status != Status::Exited;
        if lives && find::spec(&other)?.rootfs == rootfs {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
