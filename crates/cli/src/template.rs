//! `--format`: the templates of Go that Docker's users type, by the library `gotmpl`.
//!
//! `{{.State.Pid}}`, `{{range $port, $to := .NetworkSettings.Ports}}…{{end}}`, `if`, `with`,
//! `index`, `printf`, `eq`, `len`… are the library's; `json`, `join`, `split`, `lower`,
//! `upper`, `title`, `truncate` and `pad` are Docker's, and stand here, as does
//! `{{.Label "KEY"}}` of the lists. What is different: keys of
//! `{{json .}}` come in alphabetical order, and a key that does not exist is an error
//! wherever it stands.

use gotmpl::{MissingKey, Template, TemplateError, Value};
use minet_model::Labels;
use regex_lite::Regex;
use serde_json::Value as Json;
use std::sync::Arc;

/// A template that can be filled in again and again.
pub(crate) struct Form(Template);

/// What `{{.Label "KEY"}}` is.
pub(crate) enum LabelsOf {
    /// The value that the object has for the key, or nothing.
    Object(Labels),
    /// The title of a column: the key.
    Titles,
}

impl Form {
    /// Reads a template, in which `\t` and `\n` may be written as they are here.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, json)
    }

    /// The same template for the titles of its columns, which no `json` puts in quotes.
    pub(crate) fn of_titles(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, |words| match words {
            [title] => Ok(title.clone()),
            _ => Err(wrong("json VALUE")),
        })
    }

    fn parse_with(
        text: &str,
        json: fn(&[Value]) -> Result<Value, TemplateError>,
    ) -> Result<Self, TemplateError> {
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        // In Go a method; here a value that has to be called.
        let method = Regex::new(r"\.Label\s+([\x22\x60(])").expect("a valid expression");
        let text = method.replace_all(&text, "call .Label $1");
        Template::new("")
            .missing_key(MissingKey::Error)
            .func("json", json)
            .func("join", join)
            .func("split", split)
            .func("lower", |words| change(words, "lower", str::to_lowercase))
            .func("upper", |words| change(words, "upper", str::to_uppercase))
            .func("title", |words| change(words, "title", title))
            .func("truncate", truncate)
            .func("pad", pad)
            .func("index", index)
            .parse(&text)
            .map(Form)
    }

    /// The text with the values of `data`.
    pub(crate) fn fill_in(&self, data: &Json) -> Result<String, TemplateError> {
        self.0.execute_to_string(&gotmpl::to_value(data)?)
    }

    /// The same, with labels that can be asked for one by one.
    pub(crate) fn fill_in_with(
        &self,
        data: &Json,
        labels: LabelsOf,
    ) -> Result<String, TemplateError> {
        let mut data = gotmpl::to_value(data)?;
        if let Value::Map(map) = &mut data {
            Arc::make_mut(map).insert("Label".into(), Value::Function(label(labels)));
        }
        self.0.execute_to_string(&data)
    }
}

fn label(labels: LabelsOf) -> gotmpl::ValueFunc {
    Arc::new(move |words| match (words, &labels) {
        ([Value::String(key)], LabelsOf::Object(labels)) => {
            Ok(text(labels.get(&**key).map_or("", String::as_str)))
        }
        ([Value::String(key)], LabelsOf::Titles) => Ok(text(&key.to_uppercase())),
        _ => Err(wrong(".Label \"KEY\"")),
    })
}

fn json(words: &[Value]) -> Result<Value, TemplateError> {
    match words {
        [value] => Ok(text(&to_json(value).to_string())),
        _ => Err(wrong("json VALUE")),
    }
}

fn join(words: &[Value]) -> Result<Value, TemplateError> {
    match words {
        [Value::List(list), Value::String(between)] => {
            let parts: Vec<String> = list.iter().map(Value::to_string).collect();
            Ok(text(&parts.join(between)))
        }
        _ => Err(wrong("join LIST TEXT")),
    }
}

fn split(words: &[Value]) -> Result<Value, TemplateError> {
    match words {
        [Value::String(whole), Value::String(between)] => {
            Ok(Value::List(whole.split(&**between).map(text).collect()))
        }
        _ => Err(wrong("split TEXT TEXT")),
    }
}

fn truncate(words: &[Value]) -> Result<Value, TemplateError> {
    match words {
        [Value::String(whole), Value::Int(length)] => {
            let length = usize::try_from(*length).unwrap_or(0);
            Ok(text(&whole.chars().take(length).collect::<String>()))
        }
        _ => Err(wrong("truncate TEXT LENGTH")),
    }
}

fn pad(words: &[Value]) -> Result<Value, TemplateError> {
    match words {
        [Value::String(whole), Value::Int(before), Value::Int(behind)] => {
            let blanks = |count: &i64| " ".repeat(usize::try_from(*count).unwrap_or(0).min(WIDEST));
            Ok(text(&match whole.is_empty() {
                true => String::new(),
                false => format!("{}{whole}{}", blanks(before), blanks(behind)),
            }))
        }
        _ => Err(wrong("pad TEXT BEFORE BEHIND")),
    }
}

/// Nobody has wider terminals, and a slip of the finger is not to fill the memory.
const WIDEST: usize = 1000;

/// What is not in a map of texts, such as the labels, is an empty text in Go.
fn index(words: &[Value]) -> Result<Value, TemplateError> {
    let [whole, keys @ ..] = words else {
        return Err(wrong("index VALUE KEY"));
    };
    keys.iter().try_fold(whole.clone(), |value, key| {
        let of_texts = match &value {
            Value::Map(map) => map.values().all(|value| matches!(value, Value::String(_))),
            _ => false,
        };
        match value.index(key)? {
            Value::Nil if of_texts => Ok(text("")),
            found => Ok(found),
        }
    })
}

fn change(
    words: &[Value],
    name: &str,
    how: impl Fn(&str) -> String,
) -> Result<Value, TemplateError> {
    match words {
        [Value::String(word)] => Ok(text(&how(word))),
        _ => Err(wrong(&format!("{name} TEXT"))),
    }
}

fn title(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next();
    first
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect()
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn wrong(usage: &str) -> TemplateError {
    TemplateError::Exec(format!("write {{{{{usage}}}}}"))
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(value) => (**value).into(),
        Value::List(list) => list.iter().map(to_json).collect(),
        Value::Map(map) => map
            .iter()
            .filter(|(_, value)| !matches!(value, Value::Function(_)))
            .map(|(key, value)| (key.to_string(), to_json(value)))
            .collect(),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled_in(template: &str) -> String {
        let data = json!({
            "Name": "/web",
            "State": { "Pid": 42, "Running": true, "Error": "" },
            "Networks": { "bridge": { "IPAddress": "172.17.0.2" }, "another": { "IPAddress": "10.0.0.2" } },
            "Cmd": ["sh", "-c", "true"],
            "Labels": { "a": "1" },
            "Nothing": null,
        });
        match Form::parse(template).and_then(|form| form.fill_in(&data)) {
            Ok(text) => text,
            Err(error) => format!("ERROR {error}"),
        }
    }

    #[test]
    fn what_people_type_works() {
        let pairs = [
            ("{{.State.Pid}}", "42"),
            ("{{ .Name }}\\t{{.State.Running}}", "/web\ttrue"),
            ("{{.Networks.bridge.IPAddress}}", "172.17.0.2"),
            (
                "{{range .Networks}}{{.IPAddress}} {{end}}",
                "10.0.0.2 172.17.0.2 ",
            ),
            (
                "{{range $name, $net := .Networks}}{{$name}}={{$net.IPAddress}};{{end}}",
                "another=10.0.0.2;bridge=172.17.0.2;",
            ),
            (
                "{{with index .Networks \"bridge\"}}{{.IPAddress}}{{end}}",
                "172.17.0.2",
            ),
            ("{{json .State}}", r#"{"Error":"","Pid":42,"Running":true}"#),
            ("{{json .Cmd}}", r#"["sh","-c","true"]"#),
            ("{{json .Nothing}}", "null"),
            ("{{join .Cmd \" \"}}", "sh -c true"),
            ("{{if .State.Running}}up{{else}}down{{end}}", "up"),
            ("{{if eq .State.Pid 42}}yes{{end}}", "yes"),
            ("{{printf \"%s-%d\" .Name .State.Pid}}", "/web-42"),
            (
                "{{len .Cmd}} {{index .Cmd 0}} {{upper (index .Cmd 2)}}",
                "3 sh TRUE",
            ),
            ("{{slice .Name 1}}", "web"),
            (
                "{{truncate .Name 3}} {{title \"up\"}} {{lower \"UP\"}}",
                "/we Up up",
            ),
            ("{{index (split .Name \"/\") 1}}", "web"),
            ("{{index .Labels \"a\"}}<{{index .Labels \"none\"}}>", "1<>"),
            (
                "{{if index .Networks \"none\"}}yes{{else}}no{{end}} {{index .Networks \"bridge\" \"IPAddress\"}}",
                "no 172.17.0.2",
            ),
            ("{{pad .Name 1 2}}|{{pad \"\" 1 2}}|", " /web  ||"),
        ];
        for (template, text) in pairs {
            assert_eq!(filled_in(template), text, "{template}");
        }
    }

    #[test]
    fn labels_are_asked_for_one_by_one() {
        let fill = |template: &str, labels| {
            let form = Form::parse(template).unwrap();
            form.fill_in_with(&json!({ "ID": "1" }), labels).unwrap()
        };
        let labels = || Labels::from([("com.x.tier".to_owned(), "db".to_owned())]);
        for (template, filled) in [
            ("{{.Label \"com.x.tier\"}}", "db"),
            ("{{.ID}} {{.Label `com.x.tier` | upper}}", "1 DB"),
            ("<{{.Label \"none\"}}>", "<>"),
            ("{{if eq (.Label \"com.x.tier\") \"db\"}}yes{{end}}", "yes"),
            ("{{json .}}", "{\"ID\":\"1\"}"),
        ] {
            let text = fill(template, LabelsOf::Object(labels()));
            assert_eq!(text, filled, "{template}");
        }
        assert_eq!(fill("{{.Label \"tier\"}}", LabelsOf::Titles), "TIER");
    }

    #[test]
    fn mistakes_are_told() {
        for template in [
            "{{.State.Pit}}",
            "{{.State",
            "{{nonsense .Name}}",
            "{{join .Name}}",
        ] {
            assert!(filled_in(template).starts_with("ERROR "), "{template}");
        }
    }
}
