//! What an error is about.

use std::fmt;
use std::path::PathBuf;

/// What an error is about: what is at fault, or could mend it. To decide by, along with the
/// [`ErrorKind`](super::ErrorKind).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A setting.
    Setting(Setting),
    /// The key of a lock.
    Key(String),
    /// A file or directory, as it may be shown.
    File(PathBuf),
    /// A server of the store, as it may be shown.
    Endpoint(String),
    /// What the store cannot do.
    Capability(Capability),
    /// What the user may do in the store: this is not granted.
    Permission,
    /// The user's login: the store does not take it.
    Login,
    /// The store's list of users: it keeps none, so nobody can log in.
    Users,
    /// The majority of the store's members: without it there is no leader.
    Majority,
    /// The room that the store has: it is full.
    Space,
    /// The name by which the server is reached: its certificate is for others.
    ServerName,
    /// Who signed the server's certificate: nobody who is trusted here.
    Signer,
    /// The certificate that the server wants of a client: it is shown none.
    ClientCertificate,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::File(path) => return path.display().fmt(f),
            Self::Key(text) | Self::Endpoint(text) => text,
            Self::Setting(setting) => setting.name(),
            Self::Capability(capability) => capability.words(),
            Self::Permission => "the user's permissions",
            Self::Login => "the user's login",
            Self::Users => "the store's users",
            Self::Majority => "the majority of the store's members",
            Self::Space => "the store's space",
            Self::ServerName => "the server's name",
            Self::Signer => "the signer of the server's certificate",
            Self::ClientCertificate => "the client's certificate",
        };
        f.write_str(words)
    }
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
    /// That it is not checked who the server is.
    InsecureSkipTlsVerify,
    /// The user to log in as.
    User,
    /// Its password.
    Password,
    /// How long the store keeps a lock whose holder it does not hear of.
    Ttl,
}

impl Setting {
    /// As the stores' configurations call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::Cacert => "cacert",
            Self::Cert => "cert",
            Self::Key => "key",
            Self::InsecureSkipTlsVerify => "insecure-skip-tls-verify",
            Self::User => "user",
            Self::Password => "password",
            Self::Ttl => "ttl",
        }
    }
}

/// What a request may need of a store, one of its [`Capabilities`](crate::Capabilities).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// [`Capabilities::shared`](crate::Capabilities::shared).
    Shared,
    /// [`Capabilities::several_holders`](crate::Capabilities::several_holders).
    SeveralHolders,
    /// [`Capabilities::several_keys`](crate::Capabilities::several_keys).
    SeveralKeys,
    /// [`Capabilities::latest`](crate::Capabilities::latest).
    Latest,
    /// [`Capabilities::marks`](crate::Capabilities::marks).
    Marks,
}

impl Capability {
    /// In words, as in `etcd has no …`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Shared => "shared locks",
            Self::SeveralHolders => "locks with several holders",
            Self::SeveralKeys => "locks of several keys at once",
            Self::Latest => "queue in which the latest goes first",
            Self::Marks => "marks of what is done",
        }
    }
}
