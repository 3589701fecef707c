//! Where each setting comes from: an option, a GENLOCK_ variable, what etcdctl reads, a file, or
//! the default.
//!
//! clap itself reads options and GENLOCK_ variables, which `args` defines. [`Settings`] has what lies
//! below them, and where each value comes from; `resolved` puts both together into what is meant.
//! Nothing here knows how words are refused.

mod etcdctl;
mod file;
mod keys;
mod origin;
mod resolved;
mod whence;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::environment::{self, variable};
use crate::{Error, ErrorKind, Result};
use keys::{KEYS, PASSWORD, PASSWORD_FILE, USER, ValueKind};
pub(super) use origin::Origin;
pub(super) use resolved::{ConnectionOptions, LockOptions, RunOptions, TimesOptions};

/// What was set anywhere, and where.
pub(super) struct Settings {
    values: BTreeMap<&'static str, OsString>,
    origins: BTreeMap<&'static str, Origin>,
    /// Which files were looked for, and whether they are there.
    files: Vec<(PathBuf, bool)>,
    /// The file that the command line names in place of them.
    named: Option<PathBuf>,
    /// The keys whose values come from where clap does not look: no option, nor its variable, is
    /// above them.
    below: BTreeSet<&'static str>,
    /// Whether an endpoint without a scheme is spoken to over TLS.
    tls: bool,
}

/// One setting, to be shown.
pub(super) struct ShownSetting<'a> {
    pub(super) key: &'static str,
    /// As it was written; not that of the password.
    pub(super) value: Option<String>,
    pub(super) origin: &'a Origin,
    /// Why it is refused by the verb that uses it.
    pub(super) fault: Option<String>,
}

impl Settings {
    /// Reads etcdctl's variables and the files, below what was `given` to the verb of `command`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] that names the variable, or the file and its line.
    pub(super) fn read(command: &Command, given: &ArgMatches) -> Result<Self> {
        let mut settings = Self {
            values: BTreeMap::new(),
            origins: BTreeMap::new(),
            files: Vec::new(),
            named: None,
            below: BTreeSet::new(),
            tls: false,
        };
        let Some((verb, given)) = given.subcommand() else {
            return Ok(settings);
        };
        let options = command.find_subcommand(verb).unwrap_or(command);
        // The verb that has them all says what their values may be.
        let all = command.find_subcommand("run").unwrap_or(command);
        for key in &KEYS {
            let found = match (option(options, key.name), option(all, key.name)) {
                (Some(arg), _) => given_to(arg, given),
                (None, Some(arg)) => in_environment(arg),
                (None, None) => None,
            };
            if let Some((value, origin)) = found {
                settings.values.insert(key.name, value);
                settings.origins.insert(key.name, origin);
            }
        }
        if let Some(held) = variable(environment::ENDPOINTS).filter(|_| verb == "check") {
            let origin = Origin::Variable(environment::ENDPOINTS.to_owned());
            settings.values.insert("endpoints", held.into());
            settings.origins.insert("endpoints", origin);
        }
        settings.read_variables()?;
        let named = given.try_get_one::<PathBuf>("config").ok().flatten();
        for file in file::all(named.map(PathBuf::as_path), all)? {
            for (key, value, line) in file.values {
                let origin = Origin::File(file.path.clone(), line);
                settings.offer(key, value, origin);
            }
            settings.files.push((file.path, file.present));
        }
        let is_said = given.value_source("config") == Some(ValueSource::CommandLine);
        settings.named = named.filter(|_| is_said).cloned();
        Ok(settings)
    }

    fn read_variables(&mut self) -> Result<()> {
        etcdctl::check(self)?;
        self.tls = etcdctl::wants_tls()?;
        if let Some(password) = variable(environment::PASSWORD) {
            let origin = Origin::Variable(environment::PASSWORD.to_owned());
            self.offer(PASSWORD, password.into(), origin);
        }
        for name in environment::USER {
            if let Some(user) = variable(name).filter(|_| !self.has(USER)) {
                // If there is another password, a colon is the name's own, as for etcdctl.
                let etcdctls = name == environment::ETCDCTL_USER
                    && variable(environment::ETCDCTL_PASSWORD).is_some();
                let other = etcdctls || self.has(PASSWORD) || self.has(PASSWORD_FILE);
                let (user, password) = match user.split_once(':').filter(|_| !other) {
                    Some((user, password)) => (user, Some(password)),
                    None => (&*user, None),
                };
                let origin = Origin::Variable(name.to_owned());
                self.offer(USER, user.into(), origin.clone());
                if let Some(password) = password {
                    self.offer(PASSWORD, password.into(), origin);
                }
            }
        }
        if let Some(password) = variable(environment::ETCDCTL_PASSWORD) {
            let origin = Origin::Variable(environment::ETCDCTL_PASSWORD.to_owned());
            self.offer(PASSWORD, password.into(), origin);
        }
        for key in &KEYS {
            let text = key.etcdctl.filter(|_| !self.has(key.name));
            let Some((name, text)) = text.and_then(|name| Some((name, variable(name)?))) else {
                continue;
            };
            let value = match key.kind {
                ValueKind::Flag => boolean(&text).map(|on| on.to_string()),
                _ => key.check(OsStr::new(&text)).map(|()| text.clone()),
            };
            let value = value.map_err(|why| invalid(format!("${name} {text:?}: {why}")))?;
            self.offer(key.name, value.into(), Origin::Variable(name.to_owned()));
        }
        Ok(())
    }

    /// Takes the value if nothing above it has set the key. A password and its file are one
    /// setting.
    fn offer(&mut self, key: &'static str, value: OsString, origin: Origin) {
        let other = match key {
            PASSWORD => PASSWORD_FILE,
            PASSWORD_FILE => PASSWORD,
            key => key,
        };
        if !self.has(key) && !self.has(other) {
            self.origins.insert(key, origin);
            self.values.insert(key, value);
            self.below.insert(key);
        }
    }

    fn has(&self, key: &str) -> bool {
        self.origins.contains_key(key)
    }

    /// Every setting. `command` says what the values may be.
    pub(super) fn all(&self, command: &Command) -> Vec<ShownSetting<'_>> {
        let options = command.find_subcommand("run").unwrap_or(command);
        let shown = KEYS.iter().map(|key| {
            let set = self.values.get(key.name).filter(|_| key.name != PASSWORD);
            let default = || {
                let values = option(options, key.name)?.get_default_values();
                Some(values.first()?.as_os_str())
            };
            let value = set.map(OsString::as_os_str).or_else(default);
            let fault = match key.kind {
                ValueKind::Flag => None,
                _ => set.and_then(|value| key.check(value).err()),
            };
            ShownSetting {
                key: key.name,
                value: value.map(|value| key.shown(&value.to_string_lossy())),
                origin: self.origin(key.name),
                fault,
            }
        });
        shown.collect()
    }

    /// The configuration files that count, and whether they are there.
    pub(super) fn files(&self) -> &[(PathBuf, bool)] {
        &self.files
    }

    /// Where the value of this option, or key, comes from.
    pub(super) fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Whether what `$GENLOCK_USER` says is all of it the user's name, as the password is from a file
    /// that an option names.
    pub(super) fn has_whole_user(&self) -> bool {
        matches!(self.origin(USER), Origin::Variable(name) if name == environment::USER[0])
            && matches!(self.origin(PASSWORD_FILE), Origin::Flag)
    }
}

/// The table of etcdctl's variables.
pub(super) fn etcdctls_variables() -> String {
    etcdctl::table()
}

/// The option with this long name.
fn option<'a>(options: &'a Command, name: &str) -> Option<&'a Arg> {
    options
        .get_arguments()
        .find(|arg| arg.get_long() == Some(name))
}

/// The value and where clap has it from, if it was given.
fn given_to(arg: &Arg, given: &ArgMatches) -> Option<(OsString, Origin)> {
    let id = arg.get_id().as_str();
    let origin = match given.value_source(id)? {
        ValueSource::CommandLine => Origin::Flag,
        ValueSource::EnvVariable => Origin::Variable(arg.get_env()?.to_string_lossy().into_owned()),
        _ => return None,
    };
    let parts: Vec<_> = given.get_raw(id)?.collect();
    Some((parts.join(OsStr::new(",")), origin))
}

/// What the option would have if its verb were asked for.
fn in_environment(arg: &Arg) -> Option<(OsString, Origin)> {
    let name = arg.get_env()?;
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some((value, Origin::Variable(name.to_string_lossy().into_owned())))
}

/// What Go's strconv.ParseBool takes, since etcdctl reads its variables with it.
fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
