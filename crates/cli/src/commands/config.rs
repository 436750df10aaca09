use super::{Failure, open};
use crate::{
    arguments::{ConfigCheckOptions, ConfigCommand, ConfigShowOptions},
    output::print,
    table,
};
use minet_runtime::{Config, Configured, Paths, Setting, Source};
use serde_json::{Map, Value, json};

pub(crate) fn config(command: &ConfigCommand, paths: Paths) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Show(options) => show(options, paths),
        ConfigCommand::Check(options) => check(options),
    }
}

fn show(options: &ConfigShowOptions, paths: Paths) -> Result<u8, Failure> {
    let configured = open(paths)
        .and_then(|mut runtime| runtime.configured())
        .map_err(|error| Failure::of_command(&error))?;
    match options.json {
        true => print(&format!("{:#}\n", as_json(&configured))),
        false => print(&as_text(&configured)),
    }
    Ok(0)
}

fn check(options: &ConfigCheckOptions) -> Result<u8, Failure> {
    let file = std::path::absolute(&options.file).unwrap_or_else(|_| options.file.clone());
    let paths = Paths::default().with_config_file(file);
    let config: &Config = paths.config().map_err(|error| Failure {
        message: crate::output::visible(&error.to_string()),
        code: 1,
    })?;
    for left in &config.left_alone {
        print(&format!("{} is left alone: {}\n", left.key, left.why));
    }
    Ok(0)
}

fn as_text(configured: &Configured) -> String {
    let file = configured.file.display();
    let mut rows = vec![["KEY", "VALUE", "FROM"].map(str::to_owned).to_vec()];
    for setting in &configured.settings {
        let from = match setting.source {
            Source::Default => "default".to_owned(),
            Source::Automatic => "chosen automatically".to_owned(),
            Source::File => format!("{file}:{}", setting.key),
        };
        rows.push(vec![setting.key.to_owned(), value(setting), from]);
    }
    let mut text = match configured.exists {
        true => format!("Settings of {file}:\n"),
        false => format!("There is no {file}; without it these are in force:\n"),
    };
    text.push_str(&table::render(&rows));
    for left in &configured.left_alone {
        text.push_str(&format!("{} is left alone: {}\n", left.key, left.why));
    }
    if let Some(pending) = &configured.pending {
        text.push_str(&format!("Note: {pending}\n"));
    }
    text
}

fn value(setting: &Setting) -> String {
    match &setting.value {
        Value::Null => setting.without.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.len() > 3 => {
            // Pools go on in the way in which they begin.
            format!("{} and {} more", list[0], list.len() - 1)
        }
        other => other.to_string(),
    }
}

fn as_json(configured: &Configured) -> Value {
    let setting = |setting: &Setting| {
        let source = match setting.source {
            Source::Default => "default",
            Source::Automatic => "automatic",
            Source::File => "file",
        };
        let value = json!({ "Value": setting.value, "Source": source });
        (setting.key.to_owned(), value)
    };
    let settings: Map<String, Value> = configured.settings.iter().map(setting).collect();
    let left = |left: &minet_runtime::LeftAlone| (left.key.clone(), json!(left.why));
    let left_alone: Map<String, Value> = configured.left_alone.iter().map(left).collect();
    json!({
        "File": configured.file,
        "Exists": configured.exists,
        "Settings": settings,
        "LeftAlone": left_alone,
        "Pending": configured.pending,
    })
}
