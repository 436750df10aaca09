//! The further bridges of a network: planned when a cable needs one, made before it is laid,
//! and taken down with the network.
//!
//! Their steps are in the plan of the network. Whoever is to be plugged into one looks whether
//! it stands, since the container that it was planned for may not have come so far.

use crate::{
    Error, Plan,
    machine::Machine,
    network::{StoredPlan, stored_plan},
    networks::to_json,
    plan::Carrier,
    step::{Act, Finding, Step},
    steps::MakeShard,
};
use minet_model::BridgeNetwork;
use minet_state::{NetworkRow, Transaction};

/// A further bridge that a cable will be plugged into.
pub(crate) struct Shard {
    steps: Plan,
    /// Nobody has planned it before.
    is_new: bool,
}

/// The further bridge of this number; records that it is to be made, if it is new.
pub(crate) fn require(
    tx: &Transaction<'_>,
    row: &NetworkRow,
    number: u16,
) -> Result<Option<Shard>, Error> {
    let Some(StoredPlan { boot, mut plan }) = stored_plan(row).filter(|_| number > 0) else {
        return Ok(None);
    };
    let steps = Plan {
        steps: steps(&row.network, &plan, number),
    };
    let is_new = !numbers(&plan).any(|known| known == number);
    if is_new {
        plan.steps.extend(steps.steps.iter().cloned());
        let stored = to_json(&StoredPlan { boot, plan });
        tx.extend_network_plan(&row.network.name, &stored)?;
    }
    Ok(Some(Shard { steps, is_new }))
}

/// The steps of one further bridge, beside those of the network's own.
fn steps(network: &BridgeNetwork, plan: &Plan, number: u16) -> Vec<Step> {
    let mut steps = vec![Step::MakeShard(MakeShard {
        network: network.clone(),
        number,
    })];
    // Frames come by other firewalls as well, where the kernel shows them.
    steps.extend(plan.steps.iter().find_map(|step| match step {
        Step::PassForeignDrop(passage) if passage.bridge == network.bridge => {
            let mut passage = passage.clone();
            passage.bridge = network.shard(number);
            Some(Step::PassForeignDrop(passage))
        }
        _ => None,
    }));
    steps
}

/// The numbers of the further bridges in a network's plan.
pub(crate) fn numbers(plan: &Plan) -> impl Iterator<Item = u16> {
    plan.steps.iter().filter_map(|step| match step {
        Step::MakeShard(step) => Some(step.number),
        _ => None,
    })
}

/// Takes the further bridges of a plan over into a newer one of the same network.
pub(crate) fn carry_over(before: &Plan, network: &BridgeNetwork, plan: &mut Plan) {
    for number in numbers(before) {
        plan.steps.extend(steps(network, plan, number));
    }
}

impl Shard {
    /// What a container that is the first on it will do.
    pub(crate) fn new_steps(&self) -> &[Step] {
        match self.is_new {
            true => &self.steps.steps,
            false => &[],
        }
    }

    /// Makes it, unless it stands.
    pub(crate) fn build(&self, carrier: &mut Carrier<'_>) -> Result<(), Error> {
        match self.stands(carrier.machine())? {
            true => Ok(()),
            false => carrier.carry_out(&self.steps.steps),
        }
    }

    fn stands(&self, machine: &mut Machine) -> Result<bool, Error> {
        for step in &self.steps.steps {
            if let Step::MakeShard(step) = step
                && step.check(machine)? != Finding::AsPlanned
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
