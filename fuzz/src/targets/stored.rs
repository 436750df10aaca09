//! What minet stored itself, in this version or another, or what a broken disk made of it.

use super::{Target, promise, text};
use minet_model::{BridgeNetwork, ContainerSpec, NetworkSpec};
use minet_runtime::{Plan, Settings};
use serde::{Serialize, de::DeserializeOwned};

const SETTINGS: &str = r#"{"hostname":"a1b2","etc_dir":"/run/minet/containers/a1b2","netns_link":"/run/netns/web","attachments":[{"network":"bridge","bridge":"minet0","address":"172.17.0.2/16","gateway":"172.17.0.1","mac":"02:42:ac:11:00:02","interface":"eth0","host_end":"vetha1b2","mtu":1500,"reach":"Outside","neighbours":"Talk","gw_priority":0,"aliases":[]}],"gateway_network":"bridge","name_is_made_up":false}"#;

const PLAN: &str = r#"[{"MakeNamespace":{"name":"web","link":"/run/netns/web"}},{"GuardCable":{"name":"web","host_end":"vetha1b2","mac":"02:42:ac:11:00:02","addresses":["172.17.0.2"]}},{"SetLinkUp":{"name":"web","interface":"eth0"}},{"GiveAddress":{"name":"web","interface":"eth0","address":"172.17.0.2/16"}}]"#;

const NETWORK: &str = r#"{"name":"back","subnet":"10.9.0.0/24","gateway":null,"ip_range":"10.9.0.128/25","reserved":{"router":"10.9.0.2"},"mtu":1400,"bridge":"Own","masquerade":"On","reach":"Outside","neighbours":"Apart","labels":{},"options":{}}"#;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "stored-settings",
            examples: &[SETTINGS],
            run: stored::<Settings>,
        },
        Target {
            name: "stored-plan",
            examples: &[PLAN],
            run: |input| {
                // Whatever can be read can be told, on one line each.
                if let Ok(plan) = serde_json::from_str::<Plan>(&text(input)) {
                    for step in &plan.steps {
                        let _ = step.act().explain();
                    }
                }
                stored::<Plan>(input)
            },
        },
        Target {
            name: "stored-network",
            examples: &[NETWORK],
            run: |input| {
                stored::<NetworkSpec>(input)?;
                stored::<BridgeNetwork>(input)
            },
        },
        Target {
            name: "stored-spec",
            examples: &[
                r#"{"command":["true"],"name":"web","mode":"Host","networks":[],"publish":[],"publish_all":false}"#,
            ],
            run: stored::<ContainerSpec>,
        },
    ]
}

/// What can be read is written as what reads as the same.
fn stored<T: Serialize + DeserializeOwned + PartialEq>(input: &[u8]) -> Result<(), String> {
    let Ok(value) = serde_json::from_str::<T>(&text(input)) else {
        return Ok(());
    };
    let written = serde_json::to_string(&value).map_err(|error| error.to_string())?;
    let same = serde_json::from_str::<T>(&written).is_ok_and(|again| again == value);
    promise(same, || {
        format!("is stored as {written}, which is not the same")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else nothing but refusals would be tried.
    #[test]
    fn the_examples_are_understood() {
        serde_json::from_str::<Settings>(SETTINGS).unwrap();
        serde_json::from_str::<Plan>(PLAN).unwrap();
        serde_json::from_str::<NetworkSpec>(NETWORK).unwrap();
    }
}
