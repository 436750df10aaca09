use super::{
    Failure, open,
    start::{Left, leave_running, shield},
};
use crate::{
    OWN_FAILURE,
    arguments::ExecOptions,
    explainer::{Explainer, Level},
    options,
};
use minet_model::TerminalMode;
use minet_runtime::{ExecRequest, Paths, Runtime};

pub(crate) fn exec(exec: ExecOptions, paths: Paths) -> Result<u8, Failure> {
    let env = options::environment(&exec.env_file, &exec.env).map_err(|error| Failure {
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
    if exec.detach {
        shield()?;
        let mut request = Some(request);
        let mut work = |runtime: &mut Runtime, _: &mut Explainer, report| match request.take() {
            Some(request) => runtime.exec_detached(request, report),
            None => Ok(()),
        };
        return Ok(match leave_running(&paths, Level::Notes, &mut work)? {
            Left::Running(_) | Left::Ended => 0,
            Left::Failed(code) => code,
        });
    }
    open(paths)
        .and_then(|mut runtime| runtime.exec(request))
        .map_err(|error| Failure::of_container(&error))
}
