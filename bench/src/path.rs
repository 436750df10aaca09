//! `--path`: the way of one `minet run` through the kernel's network, as strace(1) sees it.
//!
//! strace stops the program before and after each call, which takes some 20 to 50 µs more
//! per call; what one sees is which calls there are, and which of them are long.

use crate::{race::Effort, session::Session};
use anyhow::{Context, Result, ensure};
use minet_tests::Place;
use std::{fs, path::Path, time::Duration};

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
    session.output(Place::Host, &line, Duration::from_secs(30))?;
    print!("{}", table(&fs::read_to_string(&trace)?)?);
    Ok(())
}

/// A line of the table.
struct Call {
    at: f64,
    text: String,
    micros: f64,
}

fn table(trace: &str) -> Result<String> {
    let calls: Vec<Call> = trace.lines().filter_map(parse).collect();
    let began = trace
        .lines()
        .find_map(time_of)
        .context("strace wrote nothing")?;
    let mut text = "| after ms | µs | call |\n| ---: | ---: | --- |\n".to_owned();
    for call in &calls {
        let at = (call.at - began) * 1e3;
        text += &format!("| {at:.2} | {:.0} | `{}` |\n", call.micros, call.text);
    }
    let sum: f64 = calls.iter().map(|call| call.micros).sum();
    Ok(text + &format!("\n{} calls, {:.2} ms in all\n", calls.len(), sum / 1e3))
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
            let call = head.split(['{', '[']).next().unwrap_or_default();
            format!("{} {}", call.trim_end_matches([',', ' ']), words.join(" "))
        }
    }
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
