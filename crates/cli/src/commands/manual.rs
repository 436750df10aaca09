use super::Failure;
use crate::{
    arguments::{Arguments, CompletionOptions, ManualOptions},
    complete,
    output::print,
};
use clap::CommandFactory;

/// Prints the script that makes a shell complete minet's command lines.
pub(crate) fn completion(options: &CompletionOptions) -> Result<u8, Failure> {
    let script = complete::script(&options.shell).map_err(|error| Failure {
        message: format!("write the completion script for {}: {error}", options.shell),
        code: 1,
    })?;
    print(&script);
    Ok(0)
}

/// Writes one manual page for each command.
pub(crate) fn manual(options: &ManualOptions) -> Result<u8, Failure> {
    clap_mangen::generate_to(Arguments::command(), &options.dir).map_err(|error| Failure {
        message: format!(
            "write the manual pages into {}: {error}",
            options.dir.display()
        ),
        code: 1,
    })?;
    Ok(0)
}
