//! What etcd's errors mean: ask another endpoint, ask again, or give up.

use etcd_client::Error as EtcdError;
use tonic::Code;

use super::broken;
use super::diagnosis::Complaint;
use crate::error::{Error, ErrorKind, Setting, Subject};
pub(super) use crate::locker::fault::Fault;

/// The beginning of etcd's text for a wrong name or password.
const FAILED_LOGIN: &str = "authentication failed";

/// Its text for a login while authentication is switched off.
pub(super) const NO_LOGIN: &str = "authentication is not enabled";

/// The text of a member that knows no leader.
const NO_LEADER: &str = "no leader";

/// Its text for a write while its database is full.
const FULL: &str = "database space exceeded";

/// What tonic says of a message that is longer than we read, and what we do.
const TOO_LARGE: &str = "Error, decoded message length too large";
const LARGER: &str = "its answer is larger than what is read of one";

/// Our text for a server that speaks HTTP, but not gRPC.
const NO_ETCD: &str = "it answers HTTP, but not as etcd does: is it etcd's client port?";

impl From<EtcdError> for Fault {
    fn from(error: EtcdError) -> Self {
        match error {
            EtcdError::GRpcStatus(status) => judge(&status),
            EtcdError::TransportError(error) => Self::broken(broken::reason(&error)),
            EtcdError::IoError(error) => Self::broken(broken::reason(&error)),
            // etcd-client makes this error if the answer to a ping has a TTL of 0.
            EtcdError::LeaseKeepAliveError(text) if text == "lease not found" => {
                Self::LeaseNotFound
            }
            EtcdError::LeaseKeepAliveError(_) => Self::broken("the renewals' stream ended"),
            EtcdError::WatchError(_) => Self::broken("the watch ended"),
            EtcdError::InvalidMetadataValue(_) => Self::broken("its login token is bad"),
            _ => Self::broken("the client failed"),
        }
    }
}

/// The text of a dependency's own error, where ours leaves something out.
pub(super) fn beneath(error: &EtcdError) -> Option<String> {
    match error {
        EtcdError::GRpcStatus(status) => match std::error::Error::source(status) {
            Some(source) => broken::beneath(source),
            None => (!text_of(status).starts_with(status.message()))
                .then(|| status.message().to_owned())
                .filter(|text| !text.starts_with("etcdserver: ")),
        },
        EtcdError::TransportError(error) => broken::beneath(error),
        EtcdError::IoError(error) => broken::beneath(error),
        other => Some(other.to_string()),
    }
}

/// What a gRPC status means, by the codes and texts of etcd's api/v3rpc/rpctypes/error.go, which etcd's own
/// client compares too.
fn judge(status: &tonic::Status) -> Fault {
    if let Some(source) = std::error::Error::source(status) {
        return Fault::broken(broken::reason(source));
    }
    let text = &*text_of(status);
    if text == NO_ETCD {
        // The status comes from an HTTP server that is not etcd: etcd has refused nothing.
        return Fault::broken(text);
    }
    let told = |kind| Error::new(kind, format!("etcd: {text}"));
    let refused = |kind| Fault::Refused(told(kind));
    let refused_for = |kind, subject| Fault::Refused(told(kind).concerning(subject));
    let stale = || told(ErrorKind::Denied);
    match status.code() {
        Code::NotFound if text.ends_with("lease not found") => Fault::LeaseNotFound,
        Code::FailedPrecondition if text == "lease already exists" => Fault::LeaseExists,
        Code::Unauthenticated => Fault::StaleLogin(stale()),
        Code::InvalidArgument if text.contains("revision of auth store is old") => {
            Fault::StaleLogin(stale())
        }
        // etcd-client logs in anew when its token is refused; after `auth disable` that fails so.
        Code::FailedPrecondition if text == NO_LOGIN => {
            Fault::StaleLogin(stale().concerning(Subject::Users))
        }
        // A request without a token: our connection is older than `auth enable`.
        Code::InvalidArgument if text == "user name is empty" => Fault::StaleLogin(
            Error::new(ErrorKind::Denied, "etcd: it wants a user")
                .about([Setting::User])
                .and(" or a client certificate")
                .about([Setting::Cert]),
        ),
        Code::InvalidArgument if text.starts_with(FAILED_LOGIN) => {
            refused_for(ErrorKind::Denied, Subject::Login)
        }
        Code::PermissionDenied => refused_for(ErrorKind::Denied, Subject::Permission),
        Code::OutOfRange if text.starts_with(TOO_LARGE) => Fault::broken(LARGER),
        Code::OutOfRange if text == "too large lease TTL" => refused(ErrorKind::InvalidTtl),
        Code::ResourceExhausted if text == "too many requests" => Fault::broken(text),
        Code::ResourceExhausted if text.contains(FULL) => {
            refused_for(ErrorKind::Unavailable, Subject::Space)
        }
        Code::InvalidArgument
        | Code::OutOfRange
        | Code::FailedPrecondition
        | Code::NotFound
        | Code::ResourceExhausted
        | Code::Unimplemented => refused(ErrorKind::Unavailable),
        Code::Unavailable if text == NO_LEADER => {
            Fault::Broken(Error::new(ErrorKind::Unavailable, text).concerning(Subject::Majority))
        }
        _ => Fault::broken(text),
    }
}

/// Reads an entry of the errors in a member's status, among which its alarms are.
pub(super) fn complaint(words: &str) -> Complaint {
    if words.contains("NOSPACE") {
        Complaint::NoSpace
    } else if words.contains("CORRUPT") {
        Complaint::Corrupt
    } else {
        Complaint::Other(words.to_owned())
    }
}

/// How many characters of a server's text are shown. Those of etcd are shorter.
const SHOWN: usize = 200;

/// The text of a status, or words of ours if it is not for users.
fn text_of(status: &tonic::Status) -> String {
    let text = status.message();
    let text = text.strip_prefix("etcdserver: ").unwrap_or(text);
    // tonic's text, if the server is none of gRPC's.
    if text.starts_with("grpc-status header missing") {
        return NO_ETCD.to_owned();
    }
    if text.is_empty() || text.contains(['{', '}']) || text.contains("Error(") {
        return broken::of_code(status.code()).to_owned();
    }
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::fault::tests::reads_like_words;

    #[test]
    fn every_error_of_the_client_is_in_words() {
        let status = |text: &str, code| EtcdError::GRpcStatus(tonic::Status::new(code, text));
        for code in (0..17).map(Code::from) {
            for text in [
                "",
                "grpc-status header missing, mapped from HTTP status code 404",
                "transport error: Error { kind: Kind(Reset(StreamId(3))) }",
                "Some(Error(Io))",
                "mvcc: database space exceeded",
            ] {
                reads_like_words(&Error::from(Fault::from(status(text, code))).to_string());
            }
        }
        let source = || std::io::Error::other("Kind(Body)");
        for error in [
            EtcdError::GRpcStatus(tonic::Status::from_error(Box::new(source()))),
            EtcdError::InvalidArgs("Args(X)".to_owned()),
            EtcdError::IoError(source()),
            EtcdError::WatchError("SendError { .. }".to_owned()),
            EtcdError::LeaseKeepAliveError("SendError { .. }".to_owned()),
            EtcdError::ElectError("ElectError".to_owned()),
            EtcdError::EndpointError("EndpointError".to_owned()),
            EtcdError::EndpointsNotManaged,
            EtcdError::Internal("Internal(X)".to_owned()),
        ] {
            reads_like_words(&Error::from(Fault::from(error)).to_string());
        }
        let long = status(&"x".repeat(100_000), Code::Unavailable);
        assert!(Error::from(Fault::from(long)).to_string().len() < 300);
    }

    #[test]
    fn what_is_permanent_is_told_from_what_passes() {
        let judged =
            |code, text| Fault::from(EtcdError::GRpcStatus(tonic::Status::new(code, text)));
        for (code, text) in [
            (Code::Unavailable, "etcdserver: no leader"),
            (Code::Unavailable, "etcdserver: request timed out"),
            (Code::ResourceExhausted, "etcdserver: too many requests"),
            (Code::Unknown, "anything"),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes",
            ),
            (
                Code::PermissionDenied,
                "grpc-status header missing, mapped from HTTP status code 403",
            ),
        ] {
            assert!(matches!(judged(code, text), Fault::Broken(_)), "{text}");
        }
        for (code, text, kind) in [
            (
                Code::PermissionDenied,
                "etcdserver: permission denied",
                ErrorKind::Denied,
            ),
            (
                Code::InvalidArgument,
                "etcdserver: authentication failed, invalid user ID or password",
                ErrorKind::Denied,
            ),
            (
                Code::OutOfRange,
                "etcdserver: too large lease TTL",
                ErrorKind::InvalidTtl,
            ),
        ] {
            let fault = judged(code, text);
            assert!(matches!(fault, Fault::Refused(..)), "{text}");
            assert_eq!(Error::from(fault).kind(), kind);
        }
        let gone = judged(Code::NotFound, "etcdserver: requested lease not found");
        assert!(matches!(gone, Fault::LeaseNotFound));
        for (code, text) in [
            (Code::Unauthenticated, "etcdserver: invalid auth token"),
            (
                Code::FailedPrecondition,
                "etcdserver: authentication is not enabled",
            ),
            (Code::InvalidArgument, "etcdserver: user name is empty"),
            (
                Code::InvalidArgument,
                "etcdserver: revision of auth store is old",
            ),
        ] {
            let stale = judged(code, text);
            assert!(matches!(stale, Fault::StaleLogin(_)), "{text}");
        }
    }

    #[test]
    fn what_a_refusal_is_about_is_known() {
        for (code, text, subject) in [
            (
                Code::Unavailable,
                "etcdserver: no leader",
                Subject::Majority,
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                Subject::Space,
            ),
            (
                Code::PermissionDenied,
                "etcdserver: permission denied",
                Subject::Permission,
            ),
            (
                Code::InvalidArgument,
                "etcdserver: authentication failed, invalid user ID or password",
                Subject::Login,
            ),
            (
                Code::FailedPrecondition,
                "etcdserver: authentication is not enabled",
                Subject::Users,
            ),
        ] {
            let fault = Fault::from(EtcdError::GRpcStatus(tonic::Status::new(code, text)));
            let error = Error::from(fault);
            assert!(error.subjects().eq([&subject]), "{text}");
        }
    }
}
