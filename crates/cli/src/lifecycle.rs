//! The options of the commands that act on containers after their start.

use crate::{arguments::NamesOption, format::Format, prune_filter::PruneFilter};
use clap::{Args, Subcommand};
use minet_model::{ContainerName, SignalNumber};

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    /// Wait for more until the container ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Show so many of the last lines, or all
    #[arg(short = 'n', long, value_name = "NUMBER", default_value = "all")]
    pub(crate) tail: Tail,
    /// Show what is younger: 10m, 1h30m, 2026-01-31T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,
    /// Show when each line was printed
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail(pub(crate) Option<usize>);

impl std::str::FromStr for Tail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Tail(None)),
            number => number
                .parse()
                .map(|number| Tail(Some(number)))
                .map_err(|_| "write a number, or all".to_owned()),
        }
    }
}

/// A moment, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) i64);

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds_ago = span(text).map(|span| crate::commands::ps::now() - span);
        let absolute = || {
            let seconds: f64 = text.parse().ok()?;
            #[expect(clippy::cast_possible_truncation, reason = "a time fits")]
            seconds.is_finite().then_some((seconds * 1000.0) as i64)
        };
        seconds_ago
            .or_else(absolute)
            .or_else(|| minet_runtime::parse_time(text))
            .map(Since)
            .ok_or_else(|| "write 10m, 2026-01-31T12:00:00Z, or seconds since 1970".to_owned())
    }
}

/// `1h30m` in milliseconds.
fn span(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400_000,
            b'h' => 3_600_000,
            b'm' => 60_000,
            b's' => 1000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

#[derive(Debug, Args)]
pub(crate) struct StopOptions {
    /// Seconds until it is killed; -1 for never
    #[arg(short = 't', long, visible_alias = "timeout", value_name = "SECONDS", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..))]
    pub(crate) time: Option<i32>,
    #[command(flatten)]
    pub(crate) names: NamesOption,
}

#[derive(Debug, Args)]
pub(crate) struct KillOptions {
    /// Send this signal
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    pub(crate) signal: SignalNumber,
    #[command(flatten)]
    pub(crate) names: NamesOption,
}

#[derive(Debug, Args)]
pub(crate) struct RenameOptions {
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    pub(crate) name: ContainerName,
}

#[derive(Debug, Args)]
pub(crate) struct PortOptions {
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Only this port of the container
    #[arg(value_name = "PORT[/PROTOCOL]")]
    pub(crate) port: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TopOptions {
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Args)]
pub(crate) struct StatsOptions {
    /// Print once, and not again every second
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// table, json, or a template such as 'table {{.Name}}\\t{{.RxRate}}'
    #[arg(long, default_value = "table")]
    pub(crate) format: Format,
    /// Names or IDs, or the beginnings of IDs; all that run if none is given
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContainerCommand {
    /// Remove all containers that have ended
    Prune(PruneOptions),
}

#[derive(Debug, Args)]
pub(crate) struct PruneOptions {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Remove only some: label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME (made before, or so long ago)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) filter: Vec<PruneFilter>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spans_or_moments() {
        assert_eq!(span("1h30m"), Some(5_400_000));
        assert_eq!(span("90s"), Some(90_000));
        for text in ["", "m", "10", "1x", "-1m"] {
            assert_eq!(span(text), None, "{text:?}");
        }
        assert_eq!("1.5".parse(), Ok(Since(1500)));
        assert_eq!("1970-01-01T00:01:00Z".parse(), Ok(Since(60_000)));
        assert_eq!("1970-01-02".parse(), Ok(Since(86_400_000)));
        assert!("yesterday".parse::<Since>().is_err());
    }
}
