//! Mount points that outlive their maker, because another container uses them too.
//!
//! Two containers may share a root directory. The first one made the empty files that
//! things are mounted on; taking them away when it ends would tear the mounts off the
//! second one as well (the kernel detaches what is mounted on a file that is unlinked).
//! So the step is handed on to a container that still lives, and the last one undoes it.

use crate::{Error, Runtime, find, plan::Plan, step::Step, time::now};
use minet_model::ContainerId;
use minet_state::{ContainerRow, Status, Transaction, Wish};

impl Runtime {
    /// What of a container's plan is to be undone by itself; the rest has an heir now.
    ///
    /// The container is marked as ended in the same transaction, so that from then on
    /// nobody chooses it as an heir, and two that end at the same time do not hand their
    /// steps to each other.
    pub(crate) fn bequeath(&mut self, id: &ContainerId, exit_code: i32) -> Result<Plan, Error> {
        self.store.write(|tx| {
            tx.mark_exited(id, exit_code, now())?;
            let Some(row) = tx.container(id)? else {
                return Ok(Plan::default());
            };
            let plan = find::plan(&row)?;
            if !leaves_anything(&plan) {
                return Ok(plan);
            }
            let Some(heir) = heir(tx, &row)? else {
                return Ok(plan);
            };
            let (mut steps, own): (Vec<Step>, _) = plan.steps.into_iter().partition(is_mount_point);
            steps.extend(find::plan(&heir)?.steps);
            tx.set_plan(&heir.id, &Plan { steps }.to_json())?;
            let own = Plan { steps: own };
            tx.set_plan(id, &own.to_json())?;
            Ok(own)
        })
    }
}

/// Whether there is anything in a plan that another container could inherit.
pub(crate) fn leaves_anything(plan: &Plan) -> bool {
    plan.steps.iter().any(is_mount_point)
}

fn is_mount_point(step: &Step) -> bool {
    matches!(step, Step::MakeMountPoints(_))
}

/// Another container that lives in the same root.
fn heir(tx: &Transaction<'_>, row: &ContainerRow) -> Result<Option<ContainerRow>, Error> {
    let rootfs = find::spec(row)?.rootfs;
    for other in tx.live_containers()? {
        // One that is only being made may yet fail and be forgotten; one that is being
        // removed does not look at its plan again.
        let stays = other.status == Status::Running && other.wish != Wish::Gone;
        let lives = other.id != row.id && stays;
        if lives && find::spec(&other)?.rootfs == rootfs {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
