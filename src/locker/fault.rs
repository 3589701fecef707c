//! What a failed attempt means: ask another endpoint, ask again, or give up.

use std::time::Duration;

#[cfg(feature = "members")]
use crate::error::Subject;
use crate::error::{Error, ErrorKind};

/// Why an attempt failed, in words for a user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The endpoint is not there, broke or cannot work at the moment. Another may do, or the same
    /// one later.
    Broken(Error),
    /// This endpoint and our configuration do not fit: no use in asking it again.
    Misfit(Error),
    /// The store refuses, and would at every endpoint.
    Refused(Error),
    /// The login of this connection is no longer valid: it has expired, the store's users have changed
    /// since, or the store has switched logins on or off.
    StaleLogin(Error),
    /// The lease is not there (yet, or any more).
    LeaseNotFound,
    /// The lease is there already, and is another's.
    LeaseExists,
}

impl Fault {
    /// [`Fault::Broken`] for this reason, on one line.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(Error::new(ErrorKind::Unavailable, reason))
    }

    /// [`Fault::Broken`], since there was no answer for so long.
    pub fn silent(within: Duration) -> Self {
        let within = Duration::from_millis(within.as_millis() as u64);
        let within = humantime::format_duration(within);
        Self::broken(format!("no answer within {within}"))
    }
}

#[cfg(feature = "net")]
impl Fault {
    /// [`Fault::Broken`] for something of ours that was right before, and may be so again the next time.
    pub(crate) fn passing(error: Error) -> Self {
        Self::Broken(error.with_kind(ErrorKind::Unavailable))
    }

    /// Why it failed, if that may pass: the store is away, or refuses for now, as one that is full does. Who
    /// waits asks again then, and keeps its place for as long as it is renewed.
    ///
    /// # Errors
    /// The fault itself, if it does not pass.
    pub(crate) fn may_pass(self) -> Result<Error, Self> {
        match self {
            Self::Broken(error) => Ok(error),
            Self::Refused(error) if error.kind() == ErrorKind::Unavailable => Ok(error),
            fault => Err(fault),
        }
    }

    pub(crate) fn misfit(reason: impl Into<String>) -> Self {
        Self::Misfit(Error::new(ErrorKind::InvalidConfig, reason))
    }

    /// Whether it is about this.
    #[cfg(feature = "members")]
    pub(crate) fn is_about(&self, subject: &Subject) -> bool {
        match self {
            Self::Broken(error)
            | Self::Misfit(error)
            | Self::Refused(error)
            | Self::StaleLogin(error) => error.is_about(subject),
            Self::LeaseNotFound | Self::LeaseExists => false,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let reason = match fault {
            Fault::Broken(error)
            | Fault::Misfit(error)
            | Fault::Refused(error)
            | Fault::StaleLogin(error) => return error,
            Fault::LeaseNotFound => "the lease is gone",
            Fault::LeaseExists => "the lease id is taken",
        };
        Self::new(ErrorKind::Unavailable, reason)
    }
}

#[cfg(all(test, feature = "net"))]
pub(in crate::locker) mod tests {
    /// Demands a line for people: nothing that looks like a dependency's own `Debug`.
    #[track_caller]
    pub(in crate::locker) fn reads_like_words(text: &str) {
        assert!(
            !text.is_empty() && !text.contains(['\n', '{', '}', '[', ']', ';']),
            "{text}"
        );
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let humps = word.char_indices().skip(1);
            let is_camel = word.chars().any(char::is_lowercase)
                && humps.clone().any(|(_, c)| c.is_uppercase());
            let known = [
                "extendedKeyUsage",
                "serverAuth",
                "basicConstraints",
                "subjectAltName",
            ];
            assert!(!is_camel || known.contains(&word), "{word} in: {text}");
        }
        assert!(!text.contains("Error"), "{text}");
    }
}
