//! Where a server listens, as users write it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::protocol::Protocol;
use crate::error::{Error, ErrorKind, Result, Setting, Subject};
use crate::locker::kind::behind_scheme;
use crate::secrets;

/// Where a server listens. Displays as the user wrote it, but for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    text: String,
    pub(crate) address: Address,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { tls: bool, host: String, port: u16 },
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads them all; see [`parse`](Self::parse).
    pub(crate) fn all(endpoints: &[String], tls: bool, protocol: &Protocol) -> Result<Vec<Self>> {
        // Before anything else is said of them: a password with a comma was cut in two there, and what
        // is said of its second half would show that.
        if let Some(error) = Self::user_in(endpoints) {
            return Err(error);
        }
        endpoints
            .iter()
            .map(|text| Self::parse(text, tls, protocol))
            .collect()
    }

    /// The error for the first with a user in it, if one has.
    pub(crate) fn user_in(endpoints: &[String]) -> Option<Error> {
        let named =
            |text: &&String| (text.contains('@') || text.contains("%40")) && !is_of_socket(text);
        let shown = secrets::one_of(endpoints, endpoints.iter().find(named)?);
        let error = invalid(&shown, "a user has settings of its own");
        let error = error.about([Setting::User, Setting::Password]);
        Some(error.about([Setting::Endpoints]))
    }

    /// Reads `host:port`, the same behind one of the protocol's schemes, or `unix://PATH`; without a
    /// scheme `tls` decides.
    pub(crate) fn parse(text: &str, tls: bool, protocol: &Protocol) -> Result<Self> {
        let refuse = |why: &str| Err(invalid(text, why).about([Setting::Endpoints]));
        let Protocol {
            store,
            named,
            scheme,
            secure_scheme,
            ..
        } = protocol;
        let address = if let Some(path) = behind_scheme(text, "unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return refuse("a path should follow unix://");
            }
            Address::Unix(path.into())
        } else {
            let (tls, rest) = if let Some(rest) = behind_scheme(text, &format!("{scheme}://")) {
                (false, rest)
            } else if let Some(rest) = behind_scheme(text, &format!("{secure_scheme}://")) {
                (true, rest)
            } else if let Some(rest) = behind_scheme(text, &format!("{named}://")) {
                (tls, rest)
            } else if text.contains("://") {
                return refuse(&format!(
                    "{store} is reached by {scheme}://, {secure_scheme}:// or unix://"
                ));
            } else {
                (tls, text)
            };
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            let Some((host, port)) = host_and_port(rest, protocol.port) else {
                return refuse("not a HOST:PORT");
            };
            let host = host.to_owned();
            Address::Tcp { tls, host, port }
        };
        Ok(Self {
            text: text.to_owned(),
            address,
        })
    }

    /// Whether others on the way can read what is said.
    pub(crate) fn is_in_clear(&self) -> bool {
        matches!(&self.address, Address::Tcp { tls: false, host, .. }
            if host != "localhost" && !host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

/// Whether it names a socket of this host, in whose path an `@` may be.
fn is_of_socket(text: &str) -> bool {
    behind_scheme(text, "unix:").is_some()
}

fn invalid(text: &str, why: &str) -> Error {
    let shown = secrets::endpoints(text);
    let reason = format!("endpoint \"{}\": {why}", shown.escape_debug());
    Error::new(ErrorKind::InvalidConfig, reason).concerning(Subject::Endpoint(shown))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secrets::endpoints(&self.text))
    }
}

/// Splits `host:port`, `[v6]:port`, or a host alone, which gets the store's own port.
fn host_and_port(text: &str, default: u16) -> Option<(&str, u16)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':')?),
        };
        (host, port)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let strange = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]%".contains(c);
    let good = !host.is_empty() && !host.contains(strange);
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    good.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::super::fuzz::PROTOCOL;
    use super::*;

    fn tcp(tls: bool, host: &str, port: u16) -> Address {
        let host = host.to_owned();
        Address::Tcp { tls, host, port }
    }

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        for (text, address) in [
            ("127.0.0.1:2379", tcp(false, "127.0.0.1", 2379)),
            ("http://server-1:1234/", tcp(false, "server-1", 1234)),
            ("HTTP://server-1:1234", tcp(false, "server-1", 1234)),
            ("Https://Server-1", tcp(true, "Server-1", 2379)),
            ("UNIX:///run/a@b", Address::Unix("/run/a@b".into())),
            ("https://s.example.org", tcp(true, "s.example.org", 2379)),
            ("[::1]:99", tcp(false, "::1", 99)),
            ("https://[fe80::1]", tcp(true, "fe80::1", 2379)),
            ("unix:///run/s.sock", Address::Unix("/run/s.sock".into())),
            ("unix:s.sock", Address::Unix("s.sock".into())),
        ] {
            let endpoint = Endpoint::parse(text, false, &PROTOCOL).expect(text);
            assert_eq!(endpoint.address, address);
            assert_eq!(endpoint.to_string(), text);
        }
        let secure = Endpoint::parse("server:1", true, &PROTOCOL).expect("an endpoint");
        assert_eq!(secure.address, tcp(true, "server", 1));
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            ":2379",
            "a:b",
            "a:70000",
            "ftp://a:1",
            "a/b",
            "http://u@h:1",
            "[::1",
            "unix://",
        ] {
            let error = Endpoint::parse(text, false, &PROTOCOL).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
    }

    #[test]
    fn a_password_is_refused_and_not_shown() {
        for list in [
            &["http://app:secret@h:1"][..],
            &["app:secret@h"],
            &["app:secret@h:1", "i:2"],
            &["http://app:secret", "more@h:1"],
            &["a:1", "http://a@secret@h"],
            &["https://h/?token=secret"],
        ] {
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            let error = Endpoint::all(&list, false, &PROTOCOL).expect_err("refused");
            let error = error.to_string();
            assert!(!error.contains("secret") && error.contains('h'), "{error}");
        }
    }
}
