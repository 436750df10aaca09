//! `--path`: the way of one `minet run` through the kernel's network, as strace(1) sees it.
//!
//! strace stops the program before and after each call, which takes some 20 to 50 µs more
//! per call; what one sees is which calls there are, and which of them are long.

use crate::{race::Effort, session::Session};
use anyhow::{Context, Result, ensure};
use minet_tests::Place;
use std::{fs, path::Path, time::Duration};

/// How often it is looked at.
const RUNS: usize = 7;

/// Calls that can change or ask the network; the rest is told by the descriptor.
const TRACED: &str = "trace=unshare,setns,socket,bind,listen,connect,setsockopt,sendto,sendmsg,\
                      recvfrom,recvmsg,openat2,openat,write,close,clone3";

pub(crate) fn show() -> Result<()> {
    ensure!(Path::new("/usr/bin/strace").exists(), "--path needs strace");
    let session = Session::new(Effort::Quick);
    session.minet("run --rm -p 8080:80 -- true")?;
    let trace = session.host.file("trace", "");
    let line = format!(
        "strace -f -ttt -q -T -yy -o {} -e {TRACED} {} run --rm -p 8080:80 -- true",
        trace.display(),
        minet_tests::minet().display()
    );
    // Others who make networks at the same moment are waited for; of several runs, the one
    // that waited the least.
    let mut best: Option<Way> = None;
    for _ in 0..RUNS {
        session.output(Place::Host, &line, Duration::from_secs(30))?;
        let found = Way::read(&fs::read_to_string(&trace)?)?;
        if best.as_ref().is_none_or(|best| found.sum() < best.sum()) {
            best = Some(found);
        }
    }
    print!("{}", best.context("no run")?.table());
    Ok(())
}

/// A line of the table.
struct Call {
    at: f64,
    text: String,
    micros: f64,
}

/// The calls of one run.
struct Way {
    began: f64,
    calls: Vec<Call>,
}

impl Way {
    fn read(trace: &str) -> Result<Self> {
        let began = trace.lines().find_map(time_of);
        Ok(Way {
            began: began.context("strace wrote nothing")?,
            calls: trace.lines().filter_map(parse).collect(),
        })
    }

    fn sum(&self) -> f64 {
        self.calls.iter().map(|call| call.micros).sum()
    }

    fn table(&self) -> String {
        let mut text = "| after ms | µs | call |\n| ---: | ---: | --- |\n".to_owned();
        for call in &self.calls {
            let at = (call.at - self.began) * 1e3;
            text += &format!("| {at:.2} | {:.0} | `{}` |\n", call.micros, call.text);
        }
        let (count, sum) = (self.calls.len(), self.sum() / 1e3);
        text + &format!("\n{count} calls, {sum:.2} ms in all\n")
    }
}

/// `1234 1700000000.123456 sendto(5<NETLINK:[ROUTE:17]>, …) = 36 <0.000123>`.
fn parse(line: &str) -> Option<Call> {
    let (_, rest) = line.split_once(' ')?;
    let (_, call) = rest.trim_start().split_once(' ')?;
    let touches = call.contains("NETLINK")
        || call.contains("/proc/sys/net")
        || call.contains("CLONE_NEWNET")
        || call.contains("AF_INET")
        || call.contains("<TCP")
        || call.contains("<UDP");
    let (call, took) = call.rsplit_once(" <")?;
    touches.then_some(())?;
    Some(Call {
        at: time_of(line)?,
        text: short(call),
        micros: took.strip_suffix('>')?.parse::<f64>().ok()? * 1e6,
    })
}

fn time_of(line: &str) -> Option<f64> {
    line.split_whitespace().nth(1)?.parse().ok()
}

/// As much as tells which call it is.
fn short(call: &str) -> String {
    let types = ["RTM_", "NFT_MSG_", "NFNL_MSG_", "IPCTNL_MSG_"];
    let call = &spelled(call);
    let mut words: Vec<&str> = call
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| types.iter().any(|kind| word.starts_with(kind)))
        .collect();
    words.dedup();
    let head: String = call.chars().take(76).collect();
    let head = head.replace('|', "¦");
    match words.is_empty() {
        true => head,
        false => {
            let call = head.split('(').next().unwrap_or_default();
            let inside = if head.contains("NETLINK:[") {
                ", inside"
            } else {
                ""
            };
            format!("{call}: {}{inside}", words.join(" "))
        }
    }
}

/// strace does not know the family of a socket from another namespace, and leaves its
/// messages as the numbers of `linux/rtnetlink.h`.
fn spelled(call: &str) -> String {
    let names = [
        ("0x10", "RTM_NEWLINK"),
        ("0x12", "RTM_GETLINK"),
        ("0x13", "RTM_SETLINK"),
        ("0x14", "RTM_NEWADDR"),
        ("0x18", "RTM_NEWROUTE"),
    ];
    names.iter().fold(call.to_owned(), |call, (number, name)| {
        let number = format!("nlmsg_type={number} ");
        call.replace(&number, &format!("nlmsg_type={name} "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_on_a_netlink_socket_is_on_the_path() {
        let line = "17 1700000000.5 sendto(5<NETLINK:[ROUTE:17]>, [{nlmsg_len=4, \
                    nlmsg_type=RTM_NEWLINK}], 36, 0, NULL, 0) = 36 <0.000250>";
        let call = parse(line).unwrap();
        assert_eq!(call.micros, 250.0);
        assert!(call.text.contains("RTM_NEWLINK"), "{}", call.text);
    }

    #[test]
    fn a_call_on_a_file_is_not() {
        let line = "17 1700000000.5 write(1</dev/null>, \"\"..., 3) = 3 <0.000010>";
        assert!(parse(line).is_none());
    }
}
