//! Opens the store that the options name: the scheme of the endpoints picks it.

use std::path::Path;
use std::time::Duration;

use super::environment::{ETCDCTL_PASSWORD, PASSWORD, variable};
use super::{Connection, times};

use crate::describe;
use crate::{Error, ErrorKind, Etcd, EtcdConfig, FileStore, Locker, Operator, Options, Result};

/// Where etcd is when nobody says.
const DEFAULT_ENDPOINT: &str = "127.0.0.1:2379";

/// What the options and the environment say, put together.
pub(super) enum Store {
    Etcd(EtcdConfig),
    File(Option<String>),
}

impl Store {
    /// Reads the options, then etcdctl's variables, then the defaults. Touches nothing but the
    /// password's file.
    pub(super) fn of(connection: &Connection) -> Result<Self> {
        let endpoints = endpoints(connection);
        let files: Vec<_> = endpoints
            .iter()
            .filter_map(|e| e.strip_prefix("file:"))
            .collect();
        if let Some(&directory) = files.first() {
            if endpoints.len() > 1 {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    format!("--endpoints {}: file: stands alone", endpoints.join(",")),
                ));
            }
            // file:///dir and file:/dir mean the same directory.
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            return Ok(Self::File(
                (!directory.is_empty()).then(|| directory.to_owned()),
            ));
        }
        let (user, password) = credentials(connection)?;
        let file = |option: &Option<_>, name| option.clone().or(variable(name).map(Into::into));
        let mut config = EtcdConfig {
            endpoints,
            cacert: file(&connection.cacert, "ETCDCTL_CACERT"),
            cert: file(&connection.cert, "ETCDCTL_CERT"),
            key: file(&connection.tls_key, "ETCDCTL_KEY"),
            insecure_skip_tls_verify: connection.insecure_skip_tls_verify
                || is_set("ETCDCTL_INSECURE_SKIP_TLS_VERIFY")?,
            user,
            password,
            ..EtcdConfig::default()
        };
        if let Some(timeout) = timeout(connection.dial_timeout, "ETCDCTL_DIAL_TIMEOUT")? {
            config.dial_timeout = timeout;
        }
        if let Some(timeout) = timeout(connection.command_timeout, "ETCDCTL_COMMAND_TIMEOUT")? {
            config.command_timeout = timeout;
        }
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
                let directory = directory.as_deref().unwrap_or_default();
                let absolute = std::path::absolute(directory).ok();
                let absolute = absolute.and_then(|path| path.into_os_string().into_string().ok());
                format!("file:{}", absolute.as_deref().unwrap_or(directory))
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

/// A store that cannot be reached needs not be the end: but that is for the user to say.
pub(super) fn with_way_out(error: Error) -> Error {
    if error.kind() == ErrorKind::Unavailable {
        let way_out = "to lock on this host only, without a server: --endpoints file:";
        return Error::new(ErrorKind::Unavailable, format!("{error}; {way_out}"));
    }
    error
}

fn files(directory: Option<String>, options: Options) -> Result<FileStore> {
    match directory {
        Some(directory) => FileStore::open(directory, options),
        None => FileStore::shared(options),
    }
}

fn endpoints(connection: &Connection) -> Vec<String> {
    let listed = |list: &str| -> Vec<String> {
        list.split(',')
            .map(|endpoint| endpoint.trim().to_owned())
            .collect()
    };
    let mut endpoints = match &connection.endpoints {
        Some(given) => given.iter().flat_map(|list| listed(list)).collect(),
        None => variable("ETCDCTL_ENDPOINTS")
            .map(|list| listed(&list))
            .unwrap_or_default(),
    };
    endpoints.retain(|endpoint| !endpoint.is_empty());
    if endpoints.is_empty() {
        endpoints.push(DEFAULT_ENDPOINT.to_owned());
    }
    endpoints
}

/// The user's name and password. In a variable the name may carry the password, as etcdctl takes
/// it; on the command line everyone could read it (ps(1)).
fn credentials(connection: &Connection) -> Result<(Option<String>, Option<String>)> {
    if connection
        .user
        .as_ref()
        .is_some_and(|user| user.contains(':'))
    {
        return Err(config(
            "--user: a password on the command line can be read by everyone (ps): \
             use --password-file or $GENLOCK_PASSWORD",
        ));
    }
    let given = connection.user.clone();
    let user = given
        .or_else(|| variable("GENLOCK_USER"))
        .or_else(|| variable("ETCDCTL_USER"));
    let Some(user) = user else {
        return Ok((None, None));
    };
    let (name, attached) = match user.split_once(':') {
        Some((name, password)) => (name.to_owned(), Some(password.to_owned())),
        None => (user, None),
    };
    let password = match &connection.password_file {
        Some(path) => Some(first_line(path)?),
        None => variable(PASSWORD)
            .or(attached)
            .or_else(|| variable(ETCDCTL_PASSWORD)),
    };
    if password.is_none() {
        return Err(config(&format!(
            "--user {name}: no password: use --password-file or $GENLOCK_PASSWORD"
        )));
    }
    Ok((Some(name), password))
}

fn first_line(path: &Path) -> Result<String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("--password-file {shown}: {}", describe::io_error(&error)),
        )
        .with_source(error)
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn timeout(given: Option<Duration>, name: &str) -> Result<Option<Duration>> {
    let Some(text) = variable(name).filter(|_| given.is_none()) else {
        return Ok(given);
    };
    times::parse_pause(&text)
        .map(Some)
        .map_err(|why| config(&format!("${name} {text:?}: {why}")))
}

fn is_set(name: &str) -> Result<bool> {
    match variable(name).as_deref() {
        None => Ok(false),
        // What Go's strconv.ParseBool takes, since etcdctl reads the variable with it.
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(other) => Err(config(&format!("${name} {other:?}: true or false"))),
    }
}

fn config(message: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
