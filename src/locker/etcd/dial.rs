//! One connection to one endpoint, dialled by us.
//!
//! tonic's own dialling is not used: it reports a dead endpoint as ready, its time limit covers
//! neither DNS nor TLS, and it dials again behind our back. Here a connection is made once; when it
//! breaks it is thrown away and another is dialled.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Channel, ConnectOptions};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel as TonicChannel, Endpoint as TonicEndpoint, Uri};

use super::Config;
use super::certificate::Certificate;
use super::fault::Fault;
use super::gather::Gathering;
use super::tls::{Refusal, Tls};
use crate::error::{Error, ErrorKind, Result, plain};

/// etcd counts pings more often than every 5 s as abuse (its --grpc-keepalive-min-time).
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// Where an etcd listens. Displays as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    text: String,
    address: Address,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Tcp { tls: bool, host: String, port: u16 },
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads `host:port`, `http://…`, `https://…` or `unix://PATH`; without a scheme `tls` decides.
    pub(super) fn parse(text: &str, tls: bool) -> Result<Self> {
        let invalid = |why: &str| {
            let shown = text.escape_debug();
            Error::new(
                ErrorKind::InvalidConfig,
                format!("endpoint \"{shown}\": {why}"),
            )
        };
        let address = if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid("a path should follow unix://"));
            }
            Address::Unix(path.into())
        } else {
            let (tls, rest) = match text.split_once("://") {
                None => (tls, text),
                Some(("http", rest)) => (false, rest),
                Some(("https", rest)) => (true, rest),
                Some(_) => return Err(invalid("etcd is reached by http://, https:// or unix://")),
            };
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            let (host, port) = host_and_port(rest).ok_or_else(|| invalid("not a HOST:PORT"))?;
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
    fn uri(&self) -> String {
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
}

impl Endpoint {
    /// Whether others on the way can read what is said.
    pub(super) fn is_in_clear(&self) -> bool {
        matches!(&self.address, Address::Tcp { tls: false, host, .. }
            if host != "localhost" && !host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What requests are made by. etcd's is one of all its services, and takes kilobytes.
pub(super) type Client = Arc<etcd_client::Client>;

/// A connection, for as long as it works.
#[derive(Clone)]
pub(super) struct Connection {
    client: Client,
    refusal: Refusal,
}

impl Connection {
    /// Runs `op` over it, and says in words for a user why it failed.
    pub(super) async fn run<T, F, Fut>(self, dialler: &Dialler, op: F) -> Result<T, Fault>
    where
        F: FnOnce(Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        // tonic's futures take 12 KB, which would be moved about with those around them.
        let result = Box::pin(op(self.client)).await;
        result.map_err(|error| dialler.explain(error.into(), &self.refusal))
    }
}

/// How endpoints are dialled.
pub(super) struct Dialler {
    tls: Tls,
    user: Option<(String, String)>,
}

impl Dialler {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let user = match (&config.user, &config.password) {
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            (Some(_), None) => {
                let message = "--user: it needs a password";
                return Err(Error::new(ErrorKind::InvalidConfig, message));
            }
            (None, _) => None,
        };
        Ok(Self {
            tls: Tls::new(config)?,
            user,
        })
    }

    /// A fresh connection, logged in if there is a user. The caller bounds it.
    pub(super) async fn dial(&self, endpoint: &Endpoint) -> Result<Connection, Fault> {
        let refusal = Refusal::default();
        let stream = self.stream(endpoint, &refusal).await?;
        let mut io = Some(TokioIo::new(Gathering::new(stream)));
        // Asked again, tonic wants to reconnect: its requests fail instead, and we dial.
        let once = tower::service_fn(move |_: Uri| {
            let io = io.take();
            async move {
                io.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "connection lost"))
            }
        });
        let channel = TonicEndpoint::from_shared(endpoint.uri())
            .map_err(|error| Fault::Misfit(ErrorKind::InvalidConfig, error.to_string()))?
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .connect_with_connector_lazy(once);
        match self.log_in(channel).await {
            Ok(client) => Ok(Connection {
                client: Arc::new(client),
                refusal,
            }),
            Err(error) => Err(self.explain(error.into(), &refusal)),
        }
    }

    /// The certificate that the server at `endpoint` shows. The caller bounds it.
    pub(super) async fn certificate(&self, endpoint: &Endpoint) -> Option<Certificate> {
        let Address::Tcp {
            tls: true,
            host,
            port,
        } = &endpoint.address
        else {
            return None;
        };
        let stream = connect(host, *port).await.ok()?;
        self.tls.shown(host, stream).await
    }

    /// Our own certificate.
    pub(super) fn own_certificate(&self) -> Option<Certificate> {
        self.tls.own()
    }

    async fn log_in(
        &self,
        channel: TonicChannel,
    ) -> Result<etcd_client::Client, etcd_client::Error> {
        let options = ConnectOptions::new()
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let Some((user, password)) = &self.user {
            let channel = Channel::Tonic(channel.clone());
            let options = options.clone().with_user(user, password);
            match etcd_client::Client::from_channel(channel, Some(options)).await {
                // Like etcd's own client: where nobody logs in, a user does no harm.
                Err(etcd_client::Error::GRpcStatus(status))
                    if status.message() == "etcdserver: authentication is not enabled" => {}
                result => return result,
            }
        }
        etcd_client::Client::from_channel(Channel::Tonic(channel), Some(options)).await
    }

    /// Says what is behind a fault of a connection.
    fn explain(&self, fault: Fault, refusal: &Refusal) -> Fault {
        match (fault, refusal.get(), &self.user) {
            (Fault::Broken(_), Some(refusal), _) => refusal.clone(),
            (Fault::Refused(ErrorKind::Denied, text), _, Some((user, _))) => {
                Fault::Refused(ErrorKind::Denied, format!("{text} (user \"{user}\")"))
            }
            (fault, ..) => fault,
        }
    }

    async fn stream(
        &self,
        endpoint: &Endpoint,
        refusal: &Refusal,
    ) -> Result<Box<dyn Stream>, Fault> {
        match &endpoint.address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(broken)?;
                Ok(Box::new(stream))
            }
            Address::Tcp { tls, host, port } => {
                let stream = connect(host, *port).await?;
                if *tls {
                    let refusal = refusal.clone();
                    Ok(Box::new(self.tls.connect(host, stream, refusal).await?))
                } else {
                    Ok(Box::new(stream))
                }
            }
        }
    }
}

/// A literal address asks no DNS. Of a name's addresses the first that answers is taken.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Fault> {
    let stream = match host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect((address, port)).await,
        Err(_) => {
            let found = tokio::net::lookup_host((host, port)).await;
            let found: Vec<_> = found
                .map_err(|error| {
                    let why = plain(&error.to_string());
                    let why = why.strip_prefix("failed to lookup address information: ");
                    Fault::Broken(format!("unknown host: {}", why.unwrap_or("no address")))
                })?
                .collect();
            TcpStream::connect(&found[..]).await
        }
    }
    .map_err(broken)?;
    // Small requests must not wait for the acknowledgement of those before.
    stream.set_nodelay(true).map_err(broken)?;
    Ok(stream)
}

fn broken(error: io::Error) -> Fault {
    Fault::Broken(plain(&error.to_string()))
}

#[cfg(test)]
mod tests {
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
}
