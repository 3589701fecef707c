//! Opens the store that the options name. The scheme of the endpoints decides which it is.

use std::sync::Arc;

use super::environment;
use super::settings::ConnectionOptions;
use crate::error::Setting;
use crate::locker::Config;
use crate::locker::kind::{StoreClient, StoreKind};
use crate::stores;
use crate::{Credentials, Error, ErrorKind, Options, Result, Tls};

/// A kind of store, and its configuration from the options.
pub(super) struct Store {
    pub(super) kind: &'static StoreKind,
    pub(super) config: Config,
}

impl Store {
    /// Reads the options. Opens nothing.
    pub(super) fn of(connection: &ConnectionOptions) -> Result<Self> {
        let endpoints = endpoints(connection)?;
        let kind = stores::kind_of(&endpoints)?;
        let mut config = Config::new(endpoints);
        if kind.takes(Setting::Cacert) {
            config = config.tls(tls(connection));
        }
        if let Some(within) = connection.dial_timeout {
            config = config.dial_timeout(within);
        }
        if let Some(within) = connection.command_timeout {
            config = config.command_timeout(within);
        }
        if kind.takes(Setting::User)
            && let Some(credentials) = credentials(connection, kind)?
        {
            config = config.credentials(credentials);
        }
        Ok(Self { kind, config })
    }

    /// The value of `--endpoints` that means this store in any working directory.
    pub(super) fn endpoints(&self) -> String {
        (self.kind.from_anywhere)(&self.config)
    }

    /// Opens it. Does not wait for a network.
    pub(super) fn open(self, options: Options) -> Result<Arc<dyn StoreClient>> {
        Ok(Arc::from((self.kind.open)(self.config, options)?))
    }
}

/// The endpoint if none is set.
pub(super) fn default_endpoint() -> String {
    stores::STORES[0].default_endpoint.to_owned()
}

/// The endpoints that are set, or else the default. An empty list, as in `--endpoints "$UNSET"`, is an
/// error and not the default: the lock would be in another store than that of the others.
fn endpoints(connection: &ConnectionOptions) -> Result<Vec<String>> {
    let Some(given) = &connection.endpoints else {
        return Ok(vec![default_endpoint()]);
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

/// What TLS needs: whom to trust, and our own certificate.
fn tls(connection: &ConnectionOptions) -> Tls {
    let mut tls = Tls::new();
    if connection.tls {
        tls = tls.wanted();
    }
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

/// The user's name, and the password or its file. A password that a variable has in one with the name has
/// been taken apart by then; on the command line it is refused, as everyone could read it (ps(1)).
fn credentials(connection: &ConnectionOptions, kind: &StoreKind) -> Result<Option<Credentials>> {
    let has_password = connection.password.is_some() || connection.password_file.is_some();
    let alone = kind.user_of_password.filter(|_| has_password);
    let Some(user) = connection.user.as_deref().or(alone) else {
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
