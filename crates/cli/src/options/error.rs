use minet_model::{InvalidLabel, InvalidLifecycle};
use minet_runtime::ConfigError;
use std::{io, path::PathBuf};

/// Why the options do not make a spec.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionError {
    /// An `--env-file` that cannot be read.
    #[error("read --env-file {}: {source}", path.display())]
    EnvFile { path: PathBuf, source: io::Error },
    /// A seccomp profile that cannot be read.
    #[error("read the seccomp profile {}: {source}", path.display())]
    SeccompProfile { path: PathBuf, source: io::Error },
    /// A `--label-file` that cannot be read.
    #[error("read --label-file {}: {source}", path.display())]
    LabelFile { path: PathBuf, source: io::Error },
    /// A label without a key.
    #[error(transparent)]
    Label(#[from] InvalidLabel),
    /// A variable without a name.
    #[error("invalid environment variable: {0:?}")]
    Variable(String),
    /// A variable of this environment whose value cannot be stored.
    #[error("the value of the environment variable {0:?} is not valid UTF-8")]
    VariableNotUtf8(String),
    /// A directory that is not absolute.
    #[error("the working directory {0:?} is invalid, it needs to be an absolute path")]
    Workdir(PathBuf),
    /// A `--log-opt` that says nothing.
    #[error(transparent)]
    Lifecycle(#[from] InvalidLifecycle),
    /// A path that cannot be stored or printed.
    #[error("the path {0:?} is not valid UTF-8")]
    NotUtf8(PathBuf),
    /// Modes that are not to be had together.
    #[error(transparent)]
    Networks(#[from] minet_runtime::NetworkError),
    /// The same thing said twice about a network.
    #[error("conflicting options: {0} and the same in --network")]
    SaidTwice(&'static str),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port without a network that it could lead to.
    #[error("a port can be published only on a network, and {} says that there is no default one (bridge = \"none\"): name one with --network", .0.display())]
    NowhereToPublish(PathBuf),
    /// The directory of this process is gone.
    #[error("find the absolute path of {}: {source}", path.display())]
    Path { path: PathBuf, source: io::Error },
}
