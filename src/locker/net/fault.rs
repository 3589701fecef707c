//! What a failed attempt means: ask another endpoint, ask again, or give up.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Why an attempt failed, with the reason in words for a user.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The endpoint is not there, broke or cannot work at the moment. Another may do, or the same
    /// one later.
    Broken(String),
    /// This endpoint and our configuration do not fit: no use in asking it again.
    Misfit(ErrorKind, String),
    /// The store's last word, whichever endpoint says it.
    Refused(ErrorKind, String),
    /// The login of this connection counts no more: it has expired, is older than the store's list of
    /// users, or there is one where nobody logs in any more, or none where one has to.
    StaleLogin(String),
    /// The lease is not there (yet, or any more).
    LeaseNotFound,
    /// A lease with this id is there already.
    LeaseExists,
}

impl Fault {
    pub(crate) fn silent(within: Duration) -> Self {
        let within = Duration::from_millis(within.as_millis() as u64);
        let within = humantime::format_duration(within);
        Self::Broken(format!("no answer within {within}"))
    }

    /// The reason, without the kind.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Broken(reason)
            | Self::Misfit(_, reason)
            | Self::Refused(_, reason)
            | Self::StaleLogin(reason) => reason,
            Self::LeaseNotFound => "the lease is gone",
            Self::LeaseExists => "the lease id is taken",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match &fault {
            Fault::Misfit(kind, _) | Fault::Refused(kind, _) => *kind,
            Fault::StaleLogin(_) => ErrorKind::Denied,
            Fault::Broken(_) | Fault::LeaseNotFound | Fault::LeaseExists => ErrorKind::Unavailable,
        };
        Self::new(kind, fault.reason())
    }
}

#[cfg(test)]
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
