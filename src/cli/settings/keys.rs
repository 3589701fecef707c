//! The list of the configuration's keys, and what the value of each may be.

use std::ffi::OsStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::cli::args::Recorded;
use crate::cli::{jitter, labels, numbers, times};
use crate::secrets;

/// A setting that can be made in the configuration.
pub(super) struct Key {
    /// The name of the key, which is that of the long option, if it has one.
    pub(super) name: &'static str,
    pub(super) kind: ValueKind,
    /// The variable of etcdctl's that counts for it.
    pub(super) etcdctl: Option<&'static str>,
}

/// What a value is, and how it is written in a file.
#[derive(Clone, Copy)]
pub(super) enum ValueKind {
    /// One endpoint, or an array of them.
    Endpoints,
    /// The path of a file, relative to the configuration file.
    Path,
    Text,
    /// `"1m30s"`, or a number of seconds, as this reads it.
    Duration(fn(&str) -> Result<Duration, String>),
    /// How much of the command the holder's record has.
    Recorded,
    /// A whole number, as this reads it.
    Count(fn(&str) -> Result<u32, String>),
    /// A table of labels. Each of them is a value by itself, `K=V`.
    Labels,
    Flag,
}

pub(super) const KEYS: [Key; 20] = [
    Key::new("endpoints", ValueKind::Endpoints, Some("ETCDCTL_ENDPOINTS")),
    Key::new("cacert", ValueKind::Path, Some("ETCDCTL_CACERT")),
    Key::new("cert", ValueKind::Path, Some("ETCDCTL_CERT")),
    Key::new("key", ValueKind::Path, Some("ETCDCTL_KEY")),
    // Its variables may have the password too: Settings::read_variables reads them.
    Key::new(USER, ValueKind::Text, None),
    Key::new(PASSWORD, ValueKind::Text, None),
    Key::new(PASSWORD_FILE, ValueKind::Path, None),
    Key::new(
        "insecure-skip-tls-verify",
        ValueKind::Flag,
        Some("ETCDCTL_INSECURE_SKIP_TLS_VERIFY"),
    ),
    Key::new(
        "dial-timeout",
        ValueKind::Duration(times::parse_pause),
        Some("ETCDCTL_DIAL_TIMEOUT"),
    ),
    Key::new(
        "command-timeout",
        ValueKind::Duration(times::parse_pause),
        Some("ETCDCTL_COMMAND_TIMEOUT"),
    ),
    Key::new("ttl", ValueKind::Duration(times::parse_ttl), None),
    Key::new("kill-after", ValueKind::Duration(times::parse), None),
    Key::new(
        "retry-interval",
        ValueKind::Duration(times::parse_pause),
        None,
    ),
    Key::new("jitter", ValueKind::Duration(jitter::parse), None),
    Key::new("record-command", ValueKind::Recorded, None),
    Key::new(FORMER, ValueKind::Flag, None),
    Key::new(HISTORY, ValueKind::Count(numbers::kept), None),
    Key::new(REASON, ValueKind::Text, None),
    Key::new(LABEL, ValueKind::Labels, None),
    Key::new(NO_CI_LABEL, ValueKind::Flag, None),
];

/// The former name of `record-command = "none"`, which still works.
pub(super) const FORMER: &str = "no-record-command";
pub(super) const HISTORY: &str = "history";
pub(super) const REASON: &str = "reason";
pub(super) const LABEL: &str = "label";
pub(super) const NO_CI_LABEL: &str = "no-ci-label";
pub(super) const USER: &str = "user";
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSWORD_FILE: &str = "password-file";

impl Key {
    const fn new(name: &'static str, kind: ValueKind, etcdctl: Option<&'static str>) -> Self {
        Self {
            name,
            kind,
            etcdctl,
        }
    }

    /// Why the value is refused, if it is.
    pub(super) fn check(&self, value: &OsStr) -> Result<(), String> {
        let text = match value.to_str() {
            _ if matches!(self.kind, ValueKind::Path) => return Ok(()),
            Some(text) => text,
            None => return Err("it cannot be that".to_owned()),
        };
        match self.kind {
            ValueKind::Duration(parse) => parse(text).map(drop),
            ValueKind::Recorded => recorded(text).map(drop),
            ValueKind::Count(parse) => parse(text).map(drop),
            ValueKind::Labels => labels::parse(text).map(drop),
            ValueKind::Endpoints | ValueKind::Path | ValueKind::Text | ValueKind::Flag => Ok(()),
        }
    }

    /// Whether `genlock doctor` has the option too.
    pub(super) fn is_of_doctor(&self) -> bool {
        !matches!(
            self.name,
            "retry-interval"
                | "jitter"
                | "record-command"
                | FORMER
                | HISTORY
                | REASON
                | LABEL
                | NO_CI_LABEL
        )
    }

    /// The value without passwords, to be shown.
    pub(super) fn shown(&self, value: &str) -> String {
        match self.kind {
            ValueKind::Endpoints => secrets::endpoints(value),
            _ if self.name == USER => secrets::user(value),
            _ => value.to_owned(),
        }
    }
}

/// Reads how much of the command is recorded.
pub(super) fn recorded(text: &str) -> Result<Recorded, String> {
    Recorded::from_str(text, false).map_err(|_| {
        let known = Recorded::value_variants().iter();
        let known = known.filter_map(|each| Some(each.to_possible_value()?.get_name().to_owned()));
        format!("one of {}", known.collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_an_option_of_run() {
        let command = crate::cli::command();
        let run = command.find_subcommand("run").expect("the verb");
        for key in KEYS.iter().filter(|key| key.name != PASSWORD) {
            let mut longs = run.get_arguments().filter_map(|arg| arg.get_long());
            assert!(longs.any(|long| long == key.name), "{}", key.name);
        }
    }
}
