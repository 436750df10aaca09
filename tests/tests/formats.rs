//! What `ps`, `inspect`, `top` and `stats` print, and how it can be asked for.

use minet_tests::TestHost;
use std::time::Duration;

#[test]
fn inspect_takes_the_templates_that_people_type() {
    let host = TestHost::new();
    let id = host.leave("--name web -p 8080:80 --restart always", "exec sleep 1000");
    host.leave("--name other", "exec sleep 1000");
    let address = host.address_of("web");
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    let pairs = [
        ("{{.Id}}", id.as_str()),
        ("{{.State.Pid}}", &pid),
        ("{{.State.Running}} {{.State.Status}}", "true running"),
        ("{{.NetworkSettings.IPAddress}}", &address),
        ("{{.NetworkSettings.Networks.bridge.IPAddress}}", &address),
        (
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            &address,
        ),
        (
            "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}",
            "8080",
        ),
        (
            "{{range $p, $c := .NetworkSettings.Ports}}{{$p}} -> {{(index $c 0).HostPort}}{{end}}",
            "80/tcp -> 8080",
        ),
        (
            "{{json .HostConfig.RestartPolicy}}",
            r#"{"MaximumRetryCount":0,"Name":"always"}"#,
        ),
        ("{{.Name}}", "/web"),
        (
            "{{if .HostConfig.AutoRemove}}gone{{else}}stays{{end}}",
            "stays",
        ),
    ];
    for (template, text) in pairs {
        let printed = host.minet(["inspect", "-f", template, "web"]).succeed();
        assert_eq!(printed, text, "{template}");
    }
    let two = host.minet(["inspect", "--format", "{{.Name}}", "web", "other"]);
    assert_eq!(two.succeed(), "/web\n/other");
    let one_missing = host.minet(["inspect", "-f", "{{.Name}}", "web", "nobody"]);
    assert_eq!(one_missing.stdout(), "/web\n");
    one_missing.end_with(1);
    let json = host.minet("inspect -f json web").json();
    assert_eq!(json[0]["Id"], id.as_str());
    host.minet(["inspect", "-f", "{{.Nonsense}}", "web"])
        .refused_with(1, &["template parsing error", "Nonsense"]);
    host.minet(["inspect", "-f", "{{.Name", "web"])
        .refused_with(1, &["template parsing error"]);
}

#[test]
fn ps_prints_templates_and_tables_of_them() {
    let host = TestHost::new();
    let id = host.leave("--name web -p 8080:80", "exec sleep 1000");
    let line = host.minet(["ps", "--format", "{{.ID}} {{.Names}} {{.State}} {{.Ports}}"]);
    let ports = "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp";
    assert_eq!(line.succeed(), format!("{} web running {ports}", &id[..12]));
    let long = host.minet(["ps", "--no-trunc", "--format", "{{.ID}}"]);
    assert_eq!(long.succeed(), id);
    let table = host
        .minet(["ps", "--format", "table {{.Names}}\\t{{.Address}}"])
        .succeed();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["NAMES", "ADDRESS"]);
    assert_eq!(rows[1], ["web", &host.address_of("web")]);
    let json = host.minet("ps --format json").json();
    assert_eq!(json["Names"], "web");
    host.minet(["ps", "--format", "{{.Nonsense}}"])
        .refused_with(1, &["template parsing error"]);
}

#[test]
fn ps_shows_only_what_is_asked_for() {
    let host = TestHost::new();
    let web = host.leave("--name web", "exec sleep 1000");
    host.leave("--name webmail --mode none", "exec sleep 1000");
    host.leave("--name done", "true");
    host.leave("--name failed", "exit 3");
    host.minet("wait done failed").succeed();
    let names = |filters: &str| {
        let words = format!("ps --format {{{{.Names}}}} {filters}");
        let printed = host.minet(words).succeed();
        let mut names: Vec<String> = printed.lines().map(str::to_owned).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(names("--filter name=web"), "web webmail");
    assert_eq!(names("--filter name=^web$"), "web");
    assert_eq!(names("-f name=mail -f name=done -a"), "done webmail");
    assert_eq!(names("-f status=exited"), "done failed");
    assert_eq!(names("-f exited=3"), "failed");
    assert_eq!(names("-f status=running -f network=none"), "webmail");
    assert_eq!(names("-f network=bridge"), "web");
    assert_eq!(names(&format!("-f id={}", &web[..8])), "web");
    host.minet("ps --filter colour=red")
        .refused_with(2, &["colour=red", "keys"]);
    host.minet("ps --filter status=happy")
        .refused_with(2, &["created, running"]);
}

#[test]
fn top_shows_the_processes_of_one_container() {
    let host = TestHost::new();
    host.leave("--name web", "sleep 1001 & exec sleep 1000");
    host.leave("--name other", "exec sleep 2000");
    let top = host.minet("top web").succeed();
    let mut lines = top.lines();
    assert!(lines.next().unwrap().starts_with("UID"));
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    assert!(
        lines
            .clone()
            .any(|line| line.contains(&pid) && line.ends_with("sleep 1000"))
    );
    assert!(lines.any(|line| line.ends_with("sleep 1001")));
    assert!(!top.contains("sleep 2000"));
    host.minet("stop web").succeed();
    host.minet("top web")
        .refused_with(1, &["web is not running"]);
}

#[test]
fn stats_shows_rates_of_each_interface() {
    let host = TestHost::new();
    let gateway = "172.17.0.1";
    host.leave(
        "--name busy --cap-add NET_RAW",
        &format!("exec ping -q -i 0.02 {gateway}"),
    );
    host.leave("--name idle --mode none", "exec sleep 1000");
    let stats = host.minet("stats --no-stream --format json");
    assert!(stats.took() > Duration::from_secs(1));
    let printed = stats.succeed();
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| lines.iter().find(|line| line["Name"] == name).unwrap();
    assert_eq!(of("busy")["Interface"], "eth0");
    let packets = of("busy")["RxPackets"].as_str().unwrap();
    let rate: u32 = packets.trim_end_matches("/s").parse().unwrap();
    assert!(rate >= 10, "{printed}");
    assert_ne!(of("busy")["RxRate"], "0B/s");
    assert_eq!(of("idle")["PIDs"], 1);
    let table = host.minet("stats --no-stream busy").succeed();
    assert!(table.lines().next().unwrap().contains("NET I/O"));
    assert!(!table.contains("idle"));
}
