//! The library's one error: a kind to decide by, a line to show, and the source beneath.

use std::fmt;

/// A specialised `Result`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, to decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is empty, ends in `/`, is too long, or has a NUL byte.
    InvalidKey,
    /// The TTL is under one second or over 285 years, or not in whole seconds where the store counts in seconds.
    InvalidTtl,
    /// The configuration cannot work: an endpoint, a certificate file, a directory.
    InvalidConfig,
    /// This client already holds, or waits for, the key.
    AlreadyHeld,
    /// The lock is not one of this client's.
    NotHeld,
    /// The lock was lost before it was released.
    OwnershipLost,
    /// A bound in time was reached.
    TimedOut,
    /// The store cannot be reached, or refused to work.
    Unavailable,
    /// The store refused the credentials, or they do not cover the key.
    Denied,
    /// The client has been closed.
    Closed,
    /// The store cannot do that: it is beyond its capabilities.
    Unsupported,
}

/// A setting of a store or of its locks, by its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Where the store is: etcd's members, or the file store's directory.
    Endpoints,
    /// Whom to trust.
    Cacert,
    /// The client's certificate.
    Cert,
    /// The key of that certificate.
    Key,
    /// The user to log in as.
    User,
    /// Its password.
    Password,
    /// How long the store keeps a lock whose holder it does not hear of.
    Ttl,
}

impl Setting {
    /// All of them.
    #[cfg(feature = "cli")]
    pub(crate) const ALL: [Self; 7] = [
        Self::Endpoints,
        Self::Cacert,
        Self::Cert,
        Self::Key,
        Self::User,
        Self::Password,
        Self::Ttl,
    ];

    /// As the stores' configurations call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::Cacert => "cacert",
            Self::Cert => "cert",
            Self::Key => "key",
            Self::User => "user",
            Self::Password => "password",
            Self::Ttl => "ttl",
        }
    }
}

/// An error of the library.
///
/// `Display` gives the whole story on one line, without the kind; [`Error::source`] what lies
/// beneath, for those who look.
///
/// [`Error::source`]: std::error::Error::source
pub struct Error {
    kind: ErrorKind,
    message: String,
    settings: Vec<Setting>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. `message` reads `what: why`, on one line.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            settings: Vec::new(),
            source: None,
        }
    }

    /// Names the settings at fault, or those that could mend it. `Display` has them at the end.
    #[must_use]
    pub fn about(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Keeps what lies beneath. Its text should already be in the message, in words for a user.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts `what` in front: `what: message`.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Puts behind it what helps: `message; way_out`.
    #[must_use]
    pub(crate) fn with_way_out(mut self, way_out: &str) -> Self {
        self.message = format!("{}; {way_out}", self.message);
        self
    }

    /// What went wrong, to decide by.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The settings at fault, as far as it is one of them.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// What `Display` gives, without the settings.
    pub fn reason(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let names: Vec<_> = self.settings.iter().map(|setting| setting.name()).collect();
        if names.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", names.join(", "))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The text of an I/O error as a user reads it: without the number, in lower case but for what is
/// short for something.
pub(crate) fn plain(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text);
    let mut letters = text.chars();
    match letters.next() {
        Some(_) if letters.clone().next().is_some_and(char::is_uppercase) => text.to_owned(),
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown error".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_read_like_words() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(plain(&refused.to_string()), "connection refused");
        assert_eq!(plain("broken pipe"), "broken pipe");
        assert_eq!(plain("RPC error (os error 72)"), "RPC error");
    }
}
