//! What is printed when the lock is held: the variables that a command of `genlock run` has, by which other
//! verbs find the lock.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::environment;
use crate::cli::times::Usage;
use crate::locker::{Held, Variable};

/// The version of the JSON object.
const VERSION: u32 = 1;

/// How they are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `NAME=value`, as a file of variables has it.
    Dotenv,
    /// As a shell evaluates it.
    Export,
    Json,
}

/// What was acquired, as JSON.
#[derive(Serialize)]
struct Acquired<'a> {
    v: u32,
    key: &'a str,
    token: u64,
    index: Option<u32>,
    ttl_seconds: Option<f64>,
    /// The keeper's process number; null where there is none.
    pid: Option<u32>,
    /// When it lets go at the latest, RFC 3339; null if it does not by itself.
    ends_at: Option<String>,
    environment: BTreeMap<&'a str, &'a str>,
}

/// What is said of a lock besides the lock itself.
pub(super) struct Kept<'a> {
    pub(super) endpoints: &'a str,
    pub(super) socket: Option<&'a str>,
    pub(super) pid: Option<u32>,
    pub(super) ends_at: Option<String>,
}

impl Form {
    /// Refuses a key that cannot be said so: in a file of variables a new line is a new variable.
    pub(super) fn check(self, key: &str) -> Result<(), Usage> {
        if self == Self::Dotenv && key.chars().any(char::is_control) {
            return Err(Usage::new(
                "the key has a control character in it, which a line NAME=value has no way to say: take \
                 --export or --json",
            ));
        }
        Ok(())
    }

    /// The text for this lock.
    pub(super) fn text(self, held: &Held, kept: &Kept<'_>) -> String {
        let all = environment::added(held, kept.endpoints, kept.socket, None);
        match self {
            Self::Dotenv => lines(&all, |name, value| format!("{name}={value}\n")),
            // Each line ends in a semicolon, for those who join them.
            Self::Export => lines(&all, |name, value| {
                format!("export {name}={};\n", quoted(value))
            }),
            Self::Json => {
                let acquired = Acquired {
                    v: VERSION,
                    key: held.key(),
                    token: held.token(),
                    index: held.grants().first().and_then(|grant| grant.index),
                    ttl_seconds: held.ttl().map(|ttl| ttl.as_secs_f64()),
                    pid: kept.pid,
                    ends_at: kept.ends_at.clone(),
                    environment: all
                        .iter()
                        .map(|(name, value)| (&**name, &**value))
                        .collect(),
                };
                // Strings and numbers always serialise.
                let text = serde_json::to_string(&acquired).unwrap_or_default();
                format!("{text}\n")
            }
        }
    }
}

fn lines(all: &[Variable], line: impl Fn(&str, &str) -> String) -> String {
    all.iter().map(|(name, value)| line(name, value)).collect()
}

/// A word that bash, dash, zsh and fish read alike. In single quotes a backslash is itself for all but
/// fish, so it stands outside of them, and so does the quote.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("'");
    for character in word.chars() {
        match character {
            '\'' => quoted.push_str(r"'\''"),
            '\\' => quoted.push_str(r"'\\'"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_stand_by_themselves() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted(r"a'b\c"), r"'a'\''b'\\'c'");
    }
}
