//! What `ps`, `inspect`, `top` and `stats` print, and how it can be asked for.

use minet_tests::TestHost;
use serde_json::json;
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
    let plain = host.minet(["inspect", "--format", "", "web"]).json();
    assert_eq!(plain[0]["Name"], "/web");
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
        .refused_with(1, &["template parsing error", "there are ID, Names, Image"]);
}

#[test]
fn ps_has_every_field_that_dockers_users_ask_for() {
    let host = TestHost::new();
    host.leave(
        "--name web -v /usr:/usr:ro -l a=b --expose 9",
        "exec sleep 1000",
    );
    host.leave(
        "--name ports -p 8000-8002:80-82 -p 443:443",
        "exec sleep 1000",
    );
    let ps = |format: &str, more: &str| {
        let mut words = vec!["ps", "--format", format];
        words.extend(more.split_whitespace());
        host.minet(words.as_slice()).succeed()
    };
    let made = ps("{{.CreatedAt}}", "-f name=web");
    let words: Vec<&str> = made.split(' ').collect();
    assert_eq!(words[2..], ["+0000", "UTC"], "{made}");
    let fields =
        "{{.Image}}|{{.Command}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Size}}|{{.Labels}}|{{.Ports}}";
    assert_eq!(
        ps(fields, "-f name=web"),
        r#"/|"sh -c exec sleep 10…"|/usr|0|0B|a=b|9/tcp"#
    );
    // What keeps its number comes first, and what is in a row is one entry.
    assert_eq!(
        ps("{{.Ports}}", "-f name=ports"),
        "0.0.0.0:443->443/tcp, [::]:443->443/tcp, \
         0.0.0.0:8000-8002->80-82/tcp, [::]:8000-8002->80-82/tcp"
    );
    assert_eq!(ps("table {{json .Names}}", "-f name=web"), "NAMES\n\"web\"");
    let table = ps("", "");
    assert!(table.starts_with("CONTAINER ID"), "{table}");
    let quiet = host.minet(["ps", "-q", "--format", "{{.Names}}"]);
    assert!(quiet.stderr().contains("Ignoring custom format"), "{quiet}");
    assert_eq!(quiet.succeed().lines().count(), 2);
}

#[test]
fn templates_work_for_what_is_stopped_and_for_what_is_on_no_network() {
    let host = TestHost::new();
    host.leave("--name web --label a=b --expose 9", "exec sleep 1000");
    let inspect = |template: &str| host.minet(["inspect", "-f", template, "web"]).succeed();
    assert_eq!(
        inspect("{{json .NetworkSettings.Ports}}"),
        r#"{"9/tcp":null}"#
    );
    assert_eq!(
        inspect(
            "{{index .Config.Labels \"none\"}}|{{.Config.Domainname}}|{{.HostConfig.Privileged}}"
        ),
        "||false"
    );
    let networks = "{{range .NetworkSettings.Networks}}{{.Gateway}}|{{.IPAddress}}|\
                    {{.MacAddress}}|{{.IPPrefixLen}}|{{len .NetworkID}}|{{len .EndpointID}}{{end}}";
    assert_eq!(
        inspect(networks),
        "172.17.0.1|172.17.0.2|02:42:ac:11:00:02|16|64|64"
    );
    host.minet("stop -t 0 web").succeed();
    assert_eq!(inspect(networks), "|||0|64|0");
    host.minet("start web").succeed();
    host.minet("network disconnect bridge web").succeed();
    assert_eq!(inspect("{{json .NetworkSettings.Networks}}"), "{}");
    host.minet("restart -t 0 web").succeed();
    assert_eq!(inspect("{{json .NetworkSettings.Networks}}"), "{}");
    assert_eq!(host.minet("exec web -- ls /sys/class/net").succeed(), "lo");
}

#[test]
fn what_was_asked_of_ports_is_told_apart_from_what_it_became() {
    let host = TestHost::new();
    let options = "--name web -p 80 -p 127.0.0.1:8080-8081:90 -p 53:53/udp";
    host.leave(options, "exec sleep 1000");
    let asked = host.inspect("web")["HostConfig"]["PortBindings"].clone();
    let binding = |ip: &str, port: &str| json!([{ "HostIp": ip, "HostPort": port }]);
    assert_eq!(asked["80/tcp"], binding("", ""));
    assert_eq!(asked["90/tcp"], binding("127.0.0.1", "8080-8081"));
    assert_eq!(asked["53/udp"], binding("", "53"));
    let became = host.inspect("web")["NetworkSettings"]["Ports"].clone();
    assert_eq!(became["90/tcp"], binding("127.0.0.1", "8080"));
}

#[test]
fn inspect_finds_networks_too_and_takes_templates_for_them() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 backend")
        .succeed();
    host.leave("--name web --network backend", "exec sleep 1000");
    let name = ["-f", "{{.Name}}"];
    let inspect = |words: &[&str]| {
        let words = [&["inspect"], words, &name].concat();
        host.minet(words.as_slice())
    };
    assert_eq!(inspect(&["web", "backend"]).succeed(), "/web\nbackend");
    assert_eq!(
        inspect(&["--type", "network", "backend"]).succeed(),
        "backend"
    );
    inspect(&["--type", "network", "web"]).refused_with(1, &["network web not found"]);
    inspect(&["--type", "container", "backend"]).refused_with(1, &["No such container: backend"]);
    inspect(&["nobody"]).refused_with(1, &["No such object: nobody"]);
    let of_network = |template: &str| {
        host.minet(["network", "inspect", "--format", template, "backend"])
            .succeed()
    };
    assert_eq!(
        of_network("{{(index .IPAM.Config 0).Subnet}} {{range .Containers}}{{.Name}}{{end}}"),
        "10.9.0.0/24 web"
    );
    let json = host.minet("network inspect -f json backend").json();
    assert_eq!(json[0]["Driver"], "bridge");
    host.minet(["network", "inspect", "-f", "{{.Nonsense}}", "backend"])
        .refused_with(1, &["template parsing error", "Nonsense"]);
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
    // Docker's names begin with a slash.
    assert_eq!(names("-f name=^/web$"), "web");
    assert_eq!(names("-n 1"), "failed");
    assert_eq!(names("--latest"), "failed");
    assert_eq!(names("-n 2"), "done failed");
    assert_eq!(names("-f status=dead -f status=paused"), "");
    assert_eq!(names("-a -f before=done"), "web webmail");
    assert_eq!(names("-a -f since=done"), "failed");
    host.leave("--name ports -p 127.0.0.1:8080:80 -v /usr:/u", "sleep 1000");
    assert_eq!(names("-f publish=8080"), "ports");
    assert_eq!(names("-f publish=8000-9000/tcp"), "ports");
    assert_eq!(names("-f publish=8080/udp"), "");
    assert_eq!(names("-f expose=80"), "ports");
    assert_eq!(names("-f volume=/u"), "ports");
    assert_eq!(names("-f volume=/usr"), "ports");
    host.minet("ps -f since=nobody")
        .refused_with(1, &["No such container: nobody"]);
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
    assert_eq!(of("idle")["PIDs"], "1");
    let usage = of("idle")["MemUsage"].as_str().unwrap();
    assert!(usage.ends_with("GiB") && usage.contains("iB / "), "{usage}");
    let line = "{{.Container}} {{.MemPerc}} {{.BlockIO}} {{.NetIO}}";
    let words = ["stats", "--no-stream", "--format", line, "busy"];
    let words = host.minet(words).succeed();
    assert!(words.starts_with("busy 0."), "{words}");
    let table = host.minet("stats --no-stream busy").succeed();
    assert!(table.lines().next().unwrap().contains("NET I/O"));
    assert!(!table.contains("idle"));
}
