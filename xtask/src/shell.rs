//! Running other programs: say what is run, pass its exit code on.

use anyhow::{Context, Result};
use std::{
    fmt,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
};

/// A program that ran and did not succeed.
#[derive(Debug)]
pub(crate) struct Failed {
    line: String,
    code: Option<i32>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "`{}` ended with exit code {code}", self.line),
            None => write!(f, "`{}` was killed by a signal", self.line),
        }
    }
}

impl std::error::Error for Failed {}

/// The exit code of the program that made xtask fail, for xtask to end with as well.
pub(crate) fn exit_code_of(error: &anyhow::Error) -> Option<u8> {
    let failed = error.downcast_ref::<Failed>()?;
    failed.code.and_then(|code| u8::try_from(code).ok())
}

/// Prints the command as one would type it, and runs it to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    println!("   $ {line}");
    let status = command.status().with_context(|| format!("run `{line}`"))?;
    finished(&line, status)
}

/// Success, or an error that remembers the exit code of `what`.
pub(crate) fn finished(what: &str, status: ExitStatus) -> Result<()> {
    match status.success() {
        true => Ok(()),
        false => Err(Failed {
            line: what.to_owned(),
            code: status.code(),
        }
        .into()),
    }
}

/// What a command prints, if it succeeds.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run `{line}`"))?;
    finished(&line, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command succeeds; what it prints is nobody's business.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The cargo that runs this xtask, in the project's directory.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project_dir());
    command
}

/// The directory with the workspace's Cargo.toml.
pub(crate) fn project_dir() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or(xtask.clone(), PathBuf::from)
}

/// Where cargo puts what it builds: two directories above this very program.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let xtask = std::env::current_exe().context("find the running xtask")?;
    let target = xtask
        .ancestors()
        .nth(2)
        .context("find cargo's target directory")?;
    Ok(target.to_owned())
}

fn line_of(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    // `cargo`, rather than the path of the toolchain's own cargo.
    let program = program.file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .map(|word| match () {
            // A whole script: those who want to see it find it in the source.
            () if word.contains('\n') => "'…'".to_owned(),
            () if word.contains(' ') => format!("'{word}'"),
            () => word.into_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}
