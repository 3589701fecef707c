//! What an error is about.

use std::fmt;
use std::path::PathBuf;

/// What an error is about: what is at fault, or whose change could help. A program decides by it,
/// along with the [`ErrorKind`](super::ErrorKind).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A setting.
    Setting(Setting),
    /// The key of a lock.
    Key(String),
    /// A file or directory.
    File(PathBuf),
    /// A server of the store, without any password in its address.
    Endpoint(String),
    /// Something that was asked for and the store cannot do.
    Capability(Capability),
    /// The user's rights in the store, which do not include this.
    Permission,
    /// The user's login, which the store refuses.
    Login,
    /// The store's authentication, which is off: nobody can log in.
    Users,
    /// The majority of the store's members, which is not there: there is no leader.
    Majority,
    /// The space that the store may use, which is full.
    Space,
    /// The name by which the server is reached, which its certificate does not have.
    ServerName,
    /// The authority that signed the server's certificate, which is not trusted here.
    Signer,
    /// The client certificate that the server asks for, where none is configured.
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

/// A setting of a store or of its locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Where the store is: its servers, or the file store's directory.
    Endpoints,
    /// The file with the authorities that are trusted to sign servers' certificates.
    Cacert,
    /// The client's certificate.
    Cert,
    /// The key of that certificate.
    Key,
    /// Not to check the server's certificate.
    InsecureSkipTlsVerify,
    /// The user to log in as.
    User,
    /// Its password.
    Password,
    /// How long the store keeps a lock that is not renewed.
    Ttl,
}

impl Setting {
    /// Its name in the library's documentation and in errors.
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

/// What a request may need and not every store can: one of its [`Capabilities`](crate::Capabilities).
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
    /// [`Capabilities::min_hold`](crate::Capabilities::min_hold).
    MinHold,
    /// [`Capabilities::history`](crate::Capabilities::history).
    History,
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
            Self::MinHold => "locks that stay held when their holder is gone",
            Self::History => "history of runs",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
