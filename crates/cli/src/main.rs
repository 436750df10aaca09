//! `minet`: parse, call the runtime, print.
//!
//! Nothing here knows how a network is made. The options become a checked
//! [`minet_model::ContainerSpec`] (`options/`), the runtime does the work, and what it
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
mod cid_file;
mod commands;
mod complete;
mod docker_only;
mod explainer;
mod filter;
mod format;
mod late;
mod lifecycle;
mod link_options;
mod network_filter;
mod network_options;
mod network_settings;
mod options;
mod output;
mod ports_column;
mod prune_filter;
mod table;
mod template;
mod times;
mod usage;

use arguments::{Arguments, Command, ContainerCommand, Kind, OnContainers};
use clap::Parser;
use minet_runtime::Paths;
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
        Err(error) => return usage::explain(&error),
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
        Command::Containers(command) => on_containers(command, paths),
        Command::Container(ContainerCommand::Containers(command)) => on_containers(command, paths),
        Command::Container(ContainerCommand::Ls(ps)) => commands::ps::ps(&ps, paths),
        Command::Container(ContainerCommand::Inspect(inspect)) => {
            let mut inspect = inspect.into_inner();
            inspect.kind = Some(Kind::Container);
            commands::inspect::inspect(&inspect, paths)
        }
        Command::Container(ContainerCommand::Prune(prune)) => commands::prune::prune(&prune, paths),
        Command::Restore => commands::restore::restore(paths),
        Command::Inspect(inspect) => commands::inspect::inspect(&inspect, paths),
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

fn on_containers(command: OnContainers, paths: Paths) -> Result<u8, commands::Failure> {
    match command {
        OnContainers::Run(run) => commands::run::run(run.into_inner(), paths),
        OnContainers::Start(names) => commands::start::start(&names, paths),
        OnContainers::Stop(stop) => commands::stop::stop(&stop, paths),
        OnContainers::Restart(restart) => commands::stop::restart(&restart, paths),
        OnContainers::Kill(kill) => commands::stop::kill(&kill, paths),
        OnContainers::Wait(names) => commands::wait::wait(&names, paths),
        OnContainers::Logs(logs) => commands::logs::logs(logs.into_inner(), paths),
        OnContainers::Exec(exec) => commands::exec::exec(exec.into_inner(), paths),
        OnContainers::Ps(ps) => commands::ps::ps(&ps, paths),
        OnContainers::Top(top) => commands::top::top(&top, paths),
        OnContainers::Stats(stats) => commands::stats::stats(&stats, paths),
        OnContainers::Port(port) => commands::port::port(&port, paths),
        OnContainers::Rename(rename) => commands::rename::rename(&rename, paths),
        OnContainers::Rm(rm) => commands::rm::rm(&rm, paths),
    }
}
