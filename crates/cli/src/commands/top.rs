use super::{Failure, open};
use crate::{lifecycle::TopOptions, output::print, table, times::now};
use minet_runtime::{Paths, ProcessInfo};

pub(crate) fn top(options: &TopOptions, paths: Paths) -> Result<u8, Failure> {
    let processes = open(paths)
        .and_then(|mut runtime| runtime.top(&options.container))
        .map_err(|error| Failure::of_command(&error))?;
    let head = ["UID", "PID", "PPID", "ELAPSED", "TIME", "CMD"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(processes.iter().map(row));
    print(&table::render(&rows));
    Ok(0)
}

fn row(process: &ProcessInfo) -> Vec<String> {
    let elapsed = u64::try_from((now() - process.started).max(0) / 1000).unwrap_or(0);
    // What a terminal would act on is shown, not sent.
    let visible = |c: char| if c.is_control() { '?' } else { c };
    vec![
        process.uid.to_string(),
        process.pid.to_string(),
        process.parent.to_string(),
        clock(elapsed),
        clock(process.cpu),
        process.command.chars().map(visible).collect(),
    ]
}

fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}
