//! What is known of a store before one is opened: a line in the list of stores.

use std::fmt;
use std::time::Duration;

use super::examination::Examination;
use super::{BoxFuture, Capabilities, Config, History, Locker, Marks, Operator, Options};
use crate::error::{Result, Setting};

/// One kind of store. Endpoints are its own that begin with one of its schemes.
#[non_exhaustive]
pub struct StoreKind {
    /// What its endpoints begin with, such as `file:`.
    pub schemes: &'static [&'static str],
    /// Those of them that a path follows.
    pub path_schemes: &'static [&'static str],
    /// Whether it has several endpoints.
    pub several: bool,
    /// Whether it is this host's alone, and has no server.
    pub is_local: bool,
    /// The endpoint that is meant where none is said.
    pub default_endpoint: &'static str,
    /// What its locks can do.
    pub capabilities: &'static Capabilities,
    /// Who logs in where a password is set, and no user.
    pub user_of_password: Option<&'static str>,
    /// The settings that it takes.
    pub settings: &'static [Setting],
    /// The variables that a command finds beside those of every store's locks, and what they say.
    pub variables: &'static [(&'static str, &'static str)],
    /// What help says of it.
    pub help: StoreHelp,
    /// Its endpoints as they are understood in another working directory, by another user, and
    /// without our certificates.
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "the tool hands it to its command")
    )]
    pub(crate) from_anywhere: fn(&Config) -> String,
    /// Opens a client. Does not wait for a network.
    pub(crate) open: fn(Config, Options) -> Result<Box<dyn StoreClient>>,
    /// See [`StoreKind::examine`].
    pub(crate) examine: Examine,
}

/// What help says of a store.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreHelp {
    /// How its endpoints are written.
    pub endpoints: &'static str,
    /// What its locks are, in lines of at most 85 columns.
    pub about: &'static [&'static str],
    /// Endpoints, and what they are good for.
    pub example: (&'static str, &'static str),
    /// Directories of its own on this host, and what is there.
    pub files: &'static [(&'static str, &'static str)],
}

/// Finds out what is wrong with a store: its configuration, a key and a TTL.
type Examine = for<'a> fn(&'a Config, &'a str, Duration) -> BoxFuture<'a, Result<Examination>>;

/// One client of a store, to take locks, to leave marks, to keep runs, and for an operator.
pub trait StoreClient: Locker + Operator + Marks + History {}

impl<T: Locker + Operator + Marks + History> StoreClient for T {}

/// What stands behind the scheme of an endpoint, which is written in either case (RFC 3986, 3.1).
pub(crate) fn behind_scheme<'a>(endpoint: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = endpoint.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

impl StoreKind {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.capabilities.store
    }

    /// Whether an endpoint is its own by its scheme.
    pub fn has(&self, endpoint: &str) -> bool {
        let mut schemes = self.schemes.iter();
        schemes.any(|scheme| behind_scheme(endpoint, scheme).is_some())
    }

    /// Asks the store what works and what does not, for the lock of `key`, or for all below it if it
    /// ends in `/`, with this TTL. Bounded in time, and leaves nothing in the store. Cancel-safe, but
    /// for what then ends at the TTL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig), with the setting or file at
    /// fault. All that the store says or does not say is in the [`Examination`].
    pub fn examine<'a>(
        &self,
        config: &'a Config,
        key: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Examination>> {
        (self.examine)(config, key, ttl)
    }

    /// Whether it takes this setting.
    pub fn takes(&self, setting: Setting) -> bool {
        self.settings.contains(&setting)
    }
}

impl fmt::Debug for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKind")
            .field("name", &self.name())
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}
