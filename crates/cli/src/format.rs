//! How a list is printed.

use crate::{
    table,
    template::{Form, LabelsOf},
};
use minet_model::Labels;
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

/// Fills a template in for each of `objects`, one on a line.
pub(crate) fn lines(template: &str, objects: &[Object]) -> Result<String, gotmpl::TemplateError> {
    let form = Form::parse(template)?;
    let line = |object: &Object| {
        let labels = LabelsOf::Object(object.labels.clone());
        Ok(form.fill_in_with(&object.fields, labels)? + "\n")
    };
    objects.iter().map(line).collect()
}

/// The same in columns, with their titles from `head`.
pub(crate) fn columns(
    template: &str,
    head: &Value,
    objects: &[Object],
) -> Result<String, gotmpl::TemplateError> {
    let form = Form::parse(template)?;
    let of_object = |object: &Object| {
        form.fill_in_with(&object.fields, LabelsOf::Object(object.labels.clone()))
    };
    let titles = std::iter::once_with(|| form.fill_in_with(head, LabelsOf::Titles));
    let rows = titles
        .chain(objects.iter().map(of_object))
        .map(|line| Ok(line?.split('\t').map(str::to_owned).collect()));
    let rows: Result<Vec<Vec<String>>, gotmpl::TemplateError> = rows.collect();
    Ok(table::render(&rows?))
}
