//! Why a connection broke, in words for users: those of hyper and h2 are for programmers.

use std::error::Error;
use std::io;

use h2::Reason;

use crate::locker::net::reason::{BROKE, of_io};

/// The reason in our words, the innermost that has some; if none has, only that the connection broke.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let words = causes(error).filter_map(of_one).last();
    words.unwrap_or_else(|| BROKE.to_owned())
}

/// The texts of all layers, the outermost first, if we have no words for any.
pub(super) fn beneath(error: &(dyn Error + 'static)) -> Option<String> {
    (reason(error) == BROKE).then(|| {
        let texts: Vec<_> = causes(error).map(ToString::to_string).collect();
        texts.join(": ")
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // source() of an io::Error skips the error that it wraps: it gives that one's source.
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        }
    })
}

fn of_one(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return Some(of_io(io));
    }
    if let Some(http) = error.downcast_ref::<h2::Error>() {
        return match (http.get_io(), http.reason()) {
            (Some(io), _) => Some(of_io(io)),
            (None, Some(reason)) => Some(of_http(reason).to_owned()),
            (None, None) => None,
        };
    }
    // hyper has no public type for this.
    let is_deaf = error.to_string() == "keep-alive timed out";
    is_deaf.then(|| "it answers no pings any more".to_owned())
}

fn of_http(reason: Reason) -> &'static str {
    match reason {
        Reason::NO_ERROR => "it closed the connection",
        Reason::PROTOCOL_ERROR | Reason::COMPRESSION_ERROR | Reason::FRAME_SIZE_ERROR => {
            "it does not speak HTTP/2 as it should: is it etcd?"
        }
        Reason::INTERNAL_ERROR => "HTTP/2 failed on its side",
        Reason::REFUSED_STREAM => "it takes no more requests at the moment",
        Reason::ENHANCE_YOUR_CALM => "it wants fewer requests",
        Reason::CANCEL | Reason::STREAM_CLOSED => "it gave up the request",
        Reason::INADEQUATE_SECURITY => "its TLS is too weak for HTTP/2",
        Reason::HTTP_1_1_REQUIRED => "it wants HTTP/1.1, by which etcd is not spoken to",
        _ => "HTTP/2 failed",
    }
}

/// Words for a gRPC status without a text, or with one that is not for users.
pub(super) fn of_code(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "it answered nothing",
        Code::Cancelled => "it gave up the request",
        Code::DeadlineExceeded => "it did not answer in time",
        Code::InvalidArgument | Code::OutOfRange => "it does not take the request",
        Code::NotFound => "it does not find what was asked for",
        Code::AlreadyExists => "it is there already",
        Code::PermissionDenied => "permission denied",
        Code::Unauthenticated => "it does not know who we are",
        Code::ResourceExhausted => "it has no room for the request",
        Code::FailedPrecondition | Code::Aborted => "it cannot do that now",
        Code::Unimplemented => "it does not know the request: is it etcd?",
        Code::Unavailable => "it does not work at the moment",
        Code::Unknown | Code::Internal | Code::DataLoss => "it failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::fault::tests::reads_like_words;

    #[test]
    fn every_reason_of_http_is_in_words() {
        for number in 0..20 {
            let error = h2::Error::from(Reason::from(number));
            reads_like_words(&reason(&error));
            reads_like_words(&reason(&io::Error::other(error)));
        }
    }

    #[test]
    fn every_error_of_the_system_is_in_words() {
        for number in 1..134 {
            reads_like_words(&reason(&io::Error::from_raw_os_error(number)));
        }
        assert_eq!(
            of_io(&io::Error::from_raw_os_error(111)),
            "connection refused"
        );
    }

    #[test]
    fn every_kind_of_another_layers_error_is_in_words() {
        use io::ErrorKind as Kind;
        for kind in [
            Kind::NotFound,
            Kind::PermissionDenied,
            Kind::ConnectionRefused,
            Kind::ConnectionReset,
            Kind::ConnectionAborted,
            Kind::NotConnected,
            Kind::AddrInUse,
            Kind::AddrNotAvailable,
            Kind::BrokenPipe,
            Kind::AlreadyExists,
            Kind::WouldBlock,
            Kind::InvalidInput,
            Kind::InvalidData,
            Kind::TimedOut,
            Kind::WriteZero,
            Kind::Interrupted,
            Kind::Unsupported,
            Kind::UnexpectedEof,
            Kind::OutOfMemory,
            Kind::Other,
        ] {
            reads_like_words(&reason(&io::Error::new(kind, "Kind(StreamId(3))")));
            reads_like_words(&reason(&io::Error::from(kind)));
        }
    }

    #[test]
    fn what_is_not_known_is_not_quoted() {
        #[derive(Debug)]
        struct Strange;
        impl std::fmt::Display for Strange {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("Kind { Other(Strange) }")
            }
        }
        impl Error for Strange {}
        assert_eq!(reason(&Strange), BROKE);
        let beneath = beneath(&io::Error::other(Strange)).expect("a source");
        assert!(beneath.contains("Kind { Other(Strange) }"), "{beneath}");
    }

    #[test]
    fn every_code_is_in_words() {
        for code in 0..17 {
            reads_like_words(of_code(tonic::Code::from(code)));
        }
    }
}
