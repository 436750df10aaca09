use super::{Failure, open};
use crate::{OWN_FAILURE, arguments::ExecOptions, options};
use minet_model::TerminalMode;
use minet_runtime::{ExecRequest, Paths};

pub(crate) fn exec(exec: ExecOptions, paths: Paths) -> Result<u8, Failure> {
    let env = options::variables(&exec.env).map_err(|error| Failure {
        message: crate::output::visible(&error.to_string()),
        code: OWN_FAILURE,
    })?;
    let request = ExecRequest {
        container: exec.container,
        command: exec.command,
        env,
        workdir: exec.workdir,
        user: exec.user,
        terminal: TerminalMode {
            interactive: exec.interactive,
            tty: exec.tty,
        },
    };
    open(paths)
        .and_then(|mut runtime| runtime.exec(request))
        .map_err(|error| Failure::of_container(&error))
}
