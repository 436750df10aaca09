//! A file as keys with their values and lines, whichever of the two languages it is in.

use crate::{Located, Problem};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The language of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// minet's own.
    Toml,
    /// Docker's.
    Json,
}

impl Syntax {
    /// By its name or, since no TOML begins with a brace, by its first character.
    pub fn of(file: &Path, text: &str) -> Self {
        let named = file.extension().is_some_and(|ending| ending == "json");
        match named || text.trim_start().starts_with('{') {
            true => Syntax::Json,
            false => Syntax::Toml,
        }
    }

    /// How a key and its value are written.
    pub(crate) fn spell(self, key: &str, value: &Value) -> String {
        match self {
            Syntax::Json => format!("\"{key}\": {value}"),
            Syntax::Toml => format!("{key} = {}", inline(value)),
        }
    }
}

/// A value in TOML: the same as in JSON, but for tables.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let pair = |(key, value): (&String, &Value)| format!("{key} = {}", inline(value));
            let pairs: Vec<String> = table.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// The keys of a file that have a value.
pub(crate) struct Document {
    pub(crate) syntax: Syntax,
    entries: BTreeMap<String, Entry>,
    asked: BTreeSet<&'static str>,
}

struct Entry {
    line: Option<usize>,
    value: Value,
}

impl Document {
    pub(crate) fn parse(syntax: Syntax, text: &str) -> Result<Self, Located> {
        let entries = match syntax {
            Syntax::Toml => toml(text)?,
            Syntax::Json => json(text)?,
        };
        Ok(Document {
            syntax,
            entries,
            asked: BTreeSet::new(),
        })
    }

    /// The keys that stand in the file.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The value of a key, if it has one: an empty one is none, since Docker's
    /// documentation writes out the whole file so.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<Value> {
        let value = self.peek(key).cloned()?;
        self.asked.insert(key);
        Some(value)
    }

    /// The same, when it will have no effect.
    pub(crate) fn peek(&self, key: &str) -> Option<&Value> {
        let value = self.entries.get(key).map(|entry| &entry.value);
        value.filter(|value| !is_empty(value))
    }

    /// The keys that were asked for, and had a value.
    pub(crate) fn given(&self) -> BTreeSet<&'static str> {
        self.asked.clone()
    }

    /// A problem with this key, at its line.
    pub(crate) fn at(&self, key: &str, problem: Problem) -> Located {
        (self.entries.get(key).and_then(|entry| entry.line), problem)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(table) => table.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn toml(text: &str) -> Result<BTreeMap<String, Entry>, Located> {
    let parsed: Result<BTreeMap<toml::Spanned<String>, Value>, _> = toml::from_str(text);
    let table = parsed.map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let message = error.message().replace('\n', ", ");
        let syntax = "TOML";
        (line, Problem::Syntax { syntax, message })
    })?;
    let entry = |(key, value): (toml::Spanned<String>, Value)| {
        let line = Some(line_of(text, key.span().start));
        (key.into_inner(), Entry { line, value })
    };
    Ok(table.into_iter().map(entry).collect())
}

fn json(text: &str) -> Result<BTreeMap<String, Entry>, Located> {
    let parsed: Result<BTreeMap<String, Value>, _> = serde_json::from_str(text);
    let table = parsed.map_err(|error| {
        let line = Some(error.line()).filter(|line| *line > 0);
        // The place stands in front already.
        let whole = error.to_string();
        let message = whole.split(" at line ").next().unwrap_or_default();
        let problem = Problem::Syntax {
            syntax: "JSON",
            message: message.to_owned(),
        };
        (line, problem)
    })?;
    let entry = |(key, value): (String, Value)| {
        let line = text
            .find(&format!("\"{key}\""))
            .map(|offset| line_of(text, offset));
        (key, Entry { line, value })
    };
    Ok(table.into_iter().map(entry).collect())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}
