//! The options of the commands that act on containers after their start.

use crate::{arguments::NamesOption, format::Format, prune_filter::PruneFilter, times::Moment};
use clap::Args;
use minet_model::{ContainerName, SignalNumber};

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    /// Wait for more until the container ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Show so many of the last lines, or all
    #[arg(
        short = 'n',
        long,
        value_name = "NUMBER",
        default_value = "all",
        allow_negative_numbers = true
    )]
    pub(crate) tail: Tail,
    /// Show what is younger: 10m, 1h30m, 2026-01-31T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<Moment>,
    /// Show what is older, written in the same way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<Moment>,
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
        if text == "all" {
            return Ok(Tail(None));
        }
        let number: i64 = text
            .parse()
            .map_err(|_| "write a number, or all".to_owned())?;
        // As Docker has it, less than nothing is all.
        Ok(Tail(usize::try_from(number).ok()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct StopOptions {
    /// Seconds until it is killed; -1 for never
    #[arg(short = 't', long, visible_alias = "timeout", value_name = "SECONDS", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..))]
    pub(crate) time: Option<i32>,
    /// Send this signal first, and not its stop signal
    #[arg(short, long, value_name = "SIGNAL")]
    pub(crate) signal: Option<SignalNumber>,
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
    /// Print whole IDs
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// table, json, or a template such as 'table {{.Name}}\\t{{.RxRate}}'
    #[arg(long, default_value = "table")]
    pub(crate) format: Format,
    /// Names or IDs, or the beginnings of IDs; all that run if none is given
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
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
