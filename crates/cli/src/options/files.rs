//! What options name: files, and variables of this environment.

use super::OptionError;
use minet_model::{Labels, Seccomp, parse_label};
use std::{
    env::VarError,
    path::{Path, PathBuf},
};

/// The variables of files, and behind them those that were given one by one.
pub(crate) fn environment(files: &[PathBuf], given: &[String]) -> Result<Vec<String>, OptionError> {
    let mut env = Vec::new();
    for path in files {
        env.extend(read_env_file(path)?);
    }
    env.extend(variables(given)?);
    Ok(env)
}

/// `KEY=VALUE` as it is; `KEY` with the value it has here, or not at all.
fn variables(given: &[String]) -> Result<Vec<String>, OptionError> {
    let mut variables = Vec::new();
    for variable in given {
        match variable.split_once('=') {
            Some(("", _)) => return Err(OptionError::Variable(variable.clone())),
            Some(_) => variables.push(variable.clone()),
            None if variable.is_empty() => return Err(OptionError::Variable(variable.clone())),
            None => match std::env::var(variable) {
                Ok(value) => variables.push(format!("{variable}={value}")),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => {
                    return Err(OptionError::VariableNotUtf8(variable.clone()));
                }
            },
        }
    }
    Ok(variables)
}

/// Those that say something: no empty ones, and none that begin with `#`.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// One variable a line. Quotes are part of the value, as with Docker.
fn read_env_file(path: &Path) -> Result<Vec<String>, OptionError> {
    let text = std::fs::read_to_string(path).map_err(|source| OptionError::EnvFile {
        path: path.to_owned(),
        source,
    })?;
    let lines: Vec<String> = lines_of(&text).map(str::to_owned).collect();
    for line in &lines {
        let name = line.split('=').next().unwrap_or_default();
        if name.contains(char::is_whitespace) {
            return Err(OptionError::Variable(line.clone()));
        }
    }
    variables(&lines)
}

/// Those of the files first, so that what is said beside them counts more.
pub(super) fn labels(files: &[PathBuf], given: &[String]) -> Result<Labels, OptionError> {
    let mut labels = Labels::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|source| OptionError::LabelFile {
            path: path.clone(),
            source,
        })?;
        for line in lines_of(&text) {
            labels.extend([parse_label(line)?]);
        }
    }
    for label in given {
        labels.extend([parse_label(label)?]);
    }
    Ok(labels)
}

/// A seccomp profile in Docker's format.
pub(super) fn profile(file: &str) -> Result<Seccomp, OptionError> {
    let text = std::fs::read_to_string(file).map_err(|source| OptionError::SeccompProfile {
        path: PathBuf::from(file),
        source,
    })?;
    Ok(Seccomp::Profile { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_without_a_value_come_from_here() {
        let path = std::env::var("PATH").unwrap();
        let given = [
            "A=1".to_owned(),
            "PATH".to_owned(),
            "SURELY_NOT_SET_ANYWHERE".to_owned(),
        ];
        assert_eq!(
            variables(&given).unwrap(),
            ["A=1".to_owned(), format!("PATH={path}")]
        );
        assert!(variables(&["=x".to_owned()]).is_err());
    }

    #[test]
    fn env_files_have_comments_and_keep_quotes() {
        let path = std::env::temp_dir().join(format!("minet-env-{}", std::process::id()));
        std::fs::write(&path, "# comment\n\nA=1\n  B=\"x y\"\n").unwrap();
        assert_eq!(read_env_file(&path).unwrap(), ["A=1", "B=\"x y\""]);
        std::fs::write(&path, "A B=1\n").unwrap();
        assert!(read_env_file(&path).is_err());
        std::fs::remove_file(path).unwrap();
    }
}
