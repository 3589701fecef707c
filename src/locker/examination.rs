//! What is found where locks do not work, or may not, in the same shape for every store. The store finds
//! out and judges; who shows it names the settings, and escapes what strangers wrote.

mod sentence;

use std::time::Duration;

#[cfg(feature = "net")]
use super::net::Certificate;
use crate::error::{Error, ErrorKind};

pub use sentence::{Fragment, Sentence};

/// What was found of a store: what to tell of it, and what it was made of.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Examination {
    /// What to tell, in order: the first that is wrong decides what is wrong.
    pub findings: Vec<Finding>,
    /// Each server, in the order of the configuration.
    pub endpoints: Vec<ExaminedEndpoint>,
    /// The directory, of a store that is in one.
    pub directory: Option<ExaminedDirectory>,
    /// Whether users have to log in, where that is known.
    pub has_users: Option<bool>,
    /// As whom we are known.
    pub user: Option<String>,
    /// What we may do there.
    pub rights: Option<Rights>,
    /// The TTL that is granted for the one that was asked for.
    pub granted: Option<Duration>,
    /// How many answers, one after the other, a renewal takes.
    pub round_trips: u32,
}

impl Examination {
    /// Adds it at the end.
    pub fn tell(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The longest that one answer of any server took.
    pub fn slowest(&self) -> Option<Duration> {
        let answers = self.endpoints.iter().flat_map(|one| &one.answers);
        answers.max().copied()
    }
}

/// One thing to tell.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// Whether it is as it should be.
    pub severity: Severity,
    /// What it is of: a word, such as `endpoint`, `tls`, `auth`, `rights` or `directory`.
    pub topic: &'static str,
    /// What was found; may be empty if the cause says it all.
    pub text: Sentence,
    /// What lies beneath: it goes on behind the text.
    pub cause: Option<Error>,
    /// What mends it, where the cause does not say so.
    pub remedy: Option<Sentence>,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// It is.
    Fine,
    /// Locks work all the same.
    Warning,
    /// Locks do not work, or not as they should: an error of this kind.
    Wrong(ErrorKind),
}

impl Finding {
    fn new(severity: Severity, topic: &'static str, text: impl Into<Sentence>) -> Self {
        Self {
            severity,
            topic,
            text: text.into(),
            cause: None,
            remedy: None,
        }
    }

    /// It is as it should be.
    pub fn fine(topic: &'static str, text: impl Into<Sentence>) -> Self {
        Self::new(Severity::Fine, topic, text)
    }

    /// Locks work, but look at it.
    pub fn warning(
        topic: &'static str,
        text: impl Into<Sentence>,
        remedy: impl Into<Sentence>,
    ) -> Self {
        Self::new(Severity::Warning, topic, text).with_remedy(remedy)
    }

    /// Locks do not work, as with an error of this kind.
    pub fn wrong(topic: &'static str, kind: ErrorKind, text: impl Into<Sentence>) -> Self {
        Self::new(Severity::Wrong(kind), topic, text)
    }

    /// Locks do not work, because of this error.
    pub fn failed(topic: &'static str, text: impl Into<Sentence>, error: &Error) -> Self {
        Self::wrong(topic, error.kind(), text).because(error)
    }

    /// With what lies beneath.
    #[must_use]
    pub fn because(mut self, error: &Error) -> Self {
        self.cause = Some(error.clone());
        self
    }

    /// With what mends it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Sentence>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same of one of several servers, where others keep the locks.
    #[must_use]
    pub fn where_others_serve(mut self) -> Self {
        if let Severity::Wrong(_) = self.severity {
            self.severity = Severity::Warning;
            self.remedy
                .get_or_insert_with(|| "locks are kept by the other members".into());
        }
        self
    }
}

/// What was found of one server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExaminedEndpoint {
    /// As it was configured.
    pub endpoint: String,
    /// Whether it answers.
    pub is_reached: bool,
    /// Its release.
    pub version: Option<String>,
    /// Its part among the others, in a word.
    pub role: Option<&'static str>,
    /// How long each answer took.
    pub answers: Vec<Duration>,
    /// The certificate that it shows, trusted or not.
    #[cfg(feature = "net")]
    pub certificate: Option<Certificate>,
}

/// What was found of a directory.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExaminedDirectory {
    /// As it may be shown.
    pub path: String,
    /// The number of the user that it belongs to.
    pub owner: Option<u32>,
    /// Its permissions, as chmod(1) takes them.
    pub mode: Option<u32>,
    /// The name of the file system that it is on.
    pub filesystem: Option<&'static str>,
    /// Whether that is this host's alone, if it is known.
    pub is_local: Option<bool>,
}

/// What we may do; `None` is what was not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rights {
    /// Below which keys of the store.
    pub prefix: String,
    /// Read.
    pub read: Option<bool>,
    /// Write.
    pub write: Option<bool>,
    /// Have what is written expire.
    pub lease: Option<bool>,
}
