//! Errors as the command line tells them. The library speaks of settings; here they are the
//! option, variable or line that was used, with the way out.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::keys::{KEYS, Kind, PASSWORD, PASSWORD_FILE, USER};
use super::{Origin, Settings};
use crate::cli::{environment, quoting};
use crate::error::Setting;
use crate::{Error, ErrorKind};

/// Where etcd is when nobody says.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2379);

/// On this host an answer takes no time.
const SOON: Duration = Duration::from_millis(100);

impl Settings {
    /// The error with the places of the settings at fault, and what to do about it.
    pub(in crate::cli) fn explain(&self, error: Error) -> Error {
        let mut line = self.located(&error);
        if error.kind() == ErrorKind::Unavailable {
            let origin = self.origin(Setting::Endpoints.name());
            if matches!(origin, Origin::Variable(_) | Origin::File(..)) {
                line = format!("{line} ({})", self.place(Setting::Endpoints));
            }
            line = format!("{line}; {}", self.way_out());
        }
        Error::new(error.kind(), line).with_source(error)
    }

    /// What is wrong, and where the settings that it is about are set.
    pub(in crate::cli) fn located(&self, error: &Error) -> String {
        let reason = self.in_words(error.reason());
        let settings = error.settings().iter();
        let places: Vec<_> = settings.map(|&setting| self.place(setting)).collect();
        if places.is_empty() {
            return reason;
        }
        format!("{reason} ({})", places.join(", "))
    }

    /// The text with the places of the settings that it names in parentheses, `(cert, key)`: of
    /// several endpoints each has its own reason.
    fn in_words(&self, text: &str) -> String {
        let mut parts = text.split('(');
        let mut words = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let named = part.split_once(')').and_then(|(names, rest)| {
                let places = names.split(", ").map(|name| {
                    let setting = Setting::ALL.into_iter().find(|all| all.name() == name);
                    setting.map(|setting| self.place(setting))
                });
                Some((places.collect::<Option<Vec<_>>>()?, rest))
            });
            match named {
                Some((places, rest)) => words += &format!("({}){rest}", places.join(", ")),
                None => words += &format!("({part}"),
            }
        }
        words
    }

    /// The key of the configuration that stands for a setting of the library.
    fn key(&self, setting: Setting) -> &'static str {
        match setting {
            Setting::Password if self.has(PASSWORD) => PASSWORD,
            Setting::Password => PASSWORD_FILE,
            other => other.name(),
        }
    }

    /// Where it is set: `--key`, `$GENLOCK_KEY`, or `key in FILE:LINE`. What is set nowhere could be
    /// by its option.
    fn place(&self, setting: Setting) -> String {
        let key = self.key(setting);
        match self.origin(key) {
            Origin::Flag | Origin::Default => format!("--{key}"),
            origin @ Origin::Variable(_) => origin.to_string(),
            origin @ Origin::File(..) => format!("{key} in {origin}"),
        }
    }

    /// What to do where the store does not work for us. A lock in another store excludes nobody
    /// who uses the one that was configured: that is proposed only where none was, and none is.
    fn way_out(&self) -> String {
        if *self.origin(Setting::Endpoints.name()) == Origin::Default && nobody_listens() {
            return "no endpoints are configured: name them with --endpoints; to lock on this \
                    host only, without a server: --endpoints file:"
                .to_owned();
        }
        format!("try: {}", quoting::line(self.doctor()))
    }

    /// The line that asks the doctor about what was asked here.
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
            // Whoever writes a password there should not find it in a log.
            let is_secret = key.name == USER && value.to_string_lossy().contains(':');
            if !key.is_of_doctor() || is_secret {
                continue;
            }
            words.push(format!("--{}", key.name).into());
            if key.kind != Kind::Flag {
                words.push(value.clone());
            }
        }
        words
    }
}

/// Whether the doctor would not see it by itself.
fn is_here_only(origin: &Origin) -> bool {
    match origin {
        Origin::Flag => true,
        Origin::Variable(name) => name == environment::ENDPOINTS,
        Origin::File(..) | Origin::Default => false,
    }
}

/// Whether there is certainly no etcd where it is when nobody says.
fn nobody_listens() -> bool {
    let connected = TcpStream::connect_timeout(&DEFAULT, SOON);
    connected.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}
