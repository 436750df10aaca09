//! `minet`: parse, call the runtime, print.
//!
//! Nothing here knows how a network is made. The options become a checked
//! [`minet_model::ContainerSpec`] (`options.rs`), the runtime does the work, and what it
//! tells is printed here and nowhere else.
//!
//! Exit codes: the command's own for `run` and `exec`; 125 for whatever minet itself
//! failed in; 126 and 127 for a command that cannot be executed or found; 1 for what the
//! other subcommands failed in; 2 is clap's for a command line that cannot be read, except
//! that `run` and `exec` then too exit with 125, as Docker's do.

#![expect(
    rustdoc::broken_intra_doc_links,
    reason = "the help of an option is shown in a terminal; its brackets are no links"
)]

mod addressing;
mod arguments;
mod commands;
mod complete;
mod explainer;
mod filter;
mod format;
mod lifecycle;
mod link_options;
mod network_filter;
mod network_options;
mod network_settings;
mod options;
mod output;
mod prune_filter;
mod table;
mod template;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser, error::ErrorKind};
use std::process::ExitCode;

/// What a container command exits with when minet itself failed.
const OWN_FAILURE: u8 = 125;

fn main() -> ExitCode {
    minet_runtime::share_one_heap();
    if let Some(code) = minet_runtime::answer_names_if_started_to() {
        return ExitCode::from(code);
    }
    if let Err(error) = minet_runtime::close_inherited() {
        output::tell(&format!("minet: {error}"));
        return ExitCode::from(OWN_FAILURE);
    }
    complete::answer_shell();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain_usage(&error),
    };
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::tell(&format!("minet: {}", failure.message));
            ExitCode::from(failure.code)
        }
    }
}

fn run(arguments: Arguments) -> Result<u8, commands::Failure> {
    let paths = arguments.paths();
    match arguments.command {
        Command::Run(run) => commands::run::run(*run, paths),
        Command::Start(names) => commands::start::start(&names, paths),
        Command::Stop(stop) => commands::stop::stop(&stop, paths),
        Command::Restart(restart) => commands::stop::restart(&restart, paths),
        Command::Kill(kill) => commands::stop::kill(&kill, paths),
        Command::Wait(names) => commands::wait::wait(&names, paths),
        Command::Logs(logs) => commands::logs::logs(logs, paths),
        Command::Top(top) => commands::top::top(&top, paths),
        Command::Stats(stats) => commands::stats::stats(&stats, paths),
        Command::Port(port) => commands::port::port(&port, paths),
        Command::Rename(rename) => commands::rename::rename(&rename, paths),
        Command::Restore => commands::restore::restore(paths),
        Command::Container(command) => commands::prune::container(&command, paths),
        Command::Exec(exec) => commands::exec::exec(exec, paths),
        Command::Ps(ps) => commands::ps::ps(&ps, paths),
        Command::Inspect(inspect) => commands::inspect::inspect(&inspect, paths),
        Command::Rm(rm) => commands::rm::rm(&rm, paths),
        Command::Network(network) => commands::network::network(network, paths),
        Command::Publish(options) => commands::publish::publish(&options, paths),
        Command::Unpublish(options) => commands::publish::unpublish(&options, paths),
        Command::Link(options) => commands::link::link(&options, paths),
        Command::Unlink(options) => commands::link::unlink(&options, paths),
        Command::Leases(options) => commands::leases::leases(&options, paths),
        Command::Dns(options) => commands::dns::dns(&options, paths),
        Command::Veth(options) => commands::veth::veth(&options, paths),
        Command::Nsenter(options) => commands::nsenter::nsenter(&options, paths),
        Command::Check(check) => commands::check::check(&check, paths),
        Command::Repair(repair) => commands::repair::repair(&repair, paths),
        Command::Completion(options) => commands::manual::completion(&options),
        Command::Manual(options) => commands::manual::manual(&options),
        Command::Config(command) => commands::config::config(&command, paths),
        Command::Doctor(options) => commands::doctor::doctor(&options, paths),
        Command::Gc(gc) => commands::gc::gc(&gc, paths),
    }
}

/// Help goes to standard output and is no failure; a wrong option is one, of the kind that
/// the subcommand has.
fn explain_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        output::print(&text);
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::tell(&text);
        return ExitCode::from(2);
    }
    let subcommand = std::env::args_os()
        .skip(1)
        .filter_map(|word| word.into_string().ok())
        .find(|word| Arguments::command().find_subcommand(word).is_some());
    let subcommand = subcommand.unwrap_or_default();
    output::tell(&format!("minet: {}", in_one_line(&text, &subcommand)));
    match subcommand.as_str() {
        "run" | "exec" => ExitCode::from(OWN_FAILURE),
        _ => ExitCode::from(2),
    }
}

/// The library explains in a paragraph and repeats the usage; the paragraph is enough.
fn in_one_line(text: &str, subcommand: &str) -> String {
    let wanted = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let line = wanted.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let help = format!("minet {subcommand}").trim_end().to_owned();
    output::visible(&format!("{line} (see {help} --help)"))
}
