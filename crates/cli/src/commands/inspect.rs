use super::{Failure, for_each, open};
use crate::{
    arguments::{InspectOptions, Kind},
    output::print,
    template::Form,
};
use minet_runtime::{Error, Paths, Runtime};
use serde_json::Value;

pub(crate) fn inspect(options: &InspectOptions, paths: Paths) -> Result<u8, Failure> {
    let look: fn(&mut Runtime, &str) -> Result<Value, Error> = match options.kind {
        None => Runtime::inspect_object,
        Some(Kind::Container) => Runtime::inspect,
        Some(Kind::Network) => Runtime::inspect_network,
    };
    show(&options.names, options.format.as_deref(), look, paths)
}

/// Prints an array, as Docker does, with those that were found, or a line of a template for
/// each; the others are told.
pub(super) fn show(
    names: &[String],
    format: Option<&str>,
    look: fn(&mut Runtime, &str) -> Result<Value, Error>,
    paths: Paths,
) -> Result<u8, Failure> {
    // As a script leaves it that has nothing to say.
    let format = format.filter(|format| !format.is_empty());
    let form = format.filter(|format| *format != "json").map(Form::parse);
    let form = form
        .transpose()
        .map_err(|error| Failure::of_template(&error))?;
    let mut runtime = open(paths).map_err(|error| Failure::of_command(&error))?;
    let mut found = Vec::new();
    let outcome = for_each(names, |name| {
        found.push(look(&mut runtime, name)?);
        Ok(())
    });
    match (form, format) {
        (Some(form), _) => {
            for object in &found {
                let text = form.fill_in(object);
                let text = text.map_err(|error| Failure::of_template(&error))?;
                print(&format!("{text}\n"));
            }
        }
        (None, Some(_)) => print(&format!("{}\n", Value::Array(found))),
        (None, None) => print(&format!("{:#}\n", Value::Array(found))),
    }
    outcome
}
