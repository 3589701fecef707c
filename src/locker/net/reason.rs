//! What the system says of a connection that failed, in words.

use std::io;

use crate::error::plain;

/// What is said where nothing more is known.
pub(crate) const BROKE: &str = "the connection broke";

/// The system's own words, or what other layers mean by the kind.
pub(crate) fn of_io(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    if error.raw_os_error().is_some() {
        return plain(&error.to_string());
    }
    let words = match error.kind() {
        Kind::UnexpectedEof | Kind::BrokenPipe | Kind::ConnectionAborted => "it hung up",
        Kind::NotConnected | Kind::Other => BROKE,
        Kind::InvalidData | Kind::InvalidInput => "it sent what makes no sense",
        Kind::TimedOut => "it did not answer in time",
        Kind::NotFound => "no address",
        // Few words in lower case.
        kind => return kind.to_string(),
    };
    words.to_owned()
}
