//! Errors as the command line tells them. The library speaks of settings; here they are the
//! option, variable or line that was used, with the way out.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::keys::{KEYS, PASSWORD, PASSWORD_FILE, USER, ValueKind};
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
            if self.origin(Setting::Endpoints.name()).is_elsewhere() {
                line = format!("{line} ({})", self.place(Setting::Endpoints));
            }
            line = format!("{line}; {}", self.way_out());
        }
        Error::new(self.kind(&error), line).with_source(error)
    }

    /// What kind of error it is here: a TTL that a file says is no matter of usage.
    pub(in crate::cli) fn kind(&self, error: &Error) -> ErrorKind {
        let in_file = |setting| matches!(self.origin(self.key(setting)), Origin::File(..));
        match error.kind() {
            ErrorKind::InvalidTtl if error.settings().any(in_file) => ErrorKind::InvalidConfig,
            kind => kind,
        }
    }

    /// What is wrong, and where the settings that it is about are set.
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

    /// Where they are set, each place once: one variable may have a user and the password.
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
            if !matches!(key.kind, ValueKind::Flag) {
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
