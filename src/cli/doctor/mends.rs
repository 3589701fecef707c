//! What mends an etcd that does not serve us.

use super::judge::Judge;
use crate::describe;
use crate::locker::etcd::diagnose::{Complaint, MemberDiagnosis};
use crate::{Error, ErrorKind, Subject};

/// What mends a cluster without a leader, or one that nobody follows.
pub(super) const MAJORITY: &str = "see whether a majority of its members runs and is connected";

/// What mends a member whose database is full.
const SPACE: &str = "compact and defragment it, then `etcdctl alarm disarm`; or raise its \
                     --quota-backend-bytes";

impl Judge<'_> {
    /// For an endpoint that cannot be used; `None` where the error says which settings it is about.
    pub(super) fn mend(&self, member: &MemberDiagnosis, error: &Error) -> Option<String> {
        let signer = || {
            let certificate = member.certificate.as_ref()?;
            Some(format!(", \"{}\"", describe::escape(&certificate.issuer)))
        };
        if error.kind() == ErrorKind::Unavailable {
            if error.is_about(&Subject::Majority) {
                return Some(MAJORITY.to_owned());
            }
            let option = self.option("endpoints");
            return Some(format!("is etcd there? If not, correct {option}"));
        }
        if error.is_about(&Subject::ServerName) {
            let names = member.certificate.as_ref().map(|shown| &*shown.names);
            let names = names.unwrap_or_default().iter();
            let names: Vec<_> = names.map(|name| describe::escape(name)).collect();
            let option = self.option("endpoints");
            return Some(match &*names.join(", ") {
                "" => "it is for no name at all: make one with subjectAltName".to_owned(),
                names => format!("it is for {names}: use that in {option}, or make one for both"),
            });
        }
        if error.is_about(&Subject::Signer) {
            let signer = signer().unwrap_or_default();
            let option = self.option("cacert");
            return Some(format!(
                "name the certificate of the authority that signed it{signer}, in {option}"
            ));
        }
        error.is_about(&Subject::ClientCertificate).then(|| {
            "give one that an authority of etcd's --trusted-ca-file signed, and its key".to_owned()
        })
    }
}

/// What etcd complains of, and what mends it.
pub(super) fn of_complaint(complaint: &Complaint) -> (String, &'static str) {
    match complaint {
        Complaint::NoSpace => ("its database is full (NOSPACE)".to_owned(), SPACE),
        Complaint::Corrupt => {
            let mend = "its data differs from its peers': replace the member";
            ("its data is corrupt (CORRUPT)".to_owned(), mend)
        }
        Complaint::Other(words) => {
            let words = describe::escape(words.trim());
            (format!("etcd complains: {words}"), "see its log")
        }
    }
}

/// For a request that etcd refuses because its database is full.
pub(super) fn of_space(error: &Error) -> Option<String> {
    error.is_about(&Subject::Space).then(|| SPACE.to_owned())
}
