use super::{
    Failure, open,
    start::{Left, leave_running},
};
use crate::{
    OWN_FAILURE,
    cid_file::CidFile,
    explainer::{Explainer, Level, in_words},
    options::RunOptions,
    output::{print, visible},
};
use minet_runtime::{
    Direction, FailAfter, Paths, Purpose, RunRequest, Runtime, raise_shield, script,
};

pub(crate) fn run(options: RunOptions, paths: Paths) -> Result<u8, Failure> {
    let level = if options.explain {
        Level::Steps
    } else {
        Level::Notes
    };
    let shown = shown(&options);
    let detach = options.detach;
    let fail_after = options.fail_after.map(FailAfter);
    let cid_path = options.cidfile.clone();
    let own_failure = |message: String| Failure {
        message: visible(&message),
        code: OWN_FAILURE,
    };
    let spec = options
        .into_spec(&paths)
        .map_err(|error| own_failure(error.to_string()))?;
    if let Some(shown) = shown {
        let mut explainer = Explainer::new(level);
        let rehearsal = Runtime::open(paths, Purpose::Rehearse)
            .and_then(|mut runtime| runtime.rehearse(&spec, &mut explainer))
            .map_err(|error| Failure::of_container(&error))?;
        match shown {
            Shown::Script(direction) => print(&script(&rehearsal, direction)),
            Shown::Steps => {
                for (index, step) in rehearsal.plan.steps.iter().enumerate() {
                    print(&format!("{}\n", in_words(index + 1, &step.act().explain())));
                }
            }
        }
        return Ok(0);
    }
    let cid_file = cid_path.as_deref().map(CidFile::create);
    let mut cid_file = cid_file.transpose().map_err(own_failure)?;
    if detach {
        if spec.rootfs.is_some() {
            raise_shield().map_err(|error| Failure::of_container(&error))?;
        }
        let request = RunRequest { spec, fail_after };
        let mut work = |runtime: &mut Runtime, explainer: &mut Explainer, report| {
            runtime.run_detached(&request, explainer, report)
        };
        return Ok(match leave_running(&paths, level, &mut work)? {
            Left::Running(id) => {
                print(&id);
                if let Some(file) = &mut cid_file {
                    file.keep();
                    file.write(id.trim()).map_err(own_failure)?;
                }
                0
            }
            Left::Failed(code) => code,
            Left::Ended => {
                // The other half of the process looks after the file.
                cid_file.iter_mut().for_each(CidFile::keep);
                0
            }
        });
    }
    let mut explainer = Explainer::with_cid_file(level, cid_file);
    let code = open(paths)
        .and_then(|mut runtime| runtime.run(&RunRequest { spec, fail_after }, &mut explainer))
        .map_err(|error| Failure::of_container(&error))?;
    explainer.keep_cid_file();
    Ok(code)
}

/// What is printed instead of being done.
enum Shown {
    Steps,
    Script(Direction),
}

fn shown(options: &RunOptions) -> Option<Shown> {
    match (options.dry_run, options.script, options.down) {
        (false, ..) => None,
        (true, false, _) => Some(Shown::Steps),
        (true, true, false) => Some(Shown::Script(Direction::Up)),
        (true, true, true) => Some(Shown::Script(Direction::Down)),
    }
}
