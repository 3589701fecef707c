//! Where each setting comes from: an option, a GENLOCK_ variable, what etcdctl reads, a file, or
//! the default.
//!
//! clap itself reads options and GENLOCK_ variables, which `args` defines. [`Settings`] has the values from
//! the places that come after these, and the origin of every value; `resolved` combines both. How a wrong
//! command line is explained is not known here.

mod etcdctl;
mod file;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod keys;
mod notes;
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
use keys::{KEYS, LABEL, PASSWORD, PASSWORD_FILE, USER, ValueKind};
pub(super) use origin::Origin;
pub(super) use resolved::{ConnectionOptions, LockOptions, RunOptions, TimesOptions};

/// The value of each key that is set anywhere, and where it is set.
pub(super) struct Settings {
    values: BTreeMap<&'static str, OsString>,
    origins: BTreeMap<&'static str, Origin>,
    /// The configuration files, and whether each exists.
    files: Vec<(PathBuf, bool)>,
    /// The file that `--config` names on the command line, in place of the usual ones.
    named: Option<PathBuf>,
    /// The keys whose values come from places that clap does not read. They count: neither the option
    /// nor its GENLOCK_ variable is set.
    below: BTreeSet<&'static str>,
    /// The labels that are set, each `K=V`, but for those on the command line; what comes first counts.
    labels: Vec<(String, Origin)>,
    /// Whether $ETCDCTL_INSECURE_TRANSPORT asks for TLS where an endpoint has no scheme.
    tls: bool,
}

/// One setting for `doctor` to show.
pub(super) struct ShownSetting<'a> {
    pub(super) key: &'static str,
    /// As it was written; `None` if it is not set, or is the password.
    pub(super) value: Option<String>,
    pub(super) origin: &'a Origin,
    /// Why the value is refused, if it is.
    pub(super) fault: Option<String>,
}

impl Settings {
    /// Reads etcdctl's variables and the files. What was `given` to the verb of `command` comes before them.
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
            labels: Vec::new(),
            tls: false,
        };
        let Some((verb, given)) = given.subcommand() else {
            return Ok(settings);
        };
        let options = command.find_subcommand(verb).unwrap_or(command);
        // The definition of `run --held` has no key, and no options of a lock.
        let is_held = verb == "run" && options.get_arguments().all(|arg| arg.get_id() != "key");
        // `run` has all the options: its definition tells what the values in files may be.
        let whole = is_held.then(super::command);
        let all = whole.as_ref().unwrap_or(command);
        let all = all.find_subcommand("run").unwrap_or(command);
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
        if is_held || ["check", "release", "renew"].contains(&verb) {
            settings.read_held("endpoints", environment::ENDPOINTS);
        }
        if is_held {
            settings.read_held("ttl", environment::TTL);
        }
        let named = given.try_get_one::<PathBuf>("config").ok().flatten();
        let files = file::all(named.map(PathBuf::as_path), all)?;
        let in_files = files.iter().flat_map(|file| &file.values);
        let in_files = in_files.filter(|(key, ..)| *key == "endpoints");
        let in_files = in_files.map(|(_, value, _)| value.clone()).next();
        settings.read_variables(in_files)?;
        settings.read_label_variable();
        for file in files {
            for (key, value, line) in file.values {
                let origin = Origin::File(file.path.clone(), line);
                if key == LABEL {
                    let text = value.to_string_lossy().into_owned();
                    settings.labels.push((text, origin));
                } else {
                    settings.offer(key, value, origin);
                }
            }
            settings.files.push((file.path, file.present));
        }
        let is_said = given.value_source("config") == Some(ValueSource::CommandLine);
        settings.named = named.filter(|_| is_said).cloned();
        Ok(settings)
    }

    /// Takes the value that the lock around us has, in place of any other: what else is said may name another
    /// store by now.
    fn read_held(&mut self, key: &'static str, name: &str) {
        if let Some(held) = variable(name) {
            let origin = Origin::Variable(name.to_owned());
            self.values.insert(key, held.into());
            self.origins.insert(key, origin);
            self.below.insert(key);
        }
    }

    /// `in_files` are the endpoints that count if no variable names any.
    fn read_variables(&mut self, in_files: Option<OsString>) -> Result<()> {
        let endpoints = self.values.get("endpoints").cloned();
        let endpoints = endpoints
            .or_else(|| variable("ETCDCTL_ENDPOINTS").map(OsString::from))
            .or(in_files);
        let is_etcdctls = etcdctl::is_of_its_store(endpoints.as_deref());
        etcdctl::check(self, is_etcdctls)?;
        self.tls = is_etcdctls && etcdctl::wants_tls()?;
        if let Some(password) = variable(environment::PASSWORD) {
            let origin = Origin::Variable(environment::PASSWORD.to_owned());
            self.offer(PASSWORD, password.into(), origin);
        }
        for name in environment::USER {
            let counts = is_etcdctls || name != environment::ETCDCTL_USER;
            if let Some(user) = variable(name).filter(|_| counts && !self.has(USER)) {
                // If the password is set elsewhere a colon is part of the name, as for etcdctl.
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
        let password = variable(environment::ETCDCTL_PASSWORD);
        if let Some(password) = password.filter(|_| is_etcdctls) {
            let origin = Origin::Variable(environment::ETCDCTL_PASSWORD.to_owned());
            self.offer(PASSWORD, password.into(), origin);
        }
        for key in &KEYS {
            let counts = is_etcdctls || key.name == "endpoints";
            let text = key.etcdctl.filter(|_| counts && !self.has(key.name));
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

    /// Takes the value, unless a place that comes before has set the key. A password and a password's file
    /// count as one setting.
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

    /// Every setting. `command` is the definition of the command line, which has the defaults.
    pub(super) fn all(&self, command: &Command) -> Vec<ShownSetting<'_>> {
        let options = command.find_subcommand("run").unwrap_or(command);
        let plain = KEYS
            .iter()
            .filter(|key| key.name != LABEL || self.labels.is_empty());
        let shown = plain.map(|key| {
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
        shown.chain(self.shown_labels()).collect()
    }

    /// The configuration files, and whether each exists.
    pub(super) fn files(&self) -> &[(PathBuf, bool)] {
        &self.files
    }

    /// Where the value of this key comes from.
    pub(super) fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Whether all of `$GENLOCK_USER` is the user's name, even if there is a colon in it: the password comes
    /// from the file that `--password-file` names.
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

/// The value, and where clap has it from; `None` if it is the default.
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

/// The value that the option's variable gives it. For an option that the verb does not have.
fn in_environment(arg: &Arg) -> Option<(OsString, Origin)> {
    let name = arg.get_env()?;
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some((value, Origin::Variable(name.to_string_lossy().into_owned())))
}

/// Reads what Go's strconv.ParseBool reads: etcdctl reads its variables with that.
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
