//! The keys of the configuration, once, and what the value of each may be.

use std::ffi::OsStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::cli::args::Recorded;
use crate::cli::times;
use crate::secrets;

/// What can be set beside the command line.
pub(super) struct Key {
    /// The long option, without its dashes; what is a key only has none.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The variable that etcdctl reads.
    pub(super) etcdctl: Option<&'static str>,
}

/// What a value is, and how a file writes it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// One endpoint, or an array of them.
    Endpoints,
    /// Of a file; relative to the one it is in.
    Path,
    Text,
    /// `"1m30s"`, or a number of seconds, as this reads it.
    Duration(fn(&str) -> Result<Duration, String>),
    /// What of the command is recorded.
    Recorded,
    Flag,
}

pub(super) const KEYS: [Key; 15] = [
    Key::new("endpoints", Kind::Endpoints, Some("ETCDCTL_ENDPOINTS")),
    Key::new("cacert", Kind::Path, Some("ETCDCTL_CACERT")),
    Key::new("cert", Kind::Path, Some("ETCDCTL_CERT")),
    Key::new("key", Kind::Path, Some("ETCDCTL_KEY")),
    // Its variables may carry the password, and are read apart.
    Key::new(USER, Kind::Text, None),
    Key::new(PASSWORD, Kind::Text, None),
    Key::new(PASSWORD_FILE, Kind::Path, None),
    Key::new(
        "insecure-skip-tls-verify",
        Kind::Flag,
        Some("ETCDCTL_INSECURE_SKIP_TLS_VERIFY"),
    ),
    Key::new(
        "dial-timeout",
        Kind::Duration(times::parse_pause),
        Some("ETCDCTL_DIAL_TIMEOUT"),
    ),
    Key::new(
        "command-timeout",
        Kind::Duration(times::parse_pause),
        Some("ETCDCTL_COMMAND_TIMEOUT"),
    ),
    Key::new("ttl", Kind::Duration(times::parse_ttl), None),
    Key::new("kill-after", Kind::Duration(times::parse), None),
    Key::new("retry-interval", Kind::Duration(times::parse_pause), None),
    Key::new("record-command", Kind::Recorded, None),
    Key::new(FORMER, Kind::Flag, None),
];

/// Still taken: what `record-command = "none"` was called first.
pub(super) const FORMER: &str = "no-record-command";
pub(super) const USER: &str = "user";
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSWORD_FILE: &str = "password-file";

impl Key {
    const fn new(name: &'static str, kind: Kind, etcdctl: Option<&'static str>) -> Self {
        Self {
            name,
            kind,
            etcdctl,
        }
    }

    /// Why the value is refused, if it is.
    pub(super) fn check(&self, value: &OsStr) -> Result<(), String> {
        let text = match value.to_str() {
            _ if matches!(self.kind, Kind::Path) => return Ok(()),
            Some(text) => text,
            None => return Err("it cannot be that".to_owned()),
        };
        match self.kind {
            Kind::Duration(parse) => parse(text).map(drop),
            Kind::Recorded => recorded(text).map(drop),
            Kind::Endpoints | Kind::Path | Kind::Text | Kind::Flag => Ok(()),
        }
    }

    /// Whether `genlock doctor` has the option too.
    pub(super) fn is_of_doctor(&self) -> bool {
        !matches!(self.name, "retry-interval" | "record-command" | FORMER)
    }

    /// A value as it may be shown.
    pub(super) fn shown(&self, value: &str) -> String {
        match self.kind {
            Kind::Endpoints => secrets::endpoints(value),
            _ if self.name == USER => secrets::user(value),
            _ => value.to_owned(),
        }
    }
}

/// Reads what of the command is recorded.
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
