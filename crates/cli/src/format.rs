//! How a list is printed.

use crate::{table, template::Form};
use serde_json::Value;

/// `--format` of the commands that list things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// The columns that the command has by itself.
    Table,
    /// One JSON object a line.
    Json,
    /// A template for each line.
    Template(String),
    /// Columns of a template, `\t` between them, with a head.
    TableOf(String),
}

impl std::str::FromStr for Format {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "table" => Format::Table,
            "json" => Format::Json,
            other => match other.strip_prefix("table ") {
                Some(columns) => Format::TableOf(columns.trim().to_owned()),
                None => Format::Template(other.to_owned()),
            },
        })
    }
}

/// Fills a template in for each of `objects`, one on a line.
pub(crate) fn lines(template: &str, objects: &[Value]) -> Result<String, gotmpl::TemplateError> {
    let form = Form::parse(template)?;
    let lines = objects
        .iter()
        .map(|object| Ok(form.fill_in(object)? + "\n"));
    lines.collect()
}

/// The same in columns, with their titles from `head`.
pub(crate) fn columns(
    template: &str,
    head: &Value,
    objects: &[Value],
) -> Result<String, gotmpl::TemplateError> {
    let form = Form::parse(template)?;
    let rows = std::iter::once(head).chain(objects).map(|object| {
        let line = form.fill_in(object)?;
        Ok(line.split('\t').map(str::to_owned).collect())
    });
    let rows: Result<Vec<Vec<String>>, gotmpl::TemplateError> = rows.collect();
    Ok(table::render(&rows?))
}
