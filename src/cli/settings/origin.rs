//! Where a value comes from, and how messages name that place.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Origin {
    Flag,
    Variable(String),
    File(PathBuf, usize),
    Default,
}

impl Origin {
    /// Whether it is set, and not on the command line.
    pub(in crate::cli) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Variable(_) | Self::File(..))
    }

    /// The place where `key` is set, if this is its origin: `--key`, `$GENLOCK_KEY`, or `key in FILE:LINE`.
    /// For a default it is the option, with which it could be set.
    pub(in crate::cli) fn place(&self, key: &str) -> String {
        match self {
            Self::Flag | Self::Default => format!("--{key}"),
            Self::Variable(_) => self.to_string(),
            Self::File(..) => format!("{key} in {self}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("option"),
            Self::Variable(name) => write!(f, "${name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
