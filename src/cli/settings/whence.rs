//! Errors in the words of the command line: where the library names a setting, here the option, variable or
//! line that was used is named, with what the user can do.

use std::ffi::OsString;
use std::net::TcpStream;
use std::time::Duration;

use super::keys::{KEYS, PASSWORD, PASSWORD_FILE, USER, ValueKind};
use super::{Origin, Settings};
use crate::cli::{environment, quoting};
use crate::error::{Setting, Subject};
use crate::stores::{self, STORES};
use crate::{Error, ErrorKind};

/// How long to try to connect to it: it is on this host.
const SOON: Duration = Duration::from_millis(100);

impl Settings {
    /// The error, with the places where its settings are set, and what the user can do.
    pub(in crate::cli) fn explain(&self, error: Error) -> Error {
        let mut line = self.located(&error);
        if error.kind() == ErrorKind::Unavailable {
            let is_said = error.settings().any(|said| said == Setting::Endpoints);
            if !is_said && self.origin(Setting::Endpoints.name()).is_elsewhere() {
                line = format!("{line} ({})", self.place(Setting::Endpoints));
            }
            line = format!("{line}; {}", self.way_out());
        }
        if let Some(key) = without_rights(&error) {
            let mut words = self.doctor();
            words.push(key.into());
            line = format!("{line}; try: {}", quoting::line(words));
        }
        if let Some(who) = stores::who_could(&error) {
            line = format!("{line}; {who}");
        }
        Error::new(self.kind(&error), line).with_source(error)
    }

    /// The kind of the error, for the exit status: a wrong TTL in a file is not wrong usage, but a wrong
    /// configuration.
    pub(in crate::cli) fn kind(&self, error: &Error) -> ErrorKind {
        let in_file = |setting| matches!(self.origin(self.key(setting)), Origin::File(..));
        match error.kind() {
            ErrorKind::InvalidTtl if error.settings().any(in_file) => ErrorKind::InvalidConfig,
            kind => kind,
        }
    }

    /// The line of the error, with the places where its settings are set.
    pub(in crate::cli) fn located(&self, error: &Error) -> String {
        error.line(|settings| self.places(settings))
    }

    /// The key of the configuration that stands for a setting of the library.
    pub(in crate::cli) fn key(&self, setting: Setting) -> &'static str {
        match setting {
            Setting::Password if self.has(PASSWORD) => PASSWORD,
            Setting::Password => PASSWORD_FILE,
            other => other.name(),
        }
    }

    /// Where these are set, each place once: one variable may have both the user and the password.
    fn places(&self, settings: &[Setting]) -> String {
        let places = settings.iter().map(|&setting| self.place(setting));
        let mut places: Vec<_> = places.collect();
        places.dedup();
        places.join(", ")
    }

    fn place(&self, setting: Setting) -> String {
        let key = self.key(setting);
        self.origin(key).place(key)
    }

    /// What the user can do if the store cannot be reached. A store of this host is proposed only if no
    /// endpoints are configured and no server runs here: a lock in another store does not exclude the users of
    /// the configured one.
    fn way_out(&self) -> String {
        if *self.origin(Setting::Endpoints.name()) == Origin::Default && nobody_listens() {
            let local = STORES.iter().find(|kind| kind.is_local);
            let local = local.map(|kind| {
                let endpoint = kind.default_endpoint;
                format!("; to lock on this host only, without a server: --endpoints {endpoint}")
            });
            return format!(
                "no endpoints are configured: name them with --endpoints{}",
                local.unwrap_or_default()
            );
        }
        format!("try: {}", quoting::line(self.doctor()))
    }

    /// The words that call `doctor` with the settings of this call.
    fn doctor(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = ["genlock", "doctor"].map(Into::into).into();
        if let Some(config) = &self.named {
            words.extend(["--config".into(), config.into()]);
        }
        for key in &KEYS {
            let value = self.values.get(key.name);
            let Some(value) = value.filter(|_| is_here_only(self.origin(key.name))) else {
                continue;
            };
            // What follows the colon may be a password, and this line ends up in logs.
            let is_secret = key.name == USER && value.to_string_lossy().contains(':');
            if !key.is_of_doctor() || is_secret {
                continue;
            }
            words.push(format!("--{}", key.name).into());
            if !matches!(key.kind, ValueKind::Flag) {
                words.push(value.clone());
            }
        }
        words
    }
}

/// The key for which the user's rights do not do: `doctor` tells which are needed.
fn without_rights(error: &Error) -> Option<&str> {
    let mut subjects = error.subjects();
    let key = subjects.find_map(|subject| match subject {
        Subject::Key(key) if !key.is_empty() => Some(key.as_str()),
        _ => None,
    });
    key.filter(|_| error.is_about(&Subject::Permission))
}

/// Whether `doctor` would not have the value by itself.
fn is_here_only(origin: &Origin) -> bool {
    match origin {
        Origin::Flag => true,
        Origin::Variable(name) => name == environment::ENDPOINTS,
        Origin::File(..) | Origin::Default => false,
    }
}

/// Whether there is certainly no server at the default endpoint.
fn nobody_listens() -> bool {
    let Ok(address) = STORES[0].default_endpoint.parse() else {
        return false;
    };
    let connected = TcpStream::connect_timeout(&address, SOON);
    connected.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;
    use crate::{Mode, Options, Request};

    #[test]
    fn what_the_store_cannot_do_comes_with_who_could() {
        let words = ["genlock", "doctor"];
        let given = command().try_get_matches_from(words).expect("words");
        let settings = Settings::read(&command(), &given).expect("settings");
        let request = Request::new("/k").with_mode(Mode::Shared);
        for kind in STORES.iter().filter(|kind| !kind.capabilities.shared) {
            let checked = request.check(kind.capabilities, &Options::default());
            let error = settings.explain(checked.expect_err("refused"));
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let refused = format!("/k: {} has no shared locks; ", kind.name());
            let line = error.to_string();
            assert!(line.starts_with(&refused), "{line}");
            assert!(line.ends_with(" could"), "{line}");
        }
    }
}
