use super::Failure;
use crate::arguments::DoctorOptions;
use crate::output::{print, print_json, visible};
use minet_runtime::{Diagnosis, Paths, Severity};

pub(crate) fn doctor(options: &DoctorOptions, paths: Paths) -> Result<u8, Failure> {
    let mut diagnoses =
        minet_runtime::doctor(paths).map_err(|error| Failure::of_command(&error))?;
    let wrong = diagnoses
        .iter()
        .any(|diagnosis| diagnosis.severity == Severity::Wrong);
    if options.quiet {
        diagnoses.retain(|diagnosis| diagnosis.severity > Severity::Fine);
    }
    match options.json {
        true => print_json(&diagnoses),
        false => diagnoses
            .iter()
            .for_each(|diagnosis| print(&told(diagnosis))),
    }
    Ok(u8::from(wrong))
}

/// What is fine is one line; what is not says why it matters and what mends it.
fn told(diagnosis: &Diagnosis) -> String {
    let word = match diagnosis.severity {
        Severity::Fine => "fine",
        Severity::Note => "note",
        Severity::Warning => "WARNING",
        Severity::Wrong => "WRONG",
    };
    let mut text = format!(
        "{word:<8} {}: {}\n",
        diagnosis.name,
        visible(&diagnosis.found)
    );
    if diagnosis.severity > Severity::Fine {
        text.push_str(&format!("         why:  {}\n", diagnosis.why));
    }
    if let Some(mend) = &diagnosis.mend {
        text.push_str(&format!("         mend: {}\n", visible(mend)));
    }
    text
}
