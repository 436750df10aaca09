//! The value of a key as the type that it has to be.

use crate::{Located, Problem, document::Document};
use serde_json::{Value, json};
use std::str::FromStr;

impl Document {
    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Located> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => {
                let meant = !matches!(&other, Value::String(text) if text == "false");
                Err(self.wrong(key, "true or false", &other, &json!(meant)))
            }
        }
    }

    /// A text in quotes that says what `expected` describes.
    pub(crate) fn parsed<T: FromStr>(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Located> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let problem = || Problem::Value {
            key: key.to_owned(),
            given: text.clone(),
            expected,
        };
        text.parse().map(Some).map_err(|_| self.at(key, problem()))
    }

    /// A text in quotes.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<String>, Located> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Array(list)) if list.len() == 1 => {
                Err(self.wrong(key, "one value", &Value::Array(list.clone()), &list[0]))
            }
            Some(other) => {
                let right = json!(other.to_string());
                Err(self.wrong(key, "a text in quotes", &other, &right))
            }
        }
    }

    /// A number.
    pub(crate) fn number(&mut self, key: &'static str) -> Result<Option<i64>, Located> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => {
                    let digits = value.as_str().and_then(|text| text.parse::<i64>().ok());
                    let right = json!(digits.unwrap_or(1500));
                    Err(self.wrong(key, "a number without quotes", &value, &right))
                }
            },
        }
    }

    /// A list of texts that each say what `expected` describes.
    pub(crate) fn list<T: FromStr>(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Vec<T>, Located> {
        let mut items = Vec::new();
        for text in self.texts(key)? {
            items.push(text.parse().map_err(|_| {
                let problem = Problem::Value {
                    key: key.to_owned(),
                    given: text.clone(),
                    expected,
                };
                self.at(key, problem)
            })?);
        }
        Ok(items)
    }

    /// A list of words as resolv.conf can hold them.
    pub(crate) fn words(&mut self, key: &'static str) -> Result<Vec<String>, Located> {
        let texts = self.texts(key)?;
        let is_word = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        match texts.iter().find(|text| !is_word(text)) {
            None => Ok(texts),
            Some(text) => {
                let problem = Problem::Value {
                    key: key.to_owned(),
                    given: text.clone(),
                    expected: "one word: each has quotes of its own",
                };
                Err(self.at(key, problem))
            }
        }
    }

    fn texts(&mut self, key: &'static str) -> Result<Vec<String>, Located> {
        let list = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => {
                let right = json!([other]);
                return Err(self.wrong(key, "a list", &other, &right));
            }
        };
        let mut texts = Vec::new();
        for item in list {
            match item {
                Value::String(text) => texts.push(text),
                other => {
                    let right = json!([other.to_string()]);
                    return Err(self.wrong(key, "a list of texts in quotes", &other, &right));
                }
            }
        }
        Ok(texts)
    }

    /// A value of the wrong kind, and how it is written right.
    pub(crate) fn wrong(
        &self,
        key: &str,
        expected: &'static str,
        given: &Value,
        right: &Value,
    ) -> Located {
        let problem = Problem::Type {
            key: key.to_owned(),
            expected,
            given: describe(given),
            right: self.syntax.spell(key, right),
        };
        self.at(key, problem)
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}
