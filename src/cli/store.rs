//! Opens the store that the options name: the scheme of the endpoints picks it.

use std::path::{Path, PathBuf};

use super::Connection;
use super::settings::Settings;
use crate::describe;
use crate::error::Setting;
use crate::{Error, ErrorKind, Etcd, EtcdConfig, FileStore, Locker, Operator, Options, Result};

/// Where etcd is when nobody says.
const DEFAULT_ENDPOINT: &str = "127.0.0.1:2379";

/// What the options say, put together.
pub(super) enum Store {
    Etcd(EtcdConfig),
    File(Option<String>),
}

impl Store {
    /// Reads the options, below which the settings are already. Touches nothing but the password's
    /// file.
    pub(super) fn of(connection: &Connection, settings: &Settings) -> Result<Self> {
        let endpoints = endpoints(connection);
        let files: Vec<_> = endpoints
            .iter()
            .filter_map(|e| e.strip_prefix("file:"))
            .collect();
        if let Some(&directory) = files.first() {
            if endpoints.len() > 1 {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    format!("{}: file: stands alone", endpoints.join(",")),
                )
                .about([Setting::Endpoints]));
            }
            // file:///dir and file:/dir mean the same directory.
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            return Ok(Self::File(
                (!directory.is_empty()).then(|| directory.to_owned()),
            ));
        }
        let (user, password) = credentials(connection, settings)?;
        let defaults = EtcdConfig::default();
        let config = EtcdConfig {
            endpoints,
            cacert: connection.cacert.clone(),
            cert: connection.cert.clone(),
            key: connection.tls_key.clone(),
            insecure_skip_tls_verify: connection.insecure_skip_tls_verify,
            user,
            password,
            dial_timeout: connection.dial_timeout.unwrap_or(defaults.dial_timeout),
            command_timeout: connection
                .command_timeout
                .unwrap_or(defaults.command_timeout),
        };
        Ok(Self::Etcd(config))
    }

    /// Whether a lock runs out if it is not renewed.
    pub(super) fn has_leases(&self) -> bool {
        matches!(self, Self::Etcd(_))
    }

    /// What `--endpoints` takes for it, from any working directory.
    pub(super) fn endpoints(&self) -> String {
        match self {
            Self::Etcd(config) => config.endpoints.join(","),
            Self::File(directory) => {
                // Another user, or another environment, would have another one of its own.
                let named = directory.as_ref().map(PathBuf::from);
                let path = named.unwrap_or_else(FileStore::own_directory);
                let path = std::path::absolute(&path).unwrap_or(path);
                format!("file:{}", path.display())
            }
        }
    }

    /// Opens it to take locks. Does not wait for a network.
    pub(super) fn open(self, options: Options) -> Result<Box<dyn Locker>> {
        Ok(match self {
            Self::Etcd(config) => Box::new(Etcd::new(config, options)?),
            Self::File(directory) => Box::new(files(directory, options)?),
        })
    }

    /// Opens it for an operator. Does not wait for a network.
    pub(super) fn open_for_operator(self, options: Options) -> Result<Box<dyn Operator>> {
        Ok(match self {
            Self::Etcd(config) => Box::new(Etcd::new(config, options)?),
            Self::File(directory) => Box::new(files(directory, options)?),
        })
    }
}

fn files(directory: Option<String>, options: Options) -> Result<FileStore> {
    let opened = match directory {
        Some(directory) => FileStore::open(directory, options),
        None => FileStore::own(options),
    };
    opened.map_err(|error| error.about([Setting::Endpoints]))
}

fn endpoints(connection: &Connection) -> Vec<String> {
    let given = connection.endpoints.iter().flatten();
    let each = given.flat_map(|list| list.split(','));
    let mut endpoints: Vec<_> = each.map(|each| each.trim().to_owned()).collect();
    endpoints.retain(|endpoint| !endpoint.is_empty());
    if endpoints.is_empty() {
        endpoints.push(DEFAULT_ENDPOINT.to_owned());
    }
    endpoints
}

/// The user's name and password. In a variable the name may carry the password, as etcdctl takes
/// it; on the command line everyone could read it (ps(1)).
fn credentials(
    connection: &Connection,
    settings: &Settings,
) -> Result<(Option<String>, Option<String>)> {
    let Some(user) = &connection.user else {
        return Ok((None, None));
    };
    if user.contains(':') {
        return Err(config(
            "--user: a password on the command line can be read by everyone (ps): \
             use --password-file or $GENLOCK_PASSWORD",
        ));
    }
    let password = match &connection.password_file {
        Some(path) => first_line(path)?,
        None => settings
            .password()
            .ok_or_else(|| {
                config(&format!(
                    "user {user}: no password: use --password-file or $GENLOCK_PASSWORD"
                ))
                .about([Setting::User])
            })?
            .to_owned(),
    };
    Ok((Some(user.clone()), Some(password)))
}

fn first_line(path: &Path) -> Result<String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("{shown}: {}", describe::io_error(&error)),
        )
        .about([Setting::Password])
        .with_source(error)
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn config(message: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
