//! The library's one error: a kind and subjects to decide by, a line to show, and the source beneath.

mod subject;
mod words;

use std::fmt;
use std::sync::Arc;

pub use subject::{Capability, Setting, Subject};
use words::Words;

/// A `Result` with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: what a program decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is empty, ends in `/`, is too long, or has a NUL byte.
    InvalidKey,
    /// The TTL is under one second or over 285 years, or not in whole seconds where the store counts in
    /// seconds.
    InvalidTtl,
    /// The configuration cannot work: an endpoint, a certificate file, a directory.
    InvalidConfig,
    /// Who asks for the lock runs under it, and would wait for itself: as a command that genlock runs
    /// and that asks for its lock again. The stores give no such error.
    AlreadyHeld,
    /// The lock is not one of this client's.
    NotHeld,
    /// The lock was lost before it was released.
    OwnershipLost,
    /// It took longer than a time limit.
    TimedOut,
    /// The store cannot be reached, or refused to work.
    Unavailable,
    /// The store refused the credentials, or they do not cover the key.
    Denied,
    /// The client has been closed.
    Closed,
    /// The store cannot do that: it is beyond its capabilities.
    Unsupported,
    /// Others hold the lock or wait for it by another number of holders.
    OtherMaxHolders,
    /// A newer one came, and this one gave up its place in the queue: see
    /// [`QueuePolicy::Latest`](crate::locker::QueuePolicy::Latest).
    Superseded,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidKey => "invalid key",
            Self::InvalidTtl => "invalid TTL",
            Self::InvalidConfig => "invalid configuration",
            Self::AlreadyHeld => "already held",
            Self::NotHeld => "not held",
            Self::OwnershipLost => "ownership lost",
            Self::TimedOut => "timed out",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::Closed => "closed",
            Self::Unsupported => "unsupported",
            Self::OtherMaxHolders => "other number of holders",
            Self::Superseded => "superseded",
        })
    }
}

/// An error of the library.
///
/// `Display` gives everything that a user needs on one line, without the kind; [`Error::source`] the
/// error of a lower layer, if one is behind it.
///
/// [`Error::source`]: std::error::Error::source
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    words: Words,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. `reason` says why, on one line.
    pub fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            words: Words::new(reason.into()),
            source: None,
        }
    }

    /// Puts what it is about in front: `subject: reason`.
    #[must_use]
    pub fn of(mut self, subject: Subject) -> Self {
        self.words.ahead(subject);
        self
    }

    /// Puts the key of the lock in front, as [`Error::of`] does.
    #[must_use]
    pub fn of_key(self, key: impl Into<String>) -> Self {
        self.of(Subject::Key(key.into()))
    }

    /// Appends the settings that are at fault, or whose change could help, to the line:
    /// `reason (setting, setting)`.
    #[must_use]
    pub fn about(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.words.behind(settings);
        self
    }

    /// Adds to what [`Error::subjects`] gives, and leaves the line as it is.
    #[must_use]
    pub fn concerning(mut self, subject: Subject) -> Self {
        self.words.tacit(subject);
        self
    }

    /// Appends `text` to the line.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.words.append(text.into());
        self
    }

    /// Sets what [`source`](std::error::Error::source) gives. The line does not show it: the reason
    /// should say the same in words for a user.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Puts `what` in front: `what: reason`.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.words.prepend(format!("{what}: "));
        self
    }

    /// Appends what the user can do about it: `reason; way_out`.
    #[must_use]
    pub fn with_way_out(self, way_out: &str) -> Self {
        self.and(format!("; {way_out}"))
    }

    /// The same error with another kind, for a caller to whom it means something else.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// One error whose line has the lines of all, with `; ` between, and which is about all their subjects.
    pub fn joined(kind: ErrorKind, errors: impl IntoIterator<Item = Self>) -> Self {
        let mut words = Words::default();
        for (number, error) in errors.into_iter().enumerate() {
            if number > 0 {
                words.append("; ".to_owned());
            }
            words.join(error.words);
        }
        Self {
            kind,
            words,
            source: None,
        }
    }

    /// What went wrong: what a program decides by.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What it is about, as far as that is known, in the order of the line.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.words.subjects()
    }

    /// Whether it is about this.
    pub fn is_about(&self, subject: &Subject) -> bool {
        self.subjects().any(|each| each == subject)
    }

    /// The settings among its subjects.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        self.subjects().filter_map(|subject| match subject {
            Subject::Setting(setting) => Some(*setting),
            _ => None,
        })
    }

    /// What `Display` gives, but without the subjects in front and the settings in parentheses.
    pub fn reason(&self) -> String {
        self.words.reason()
    }

    /// What `Display` gives, with settings as `name` writes them: as options, say.
    pub fn line(&self, name: impl Fn(&[Setting]) -> String) -> String {
        self.words.line(name)
    }
}

/// Settings by their own names.
fn names(settings: &[Setting]) -> String {
    let names: Vec<_> = settings.iter().map(|setting| setting.name()).collect();
    names.join(", ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(names))
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

/// The text of an I/O error for a user: without `(os error N)`, and with a small first letter, unless
/// the first word is an abbreviation.
#[cfg(any(test, feature = "file", feature = "net"))]
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
    fn the_line_names_each_subject_in_its_place() {
        let refused = Error::new(ErrorKind::Denied, "it refused the certificate")
            .about([Setting::Cert, Setting::Key])
            .and(": it has expired")
            .of(Subject::Endpoint("h:1".to_owned()));
        let away = Error::new(ErrorKind::Unavailable, "no leader")
            .concerning(Subject::Majority)
            .of(Subject::Endpoint("i:1".to_owned()));
        let error = Error::joined(ErrorKind::Unavailable, [refused, away])
            .context("cannot reach it")
            .of_key("/k");
        assert_eq!(
            error.to_string(),
            "/k: cannot reach it: h:1: it refused the certificate (cert, key): it has expired; \
             i:1: no leader"
        );
        assert_eq!(
            error.reason(),
            "cannot reach it: it refused the certificate: it has expired; no leader"
        );
        assert!(
            error
                .line(|_| "--cert".to_owned())
                .contains("certificate (--cert): it has")
        );
        assert!(error.is_about(&Subject::Key("/k".to_owned())));
        assert!(error.is_about(&Subject::Majority));
        assert!(!error.is_about(&Subject::Space));
        assert!(error.settings().eq([Setting::Cert, Setting::Key]));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn every_subject_reads_like_words() {
        let settings = [
            Setting::Endpoints,
            Setting::Cacert,
            Setting::Cert,
            Setting::Key,
            Setting::InsecureSkipTlsVerify,
            Setting::User,
            Setting::Password,
            Setting::Ttl,
        ];
        let mut subjects = settings.map(Subject::Setting).to_vec();
        let capabilities = [
            Capability::Shared,
            Capability::SeveralHolders,
            Capability::SeveralKeys,
            Capability::Latest,
            Capability::Marks,
        ];
        subjects.extend(capabilities.map(Subject::Capability));
        subjects.extend([
            Subject::Key("/k".to_owned()),
            Subject::File("/f".into()),
            Subject::Endpoint("h:1".to_owned()),
            Subject::Permission,
            Subject::Login,
            Subject::Users,
            Subject::Majority,
            Subject::Space,
            Subject::ServerName,
            Subject::Signer,
            Subject::ClientCertificate,
        ]);
        let mut seen = std::collections::HashSet::new();
        for subject in subjects {
            let line = Error::new(ErrorKind::Unavailable, "why").of(subject.clone());
            assert_eq!(line.to_string(), format!("{subject}: why"));
            let text = subject.to_string();
            assert!(!text.is_empty() && text == text.to_lowercase(), "{text}");
            assert!(
                !text.contains("--") && !text.contains(['$', '"', '(']),
                "{text}"
            );
            assert!(seen.insert(text), "{subject:?} reads like another");
        }
    }

    #[test]
    fn io_errors_read_like_words() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(plain(&refused.to_string()), "connection refused");
        assert_eq!(plain("broken pipe"), "broken pipe");
        assert_eq!(plain("RPC error (os error 72)"), "RPC error");
    }
}
