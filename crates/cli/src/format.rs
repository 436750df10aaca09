//! How a list is printed.

use crate::{
    table,
    template::{Form, LabelsOf},
};
use gotmpl::TemplateError;
use minet_model::Labels;
use serde_json::Value;
use std::fmt;

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

impl Format {
    /// Whether it is a template.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self, Format::Template(_) | Format::TableOf(_))
    }
}

impl std::str::FromStr for Format {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "table" | "" => Format::Table,
            "json" => Format::Json,
            other => match other.strip_prefix("table ") {
                Some(columns) => Format::TableOf(columns.trim().to_owned()),
                None => Format::Template(other.to_owned()),
            },
        })
    }
}

/// What a template is filled in with.
pub(crate) struct Object {
    /// What a name with a dot stands for.
    pub(crate) fields: Value,
    /// What `{{.Label "KEY"}}` looks into.
    pub(crate) labels: Labels,
}

impl From<Value> for Object {
    fn from(fields: Value) -> Self {
        Object {
            fields,
            labels: Labels::new(),
        }
    }
}

/// A template that cannot be read, or asks for what is not there.
#[derive(Debug)]
pub(crate) struct BadTemplate {
    error: TemplateError,
    /// What it could ask for.
    fields: Vec<String>,
}

impl fmt::Display for BadTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template parsing error: {}", self.error)?;
        match &self.error {
            TemplateError::MissingKey { .. } => write!(f, "; there are {}", self.fields.join(", ")),
            _ => Ok(()),
        }
    }
}

/// A list as it is to be printed. `titles` are those of all fields, `table` is the command's
/// own.
pub(crate) fn render(
    format: &Format,
    titles: &Value,
    objects: &[Object],
    table: impl FnOnce() -> String,
) -> Result<String, BadTemplate> {
    let rendered = match format {
        Format::Table => Ok(table()),
        Format::Json => Ok(objects
            .iter()
            .map(|object| format!("{}\n", object.fields))
            .collect()),
        Format::Template(template) => lines(template, objects),
        Format::TableOf(template) => columns(template, titles, objects),
    };
    rendered.map_err(|error| BadTemplate {
        error,
        fields: fields(titles),
    })
}

fn fields(titles: &Value) -> Vec<String> {
    let titles = titles.as_object();
    let fields = titles.into_iter().flat_map(|titles| titles.keys());
    fields.cloned().collect()
}

/// Fills a template in for each of `objects`, one on a line.
fn lines(template: &str, objects: &[Object]) -> Result<String, TemplateError> {
    let form = Form::parse(template)?;
    let line = |object: &Object| {
        let labels = LabelsOf::Object(object.labels.clone());
        Ok(form.fill_in_with(&object.fields, labels)? + "\n")
    };
    objects.iter().map(line).collect()
}

/// The same in columns, with their titles.
fn columns(template: &str, titles: &Value, objects: &[Object]) -> Result<String, TemplateError> {
    let form = Form::parse(template)?;
    let head = Form::of_titles(template)?.fill_in_with(titles, LabelsOf::Titles);
    let of_object = |object: &Object| {
        form.fill_in_with(&object.fields, LabelsOf::Object(object.labels.clone()))
    };
    let rows = std::iter::once(head)
        .chain(objects.iter().map(of_object))
        .map(|line| Ok(line?.split('\t').map(str::to_owned).collect()));
    let rows: Result<Vec<Vec<String>>, TemplateError> = rows.collect();
    Ok(table::render(&rows?))
}
