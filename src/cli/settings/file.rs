//! The configuration files: where they are, whether they can be trusted, and what they set.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Command;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{FORMER, KEYS, Key, PASSWORD, PASSWORD_FILE, USER, ValueKind};
use super::{invalid, option};
use crate::cli::nearest::nearest;
use crate::cli::times;
use crate::describe;
use crate::input;
use crate::locker::kind::behind_scheme;
use crate::stores::STORES;
use crate::{Error, Result};

/// For all users of the host.
const SYSTEM: &str = "/etc/genlock/config.toml";

/// A longer file is refused, in bytes.
const LONGEST: u64 = 1 << 20;

/// How long to wait for the end of a pipe that is named as the file: as long as for etcd by default.
const WITHIN: Duration = Duration::from_secs(2);

/// What one file sets.
pub(super) struct Contents {
    pub(super) path: PathBuf,
    /// Whether it exists.
    pub(super) present: bool,
    /// Each key, its value in the option's form, and the number of the line.
    pub(super) values: Vec<(&'static str, OsString, usize)>,
}

/// Reads the file that is `named`, or else the user's and the system's, in this order, which need not
/// exist. `options` is the definition of `run`.
pub(super) fn all(named: Option<&Path>, options: &Command) -> Result<Vec<Contents>> {
    let read = |path: PathBuf, place| -> Result<Contents> {
        let Some((text, stat)) = text(&path, place)? else {
            return Ok(Contents {
                path,
                present: false,
                values: Vec::new(),
            });
        };
        let reading = Reading {
            path: &path,
            text: &text,
            options,
        };
        let values = reading.values(&stat)?;
        Ok(Contents {
            path,
            present: true,
            values,
        })
    };
    if let Some(path) = named {
        return Ok(vec![read(path.to_owned(), Place::Named)?]);
    }
    let mut files = Vec::new();
    if let Some(path) = of_user() {
        files.push(read(path, Place::Users)?);
    }
    files.push(read(SYSTEM.into(), Place::System)?);
    Ok(files)
}

/// `~/.config/genlock/config.toml`, by the XDG base directory specification: a path that is not absolute
/// has to be ignored.
fn of_user() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(config?.join("genlock/config.toml"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Named,
    Users,
    System,
}

/// The text of a file and its metadata; `None` if it does not exist and need not.
fn text(path: &Path, place: Place) -> Result<Option<(String, Metadata)>> {
    // Does not block where somebody has put a pipe in its place.
    let file = match input::open(path) {
        Ok(file) => file,
        Err(error) if place != Place::Named && is_absent(&error) => return Ok(None),
        // $HOME is another user's, as after su(1), and closed to us: the file there is not for us.
        Err(error) if place == Place::Users && is_hidden(path, &error) => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let stat = file.metadata().map_err(|error| unreadable(path, &error))?;
    if place != Place::Named {
        trusted(path, &stat)?;
    }
    let shown = path.display();
    // Only a regular file: /dev/null, which may be named, is writable for everyone.
    if stat.is_file() && stat.mode() & 0o002 != 0 {
        return Err(invalid(format!(
            "{shown}: everyone can write to it, and so choose where locks are: chmod o-w it"
        )));
    }
    let text = read(&file).map_err(|error| unreadable(path, &error))?;
    Ok(Some((text, stat)))
}

fn read(file: &File) -> io::Result<String> {
    let text = input::read(file, LONGEST, WITHIN)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("too long for a configuration"));
    }
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether we may not even see if the file exists.
fn is_hidden(path: &Path, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && std::fs::symlink_metadata(path).is_err()
}

/// Refuses a file that was found, not named, unless it is ours or root's: it decides to which server
/// passwords are sent.
fn trusted(path: &Path, stat: &Metadata) -> Result<()> {
    let shown = path.display();
    if !stat.is_file() {
        return Err(invalid(format!("{shown}: not a regular file")));
    }
    if stat.uid() != 0 && stat.uid() != rustix::process::geteuid().as_raw() {
        return Err(invalid(format!(
            "{shown}: it belongs to the user {}, neither to us nor to root; if it is meant, name \
             it with --config",
            stat.uid()
        )));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied: let it be read (a password can be in a password-file), or name \
             another with --config"
                .to_owned()
        }
        _ => describe::io_error(error),
    };
    invalid(format!("{shown}: {why}"))
}

/// A text that is being read.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    options: &'a Command,
}

impl Reading<'_> {
    /// Every key with its value, in the order of the file.
    fn values(&self, stat: &Metadata) -> Result<Vec<(&'static str, OsString, usize)>> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, &error.message().replace('\n', ", "))
        })?;
        let mut pairs: Vec<_> = table.get_ref().iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        let is_password = |name: &str| matches!(name, PASSWORD | PASSWORD_FILE);
        let has_password = pairs.iter().any(|(name, _)| is_password(name.get_ref()));
        let mut values: Vec<(&str, OsString, usize)> = Vec::new();
        for (name, value) in pairs {
            let at = name.span().start;
            let key = KEYS.iter().find(|key| key.name == name.get_ref());
            let key = key.ok_or_else(|| self.wrong(at, &self.unknown(name.get_ref())))?;
            if let ValueKind::Labels = key.kind {
                values.extend(self.labels(key, at, value.get_ref())?);
                continue;
            }
            let value = self
                .value(key, value.get_ref())
                .map_err(|why| self.wrong(at, &format!("{}: {why}", key.name)))?;
            if key.name == PASSWORD && stat.is_file() && stat.mode() & 0o077 != 0 {
                let shown = self.path.display();
                return Err(self.wrong(
                    at,
                    &format!(
                        "password: others can read it: chmod 600 {shown}, or name a file of yours \
                         with password-file"
                    ),
                ));
            }
            // If the file has the password too a colon is part of the name, as for etcdctl.
            if key.name == USER && !has_password && value.to_string_lossy().contains(':') {
                let why = "user: the password goes into password or password-file";
                return Err(self.wrong(at, why));
            }
            if is_password(key.name) && values.iter().any(|(other, ..)| is_password(other)) {
                return Err(self.wrong(at, "password and password-file: only one of them"));
            }
            values.push((key.name, value, self.line(at)));
        }
        Ok(values)
    }

    /// Each label of the table that begins at this byte.
    fn labels(
        &self,
        key: &Key,
        at: usize,
        value: &DeValue<'_>,
    ) -> Result<Vec<(&'static str, OsString, usize)>> {
        let DeValue::Table(table) = value else {
            return Err(self.wrong(at, "label: a table, as in { team = \"storage\" }"));
        };
        let labels = table.iter().map(|(name, value)| {
            let at = name.span().start;
            let wrong = |why| self.wrong(at, &format!("label {}: {why}", name.get_ref()));
            let DeValue::String(text) = value.get_ref() else {
                return Err(wrong("a string".to_owned()));
            };
            let label = OsString::from(format!("{}={text}", name.get_ref()));
            key.check(&label).map_err(wrong)?;
            Ok((key.name, label, self.line(at)))
        });
        labels.collect()
    }

    /// The value in the option's form.
    fn value(&self, key: &Key, value: &DeValue<'_>) -> Result<OsString, String> {
        let value = match (key.kind, value) {
            (ValueKind::Flag, DeValue::Boolean(on)) => return Ok(on.to_string().into()),
            (ValueKind::Flag, _) => return Err("true or false".to_owned()),
            (ValueKind::Duration(_), DeValue::Integer(seconds)) => {
                let seconds = i64::from_str_radix(seconds.as_str(), seconds.radix());
                let seconds = seconds.map_err(|_| times::too_long())?;
                seconds.to_string().into()
            }
            (ValueKind::Count(_), DeValue::Integer(number)) => {
                let number = u64::from_str_radix(number.as_str(), number.radix());
                number.unwrap_or(u64::MAX).to_string().into()
            }
            (ValueKind::Count(_), _) => return Err("a whole number".to_owned()),
            (ValueKind::Duration(_), DeValue::Float(seconds)) => seconds.as_str().into(),
            (ValueKind::Endpoints, DeValue::Array(endpoints)) => {
                let each = endpoints.iter().map(Spanned::get_ref);
                let each = each.map(|endpoint| match endpoint {
                    DeValue::String(text) => self.endpoint(text),
                    _ => Err("strings in an array".to_owned()),
                });
                each.collect::<Result<Vec<_>, _>>()?.join(",").into()
            }
            (_, DeValue::String(text)) if text.is_empty() => String::new().into(),
            (ValueKind::Endpoints, DeValue::String(list)) => {
                let each = list
                    .split(',')
                    .map(|endpoint| self.endpoint(endpoint.trim()));
                each.collect::<Result<Vec<_>, _>>()?.join(",").into()
            }
            (ValueKind::Path, DeValue::String(text)) => {
                self.beside(Path::new(&**text)).into_os_string()
            }
            (_, DeValue::String(text)) => OsString::from(&**text),
            (ValueKind::Duration(_), _) => {
                return Err("a string such as \"10s\", or seconds".to_owned());
            }
            (ValueKind::Endpoints, _) => return Err("a string, or an array of strings".to_owned()),
            _ => return Err("a string".to_owned()),
        };
        if value.is_empty() {
            return Err("it is empty".to_owned());
        }
        key.check(&value).map(|()| value)
    }

    /// An endpoint, with its directory or socket, if it has one, taken as relative to this file.
    fn endpoint(&self, text: &str) -> Result<String, String> {
        for scheme in STORES.iter().flat_map(|kind| kind.path_schemes) {
            if let Some(path) = behind_scheme(text, scheme) {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() {
                    break;
                }
                let path = self.beside(Path::new(path)).into_os_string();
                let path = path.into_string();
                let path = path.map_err(|_| "the path of this file is not UTF-8".to_owned())?;
                return Ok(format!("{scheme}{path}"));
            }
        }
        Ok(text.to_owned())
    }

    fn beside(&self, path: &Path) -> PathBuf {
        let directory = self.path.parent().unwrap_or(Path::new(""));
        directory.join(path)
    }

    /// The error for an unknown key, with the one that was most likely meant.
    fn unknown(&self, name: &str) -> String {
        if option(self.options, name).is_some() {
            return format!("{name}: this is an option only, and no key");
        }
        let all = KEYS.iter().map(|key| key.name);
        let all: Vec<_> = all.filter(|&key| key != FORMER).collect();
        match nearest(name, all.iter().copied()) {
            Some(key) => format!("unknown key {name}: did you mean {key}?"),
            None => format!("unknown key {name}: there are {}", all.join(", ")),
        }
    }

    fn wrong(&self, at: usize, why: &str) -> Error {
        let line = self.line(at);
        invalid(format!("{}:{line}: {why}", self.path.display()))
    }

    /// The number of the line that this byte is in.
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }
}
