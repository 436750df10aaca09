use super::{Failure, for_each, open};
use crate::{arguments::InspectOptions, output::print, template::Form};
use minet_runtime::Paths;

/// Prints an array, as Docker does, with those that were found; the others are told.
pub(crate) fn inspect(options: &InspectOptions, paths: Paths) -> Result<u8, Failure> {
    let form = options.format.as_deref().filter(|format| *format != "json");
    let form = form
        .map(Form::parse)
        .transpose()
        .map_err(|error| Failure::of_template(&error))?;
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let mut found = Vec::new();
    let outcome = for_each(&options.names.containers, |container| {
        found.push(runtime.inspect(container)?);
        Ok(())
    });
    match (form, &options.format) {
        (Some(form), _) => {
            for container in &found {
                let text = form.fill_in(container);
                let text = text.map_err(|error| Failure::of_template(&error))?;
                print(&format!("{text}\n"));
            }
        }
        (None, Some(_)) => print(&format!("{}\n", serde_json::Value::Array(found))),
        (None, None) => print(&format!("{:#}\n", serde_json::Value::Array(found))),
    }
    outcome
}
