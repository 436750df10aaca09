use super::{Failure, open};
use crate::{
    format::{self, Object},
    lifecycle::StatsOptions,
    output::{print, print_as_it_is},
    table,
};
use minet_runtime::{Error, Paths, Runtime, Traffic, Usage};
use serde_json::{Value, json};
use std::{
    io::{self, IsTerminal},
    thread,
    time::{Duration, Instant},
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Home, and clear to the end of the screen (ECMA-48).
const REPAINT: &str = "\x1b[H\x1b[J";

/// Rates need two looks: the first line comes after a second.
pub(crate) fn stats(options: &StatsOptions, paths: Paths) -> Result<u8, Failure> {
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let mut before = look(&mut runtime, options)?;
    loop {
        thread::sleep(INTERVAL);
        let after = look(&mut runtime, options)?;
        let text = render(options, &compare(options, &before, &after))?;
        if !options.no_stream && io::stdout().is_terminal() {
            print_as_it_is(REPAINT);
        }
        print(&text);
        if options.no_stream {
            return Ok(0);
        }
        before = after;
    }
}

struct Look {
    at: Instant,
    usages: Vec<Usage>,
}

fn look(runtime: &mut Runtime, options: &StatsOptions) -> Result<Look, Failure> {
    runtime
        .usage(&options.containers)
        .map(|usages| Look {
            at: Instant::now(),
            usages,
        })
        .map_err(|error: Error| Failure::of_command(&error))
}

/// One line for each interface, or one for a container without any.
fn compare(options: &StatsOptions, before: &Look, after: &Look) -> Vec<Value> {
    let seconds = (after.at - before.at).as_secs_f64();
    let mut lines = Vec::new();
    for usage in &after.usages {
        let earlier = before.usages.iter().find(|other| other.id == usage.id);
        let cpu = earlier.map_or(0.0, |earlier| (usage.cpu - earlier.cpu).max(0.0) / seconds);
        let mut line = json!({
            "ID": if options.no_trunc { usage.id.as_str() } else { usage.id.short() },
            "Name": usage.name,
            "Container": usage.name,
            "CPUPerc": percent(cpu),
            "MemUsage": format!("{} / {}", bytes(usage.memory), bytes(usage.memory_limit)),
            "MemPerc": percent(share(usage.memory, usage.memory_limit)),
            "BlockIO": format!("{} / {}", bytes(usage.read), bytes(usage.written)),
            "PIDs": usage.processes.to_string(),
            "Interface": "",
            "RxRate": "", "TxRate": "", "RxPackets": "", "TxPackets": "", "NetIO": "",
        });
        if usage.interfaces.is_empty() {
            lines.push(line.clone());
        }
        for traffic in &usage.interfaces {
            let earlier = earlier.and_then(|earlier| {
                let mut same = earlier.interfaces.iter();
                same.find(|other| other.interface == traffic.interface)
            });
            describe(&mut line, traffic, earlier.unwrap_or(traffic), seconds);
            lines.push(line.clone());
        }
    }
    lines
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "hundredths of a percent")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn describe(line: &mut Value, now: &Traffic, before: &Traffic, seconds: f64) {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for the eye; it is never negative"
    )]
    let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds) as u64;
    line["Interface"] = json!(now.interface);
    line["RxRate"] = json!(format!("{}/s", bytes(rate(now.received, before.received))));
    line["TxRate"] = json!(format!("{}/s", bytes(rate(now.sent, before.sent))));
    let packets = rate(now.packets_received, before.packets_received);
    line["RxPackets"] = json!(format!("{packets}/s"));
    line["TxPackets"] = json!(format!("{}/s", rate(now.packets_sent, before.packets_sent)));
    line["NetIO"] = json!(format!("{} / {}", bytes(now.received), bytes(now.sent)));
}

fn render(options: &StatsOptions, lines: &[Value]) -> Result<String, Failure> {
    let columns = [
        ("ID", "CONTAINER ID"),
        ("Name", "NAME"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("PIDs", "PIDS"),
        ("Interface", "INTERFACE"),
        ("RxRate", "RX"),
        ("TxRate", "TX"),
        ("RxPackets", "RX PACKETS"),
        ("TxPackets", "TX PACKETS"),
        ("NetIO", "NET I/O"),
    ];
    let head: Value = columns
        .iter()
        .chain(&[("Container", "CONTAINER"), ("BlockIO", "BLOCK I/O")])
        .map(|(key, title)| ((*key).to_owned(), json!(title)))
        .collect();
    let objects: Vec<Object> = lines.iter().cloned().map(Object::from).collect();
    let table = || {
        let cells = |line: &Value| {
            let cell = |(key, _): &(&str, &str)| match &line[*key] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            columns.iter().map(cell).collect()
        };
        let rows: Vec<Vec<String>> = std::iter::once(&head).chain(lines).map(cells).collect();
        table::render(&rows)
    };
    format::render(&options.format, &head, &objects, table)
        .map_err(|error| Failure::of_list(&error))
}

/// Powers of 1,024, three or four digits.
fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a number for the eye")]
    let mut number = count as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if number < 1024.0 {
            break;
        }
        number /= 1024.0;
        unit = next;
    }
    match unit {
        "B" => format!("{count}B"),
        _ => format!("{number:.1}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_for_the_eye() {
        let texts = [0, 1023, 1024, 1_500_000, u64::MAX].map(super::bytes);
        assert_eq!(texts, ["0B", "1023B", "1.0KiB", "1.4MiB", "16384.0PiB"]);
    }
}
