//! Labels: given, shown, and used to choose with.

use minet_tests::TestHost;

#[test]
fn a_containers_labels_are_shown_and_chosen_by() {
    let host = TestHost::new();
    let file = host.file("labels", "# ours\n\ntier=web\ncom.x.team=net\n");
    let file = file.display();
    let command =
        format!("run -d --name web --label-file {file} -l tier=front --label empty -- sleep 100");
    host.minet(command).succeed();
    host.minet("run -d --name db -l tier=db -- sleep 100")
        .succeed();
    let labels = &host.inspect("web")["Config"]["Labels"];
    // What is said beside the file counts more.
    assert_eq!(labels["tier"], "front");
    assert_eq!(labels["com.x.team"], "net");
    assert_eq!(labels["empty"], "");
    let names = |filters: &[&str]| {
        let mut words = vec!["ps", "--format", "{{.Names}}"];
        for filter in filters {
            words.extend(["--filter", filter]);
        }
        let text = host.minet(words.as_slice()).succeed();
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(&["label=tier"]), "db web");
    assert_eq!(names(&["label=tier=db"]), "db");
    assert_eq!(names(&["label=tier", "label=empty"]), "web");
    assert_eq!(names(&["label=tier=db", "label=tier=front"]), "");
    let format = "table {{.Names}}\t{{.Label \"tier\"}}\t{{.Labels}}";
    let table = host.minet(["ps", "--format", format]).succeed();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["NAMES", "TIER", "LABELS"]
    );
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["db", "db", "tier=db"]
    );
    assert!(
        lines[2].ends_with("com.x.team=net,empty=,tier=front"),
        "{table}"
    );
    host.minet("run -l =x -- true")
        .refused(&["invalid label \"=x\""]);
    host.minet("run --label-file /nonexistent -- true")
        .refused(&["read --label-file /nonexistent"]);
}

#[test]
fn what_is_pruned_is_chosen_by_labels() {
    let host = TestHost::new();
    for (name, label) in [("old", "keep=no"), ("new", "keep=yes"), ("bare", "other")] {
        host.minet(format!("run --name {name} -l {label} -- true"))
            .succeed();
        host.minet(format!("network create --label {label} {name}"))
            .succeed();
    }
    let left = |command: &str| {
        let text = host.minet(command).succeed();
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let containers = || left("ps -a --format {{.Names}}");
    let networks = || left("network ls --filter type=custom --format {{.Name}}");
    assert_eq!(networks(), "bare new old");
    host.minet("container prune -f --filter label=keep=no")
        .succeed();
    assert_eq!(containers(), "bare new");
    host.minet("container prune -f --filter until=1h").succeed();
    assert_eq!(containers(), "bare new");
    host.minet("container prune -f --filter label!=keep")
        .succeed();
    assert_eq!(containers(), "new");
    assert_eq!(
        host.minet("network prune -f --filter label=keep=no")
            .succeed(),
        "old"
    );
    assert_eq!(host.minet("network prune --filter until=1h").succeed(), "");
    assert_eq!(
        host.minet("network prune -f --filter label!=keep")
            .succeed(),
        "bare"
    );
    assert_eq!(networks(), "new");
    host.minet("container prune -f --filter name=new")
        .refused_with(2, &["the keys are label, label! and until"]);
}

#[test]
fn networks_are_listed_as_containers_are() {
    let host = TestHost::new();
    host.minet("network create --label tier=db --internal vault")
        .succeed();
    host.minet("network create --label tier=web front")
        .succeed();
    let list = |options: &[&str]| {
        let words = [&["network", "ls"], options].concat();
        host.minet(words.as_slice()).succeed()
    };
    let name = "{{.Name}}";
    assert_eq!(
        list(&["--format", name, "--filter", "label=tier=db"]),
        "vault"
    );
    assert_eq!(list(&["--format", name, "-f", "name=ron"]), "front");
    assert_eq!(list(&["--format", name, "-f", "driver=host"]), "host");
    assert_eq!(
        list(&["--format", name, "-f", "type=builtin"]),
        "bridge\nhost\nnone"
    );
    let format = "table {{.Name}}\t{{.Label \"tier\"}}\t{{.Internal}}";
    let table = list(&["--format", format, "--filter", "label=tier"]);
    let words: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "NAME", "TIER", "INTERNAL", "front", "web", "false", "vault", "db", "true"
        ]
    );
    let json: Vec<serde_json::Value> = list(&["--format", "json", "-f", "label=tier"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(json[1]["Labels"], "tier=db");
    host.minet("network ls --filter colour=red")
        .refused_with(2, &["the keys are name, id, driver, scope, type, dangling"]);
    host.leave("--name web --network front", "true");
    host.minet("wait web").succeed();
    assert_eq!(list(&["--format", name, "-f", "dangling=true"]), "vault");
    assert_eq!(
        list(&["--format", name, "-f", "dangling=0", "-f", "type=custom"]),
        "front"
    );
}
