use crate::support::hermit_program;
use std::process::Command;

#[test]
fn a_hermit_has_nothing_and_gets_nowhere() {
    let output = Command::new(hermit_program()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.lines().collect();
    let nothing = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    let mut expected: Vec<String> = nothing.map(|set| format!("{set}:\t{:016x}", 0)).into();
    expected.push("NoNewPrivs:\t1".to_owned());
    // And of all that it tried nothing has succeeded, or failed for another reason.
    assert_eq!(said, expected);
}
