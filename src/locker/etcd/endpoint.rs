//! Where an etcd listens, as users write it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::Config;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::secrets;

/// Where an etcd listens. Displays as the user wrote it, but for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    text: String,
    pub(super) address: Address,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp { tls: bool, host: String, port: u16 },
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads them all; see [`parse`](Self::parse).
    pub(super) fn all(config: &Config) -> Result<Vec<Self>> {
        let tls = config.cacert.is_some() || config.cert.is_some();
        let endpoints = &config.endpoints;
        // First of all: a list may have been cut at a comma of a password.
        let named =
            |text: &&String| (text.contains('@') || text.contains("%40")) && !is_of_socket(text);
        if let Some(text) = endpoints.iter().find(named) {
            let why = "a user has settings of its own (user, password)";
            return Err(invalid(text, why));
        }
        endpoints
            .iter()
            .map(|text| Self::parse(text, tls))
            .collect()
    }

    /// Reads `host:port`, `http://…`, `https://…` or `unix://PATH`; without a scheme `tls` decides.
    pub(super) fn parse(text: &str, tls: bool) -> Result<Self> {
        let refuse = |why| Err(invalid(text, why));
        // The scheme of a URL is written in either case (RFC 3986, 3.1).
        let scheme = |name: &str| {
            let (scheme, rest) = text.split_at_checked(name.len())?;
            scheme.eq_ignore_ascii_case(name).then_some(rest)
        };
        let address = if let Some(path) = scheme("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return refuse("a path should follow unix://");
            }
            Address::Unix(path.into())
        } else {
            let (tls, rest) = if let Some(rest) = scheme("http://") {
                (false, rest)
            } else if let Some(rest) = scheme("https://") {
                (true, rest)
            } else if text.contains("://") {
                return refuse("etcd is reached by http://, https:// or unix://");
            } else {
                (tls, text)
            };
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            let Some((host, port)) = host_and_port(rest) else {
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

    pub(super) fn is_secure(&self) -> bool {
        matches!(self.address, Address::Tcp { tls: true, .. })
    }

    /// What gRPC calls the server: the scheme and the authority of its requests. etcd takes a
    /// client's identity from its certificate only where the scheme says https.
    pub(super) fn uri(&self) -> String {
        match &self.address {
            Address::Unix(_) => "http://localhost".to_owned(),
            Address::Tcp { tls, host, port } => {
                let scheme = if *tls { "https" } else { "http" };
                if host.contains(':') {
                    format!("{scheme}://[{host}]:{port}")
                } else {
                    format!("{scheme}://{host}:{port}")
                }
            }
        }
    }

    /// Whether others on the way can read what is said.
    pub(super) fn is_in_clear(&self) -> bool {
        matches!(&self.address, Address::Tcp { tls: false, host, .. }
            if host != "localhost" && !host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

/// Whether it names a socket of this host, in whose path an `@` may be.
fn is_of_socket(text: &str) -> bool {
    let scheme = text.get(.."unix:".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("unix:"))
}

fn invalid(text: &str, why: &str) -> Error {
    let shown = secrets::endpoints(text);
    let shown = shown.escape_debug();
    Error::new(
        ErrorKind::InvalidConfig,
        format!("endpoint \"{shown}\": {why}"),
    )
    .about([Setting::Endpoints])
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secrets::endpoints(&self.text))
    }
}

/// Splits `host:port`, `[v6]:port`, or a host alone, which gets etcd's own port.
fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        (
            host,
            port.strip_prefix(':')
                .or_else(|| port.is_empty().then_some("2379"))?,
        )
    } else {
        text.split_once(':').unwrap_or((text, "2379"))
    };
    let strange = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]%".contains(c);
    let good = !host.is_empty() && !host.contains(strange);
    Some((host, port.parse().ok()?)).filter(|_| good)
}

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint as TonicEndpoint;

    use super::*;

    fn tcp(tls: bool, host: &str, port: u16) -> Address {
        let host = host.to_owned();
        Address::Tcp { tls, host, port }
    }

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        for (text, address) in [
            ("127.0.0.1:2379", tcp(false, "127.0.0.1", 2379)),
            ("http://etcd-1:1234/", tcp(false, "etcd-1", 1234)),
            ("HTTP://etcd-1:1234", tcp(false, "etcd-1", 1234)),
            ("Https://Etcd-1", tcp(true, "Etcd-1", 2379)),
            ("UNIX:///run/a@b", Address::Unix("/run/a@b".into())),
            (
                "https://etcd.example.org",
                tcp(true, "etcd.example.org", 2379),
            ),
            ("[::1]:99", tcp(false, "::1", 99)),
            ("https://[fe80::1]", tcp(true, "fe80::1", 2379)),
            (
                "unix:///run/etcd.sock",
                Address::Unix("/run/etcd.sock".into()),
            ),
            ("unix:etcd.sock", Address::Unix("etcd.sock".into())),
        ] {
            let endpoint = Endpoint::parse(text, false).expect(text);
            assert_eq!(endpoint.address, address);
            assert_eq!(endpoint.to_string(), text);
            assert!(TonicEndpoint::from_shared(endpoint.uri()).is_ok(), "{text}");
        }
        let secure = Endpoint::parse("etcd:1", true).expect("an endpoint");
        assert_eq!(secure.address, tcp(true, "etcd", 1));
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
            let error = Endpoint::parse(text, false).expect_err(text);
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
            let config = Config {
                endpoints: list.iter().map(ToString::to_string).collect(),
                ..Config::default()
            };
            let error = Endpoint::all(&config).expect_err("refused").to_string();
            assert!(!error.contains("secret") && error.contains('h'), "{error}");
        }
    }
}
