//! Opens the store that the options name: the scheme of the endpoints picks it.

use std::path::PathBuf;
use std::sync::Arc;

use super::environment;
use super::settings::ConnectionOptions;
use crate::error::Setting;
use crate::secrets;
use crate::{
    Credentials, Error, ErrorKind, Etcd, EtcdConfig, FileStore, Locker, Operator, Options, Result,
    Tls,
};

/// Where etcd is when nobody says.
pub(super) const DEFAULT_ENDPOINT: &str = "127.0.0.1:2379";

/// What the options say, put together.
pub(super) enum Store {
    Etcd(EtcdConfig),
    File(Option<String>),
}

impl Store {
    /// Reads the options. Touches nothing.
    pub(super) fn of(connection: &ConnectionOptions) -> Result<Self> {
        let mut endpoints = endpoints(connection)?;
        let files: Vec<_> = endpoints
            .iter()
            .filter_map(|e| e.strip_prefix("file:"))
            .collect();
        if let Some(&directory) = files.first() {
            if endpoints.len() > 1 {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    format!(
                        "{}: file: stands alone",
                        secrets::endpoints(&endpoints.join(","))
                    ),
                )
                .about([Setting::Endpoints]));
            }
            // file:///dir and file:/dir mean the same directory.
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            return Ok(Self::File(
                (!directory.is_empty()).then(|| directory.to_owned()),
            ));
        }
        if connection.tls {
            for endpoint in endpoints.iter_mut().filter(|each| !has_scheme(each)) {
                endpoint.insert_str(0, "https://");
            }
        }
        let mut config = EtcdConfig::new(endpoints).tls(tls(connection));
        if let Some(within) = connection.dial_timeout {
            config = config.dial_timeout(within);
        }
        if let Some(within) = connection.command_timeout {
            config = config.command_timeout(within);
        }
        if let Some(credentials) = credentials(connection)? {
            config = config.credentials(credentials);
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
            Self::Etcd(config) => {
                let secure = config.tls.is_set();
                let each = config.endpoints.iter().flatten();
                let each = each.map(|endpoint| from_anywhere(endpoint, secure));
                each.collect::<Vec<_>>().join(",")
            }
            Self::File(directory) => {
                // Another user, or another environment, would have another one of its own.
                let named = directory.as_ref().map(PathBuf::from);
                let path = named.unwrap_or_else(FileStore::own_directory);
                let path = std::path::absolute(&path).unwrap_or(path);
                format!("file:{}", path.display())
            }
        }
    }

    /// Opens it. Does not wait for a network.
    pub(super) fn open(self, options: Options) -> Result<Arc<dyn Client>> {
        Ok(match self {
            Self::Etcd(config) => Arc::new(Etcd::new(config, options)?),
            Self::File(directory) => Arc::new(files(directory, options)?),
        })
    }
}

/// One client of a store, to take locks and for an operator.
pub(super) trait Client: Locker + Operator {}

impl<T: Locker + Operator> Client for T {}

/// The endpoint as it is understood in another working directory, and without our certificates.
fn from_anywhere(endpoint: &str, secure: bool) -> String {
    if let Some(path) = endpoint.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let absolute = std::path::absolute(path);
        return absolute.map_or_else(
            |_| endpoint.to_owned(),
            |p| format!("unix://{}", p.display()),
        );
    }
    if secure && !endpoint.contains("://") {
        return format!("https://{endpoint}");
    }
    endpoint.to_owned()
}

fn files(directory: Option<String>, options: Options) -> Result<FileStore> {
    let opened = match directory {
        Some(directory) => FileStore::open(directory, options),
        None => FileStore::own(options),
    };
    opened.map_err(|error| error.about([Setting::Endpoints]))
}

/// The endpoints that were given; etcd's own where none were. A list with nothing in it, as of
/// variables that nobody has set, is no choice of that: others lock elsewhere.
fn endpoints(connection: &ConnectionOptions) -> Result<Vec<String>> {
    let Some(given) = &connection.endpoints else {
        return Ok(vec![DEFAULT_ENDPOINT.to_owned()]);
    };
    let each = given.iter().flat_map(|list| list.split(','));
    let mut endpoints: Vec<_> = each.map(|each| each.trim().to_owned()).collect();
    endpoints.retain(|endpoint| !endpoint.is_empty());
    if endpoints.is_empty() {
        let error = Error::new(ErrorKind::InvalidConfig, "endpoints: the list is empty");
        return Err(error.about([Setting::Endpoints]));
    }
    Ok(endpoints)
}

fn has_scheme(endpoint: &str) -> bool {
    endpoint.contains("://") || endpoint.starts_with("unix:")
}

/// Whom TLS trusts, and what it shows.
fn tls(connection: &ConnectionOptions) -> Tls {
    let mut tls = Tls::new();
    if let Some(cacert) = &connection.cacert {
        tls = tls.cacert(cacert);
    }
    if let Some(cert) = &connection.cert {
        tls = tls.cert(cert);
    }
    if let Some(key) = &connection.tls_key {
        tls = tls.key(key);
    }
    if connection.insecure_skip_tls_verify {
        tls = tls.insecure_skip_verify();
    }
    tls
}

/// The user's name, and the password or its file. In a variable the name may carry the
/// password, as etcdctl takes it; on the command line everyone could read it (ps(1)). If there is
/// another password, a colon is the name's own, as for etcdctl.
fn credentials(connection: &ConnectionOptions) -> Result<Option<Credentials>> {
    let Some(user) = &connection.user else {
        return Ok(None);
    };
    if let Some(file) = &connection.password_file {
        return Ok(Some(Credentials::password_file(user, file)));
    }
    match &connection.password {
        Some(password) => Ok(Some(Credentials::password(user, password))),
        None => Err(no_password(user)),
    }
}

fn no_password(user: &str) -> Error {
    let message = if user.contains(':') {
        environment::PASSWORD_SEEN.to_owned()
    } else {
        format!("user {user}: no password: use --password-file or $GENLOCK_PASSWORD")
    };
    Error::new(ErrorKind::InvalidConfig, message).about([Setting::User])
}
