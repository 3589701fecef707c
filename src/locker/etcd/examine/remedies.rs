//! What the user can do about an etcd that does not work.

use super::super::diagnosis::Complaint;
use crate::error::{Error, ErrorKind, Setting, Subject};
use crate::locker::examination::Sentence;
use crate::locker::net::{Certificate, examined};

/// For a cluster without a leader, or with one that no majority follows.
pub(super) const MAJORITY: &str = "see whether a majority of its members runs and is connected";

/// For a member whose database is full.
const SPACE: &str = "compact and defragment it, then `etcdctl alarm disarm`; or raise its \
                     --quota-backend-bytes";

/// For an endpoint that cannot be used, which shows this certificate; `None` where the error says which
/// settings it is about.
pub(super) fn of_error(error: &Error, shown: Option<&Certificate>) -> Option<Sentence> {
    if error.kind() == ErrorKind::Unavailable {
        if error.is_about(&Subject::Majority) {
            return Some(MAJORITY.into());
        }
        let remedy = Sentence::from("is etcd there? If not, correct ");
        return Some(remedy.setting(Setting::Endpoints));
    }
    examined::of_trust(error, shown).or_else(|| {
        error.is_about(&Subject::ClientCertificate).then(|| {
            "give one that an authority of etcd's --trusted-ca-file signed, and its key".into()
        })
    })
}

/// The text for an alarm or error of a member, and what to do about it.
pub(super) fn of_complaint(complaint: &Complaint) -> (Sentence, &'static str) {
    match complaint {
        Complaint::NoSpace => ("its database is full (NOSPACE)".into(), SPACE),
        Complaint::Corrupt => {
            let remedy = "its data differs from its peers': replace the member";
            ("its data is corrupt (CORRUPT)".into(), remedy)
        }
        Complaint::Other(words) => {
            let text = Sentence::from("etcd complains: ").foreign(words.trim());
            (text, "see its log")
        }
    }
}

/// For a request that etcd refuses because its database is full.
pub(super) fn of_space(error: &Error) -> Option<Sentence> {
    error.is_about(&Subject::Space).then(|| SPACE.into())
}
