use crate::{Error, machine::Machine, narrator::Narrator, step::Step};
use minet_model::{BridgeNetwork, IfName};
use serde::{Deserialize, Serialize};

/// The steps that make something, in order.
///
/// Computed as data before the kernel is touched, stored before the first step, and then
/// the one source of run, rollback, removal, crash repair, `--dry-run` and `--explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plan {
    /// First to last.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The bridge of the network that this plan brings up.
    pub(crate) fn bridge(&self) -> Option<&IfName> {
        self.network().map(|network| &network.bridge)
    }

    /// The network that this plan brings up.
    pub(crate) fn network(&self) -> Option<&BridgeNetwork> {
        self.steps.iter().find_map(|step| match step {
            Step::AdmitNetwork(step) => Some(&step.network),
            _ => None,
        })
    }

    /// The steps that the world of the container's process is made of, and those that need
    /// not be done when that is begun.
    pub(crate) fn around_world(&self) -> (&[Step], &[Step]) {
        let of_world = |step: &Step| {
            matches!(
                step,
                Step::MakeNamespace(_) | Step::WriteEtcFiles(_) | Step::MakeMountPoints(_)
            )
        };
        let last = self.steps.iter().rposition(of_world);
        self.steps.split_at(last.map_or(0, |last| last + 1))
    }

    /// Takes a step up right behind the one that admits the network.
    pub(crate) fn insert_behind_admission(&mut self, step: Step) {
        let is_admission = |step: &Step| matches!(step, Step::AdmitNetwork(_));
        let admission = self.steps.iter().position(is_admission);
        self.steps
            .insert(admission.map_or(self.steps.len(), |at| at + 1), step);
    }

    /// As it is stored.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a plan is made of strings and numbers")
    }
}

/// A step failed; everything before it has been undone, as far as that was possible.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StepFailed {
    /// The heading of the step that failed.
    pub what: String,
    /// Why it failed: the original error.
    #[source]
    pub source: Box<Error>,
    /// What in turn failed during the undo.
    pub left_behind: Vec<String>,
}

/// Where a learner, or a test, wants to see a failure: after this many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailAfter(pub usize);

/// Carries plans out, counting the steps across them.
pub(crate) struct Carrier<'a> {
    machine: &'a mut Machine,
    narrator: &'a mut dyn Narrator,
    fail_after: Option<FailAfter>,
    done: usize,
}

impl<'a> Carrier<'a> {
    /// Steps will be applied to `machine` and told to `narrator`.
    pub(crate) fn new(
        machine: &'a mut Machine,
        narrator: &'a mut dyn Narrator,
        fail_after: Option<FailAfter>,
    ) -> Self {
        Carrier {
            machine,
            narrator,
            fail_after,
            done: 0,
        }
    }

    /// The machine, between plans.
    pub(crate) fn machine(&mut self) -> &mut Machine {
        self.machine
    }

    /// The narrator, between plans.
    pub(crate) fn narrator(&mut self) -> &mut dyn Narrator {
        self.narrator
    }

    /// Applies each step in turn; when one fails, undoes it and all before it.
    pub(crate) fn carry_out(&mut self, steps: &[Step]) -> Result<(), Error> {
        for (index, step) in steps.iter().enumerate() {
            self.narrator.tell_step(self.done + 1, step.act());
            if let Err(source) = self.apply(step) {
                // The failed step too: it may have done half of its work.
                let left_behind = self.undo(&steps[..=index]);
                return Err(Error::Step(StepFailed {
                    what: step.act().explain().what,
                    source: Box::new(source),
                    left_behind,
                }));
            }
            self.done += 1;
        }
        Ok(())
    }

    /// Carries out a container's plan, and in the middle begins what is to grow by itself
    /// beside the rest of it: the world of its process.
    pub(crate) fn carry_out_around<Growing>(
        &mut self,
        plan: &Plan,
        begin: impl FnOnce(&mut Machine) -> Result<Growing, Error>,
    ) -> Result<Growing, Error> {
        let (before, beside) = plan.around_world();
        self.carry_out(before)?;
        let grown =
            begin(self.machine).and_then(|growing| self.carry_out(beside).map(|()| growing));
        if grown.is_err() {
            self.undo(before);
        }
        grown
    }

    /// Fails if the user asked to see a failure here.
    pub(crate) fn pretend_failure(&self) -> Result<(), Error> {
        match self.fail_after {
            Some(FailAfter(steps)) if steps == self.done => Err(Error::Pretended { steps }),
            Some(_) | None => Ok(()),
        }
    }

    /// Undoes these steps, the last one first, whatever happens on the way.
    pub(crate) fn undo(&mut self, steps: &[Step]) -> Vec<String> {
        let mut left_behind = Vec::new();
        for step in steps.iter().rev() {
            if self.narrator.follows_steps() {
                self.narrator.undo(&step.act().explain());
            }
            if let Err(error) = step.act().undo(self.machine) {
                left_behind.push(format!(
                    "undo \"{}\": {}",
                    step.act().explain().what,
                    error.chain()
                ));
            }
        }
        left_behind
    }

    fn apply(&mut self, step: &Step) -> Result<(), Error> {
        self.pretend_failure()?;
        step.act().apply(self.machine)
    }
}
