//! Following others: what has come, or changed, since a network was brought up.

use super::{bridges_of, note, obstacles, passage_of, plan_passage};
use crate::{
    Error, Machine, Runtime, exits, network,
    plan::Plan,
    step::{Act, Finding, Step},
    steps::PassForeignDrop,
};
use minet_model::{BridgeNetwork, IfName, NetworkName};

/// Whether [`catch_up`] would find something to do.
pub(crate) fn has_changed(runtime: &mut Runtime) -> Result<bool, Error> {
    for (_, plan) in network::standing(runtime)? {
        let Some(network) = plan.network() else {
            continue;
        };
        let machine = &mut runtime.machine;
        if !obstacles(machine, network, &plan)?.is_empty()
            || exits::outdated(machine, network, &plan)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets the networks that stand pass firewalls that came, or changed, after them, and keeps
/// them out of others' bridges as these are now. Says what it did. The caller keeps others
/// from bringing networks up or down.
pub(crate) fn catch_up(runtime: &mut Runtime) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    for (name, mut plan) in network::standing(runtime)? {
        let Some(network) = plan.network().cloned() else {
            continue;
        };
        let mut changed: Vec<Step> = Vec::new();
        if let Some(restraint) = exits::catch_up(&mut runtime.machine, &network, &mut plan)? {
            done.push(format!(
                "network {name} is kept out of others' bridges as they are now"
            ));
            changed.push(Step::Restrain(restraint));
        }
        for bridge in bridges_of(&network, &plan) {
            if let Some(passage) = passage_now(&mut runtime.machine, &network, &plan, &bridge)? {
                done.push(note(&passage));
                replace(&mut plan, passage.clone());
                changed.push(Step::PassForeignDrop(passage));
            }
        }
        if changed.is_empty() {
            continue;
        }
        network::amend(runtime, &name, &plan)?;
        for step in changed {
            step.act().apply(&mut runtime.machine)?;
        }
    }
    Ok(done)
}

/// Takes away what lets a network pass, and what keeps it out of others' bridges, once it
/// leads out no more.
pub(crate) fn close(runtime: &mut Runtime, name: &NetworkName) -> Result<(), Error> {
    let standing = network::standing(runtime)?;
    let Some((_, mut plan)) = standing.into_iter().find(|(other, _)| other == name) else {
        return Ok(());
    };
    let leads_out = |step: &Step| matches!(step, Step::PassForeignDrop(_) | Step::Restrain(_));
    let (done, kept): (Vec<_>, Vec<_>) = plan.steps.into_iter().partition(leads_out);
    for step in done.iter().rev() {
        step.act().undo(&mut runtime.machine)?;
    }
    plan.steps = kept;
    network::amend(runtime, name, &plan)
}

/// The step that lets one of a network's bridges pass the firewalls of now, where that is not
/// what stands.
fn passage_now(
    machine: &mut Machine,
    network: &BridgeNetwork,
    plan: &Plan,
    bridge: &IfName,
) -> Result<Option<PassForeignDrop>, Error> {
    let Some(mut now) = plan_passage(machine, network, bridge)? else {
        return Ok(None);
    };
    if let Some(before) = passage_of(plan, bridge) {
        if before.check(machine)? == Finding::AsPlanned {
            return Ok(None);
        }
        // What was done before has to be undone as well.
        for chain in &before.chains {
            if !now.chains.contains(chain) {
                now.chains.push(chain.clone());
            }
        }
    }
    Ok(Some(now))
}

/// In the place of the step that was there, or behind those that close.
fn replace(plan: &mut Plan, passage: PassForeignDrop) {
    let is_the_same =
        |step: &Step| matches!(step, Step::PassForeignDrop(step) if step.bridge == passage.bridge);
    let at = plan.steps.iter().position(is_the_same);
    let step = Step::PassForeignDrop(passage.clone());
    if let Some(at) = at {
        plan.steps[at] = step;
        return;
    }
    let closes = |step: &Step| matches!(step, Step::AdmitNetwork(_) | Step::Restrain(_));
    let closed = plan.steps.iter().rposition(closes);
    plan.steps
        .insert(closed.map_or(plan.steps.len(), |at| at + 1), step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{AdmitNetwork, TuneBridge, Whose};
    use minet_model::{NetworkId, NetworkSpec};
    use minet_nat::{ChainFamily, ForeignChain};

    fn network() -> BridgeNetwork {
        let name = NetworkName::default_bridge();
        BridgeNetwork {
            name: name.clone(),
            id: NetworkId::from_bytes([1; 32]),
            bridge: "minet0".parse().unwrap(),
            subnet: "172.17.0.0/16".parse().unwrap(),
            ipv6: None,
            gateway: "172.17.0.1".parse().unwrap(),
            mtu: 1500,
            instance: None,
            asked: NetworkSpec::named(name),
        }
    }

    fn passage(chains: &[&str]) -> PassForeignDrop {
        let chain = |name: &&str| ForeignChain {
            family: ChainFamily::Ip,
            table: "filter".to_owned(),
            name: (*name).to_owned(),
        };
        PassForeignDrop {
            ipv6: false,
            bridge: "minet0".parse().unwrap(),
            network: "bridge".parse().unwrap(),
            chains: chains.iter().map(chain).collect(),
        }
    }

    #[test]
    fn a_passage_that_an_older_minet_planned_can_be_undone() {
        let old = r#"{"PassForeignDrop":{"bridge":"minet0","network":"bridge","exits":["lan0"],
            "chains":[{"family":"ip","table":"filter","name":"FORWARD"}]}}"#;
        let step: Step = serde_json::from_str(old).unwrap();
        assert_eq!(step, Step::PassForeignDrop(passage(&["FORWARD"])));
    }

    #[test]
    fn the_passage_comes_right_behind_the_admission_and_once() {
        let bridge = "minet0".parse().unwrap();
        let whose = Whose::Ours;
        let network = network();
        let mut plan = Plan {
            steps: vec![
                Step::AdmitNetwork(AdmitNetwork { network }),
                Step::TuneBridge(TuneBridge {
                    bridge,
                    whose,
                    ipv6: false,
                    neighbours: Default::default(),
                }),
            ],
        };
        for chains in [&["FORWARD"][..], &["FORWARD", "forward"]] {
            replace(&mut plan, passage(chains));
            assert_eq!(plan.steps.len(), 3);
            assert_eq!(plan.steps[1], Step::PassForeignDrop(passage(chains)));
        }
        let bridge = "minet0".parse().unwrap();
        assert_eq!(passage_of(&plan, &bridge).unwrap().chains.len(), 2);
    }
}
