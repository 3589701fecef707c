//! One connection to one endpoint, dialled by us.
//!
//! tonic's own dialling is not used: it reports a dead endpoint as ready, its time limit covers
//! neither DNS nor TLS, and it dials again behind our back. Here a connection is made once; when it
//! breaks it is thrown away and another is dialled.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Channel, ConnectOptions};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tonic::transport::{Channel as TonicChannel, Endpoint as TonicEndpoint, Uri};

use super::Config;
use super::addresses::connect;
use super::certificate::Certificate;
use super::endpoint::{Address, Endpoint};
use super::fault::Fault;
use super::gather::Gathering;
use super::pulse::Pulse;
use super::tls::{Refusal, Tls};
use crate::error::{Error, ErrorKind, Result, Setting, plain};

/// etcd counts pings more often than every 5 s as abuse (its --grpc-keepalive-min-time).
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// What the caller bounds an attempt by.
    within: Duration,
}

impl Dialler {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let user = match (&config.user, &config.password) {
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            (Some(_), None) => {
                let error = Error::new(ErrorKind::InvalidConfig, "a user needs a password");
                return Err(error.about([Setting::User, Setting::Password]));
            }
            (None, _) => None,
        };
        Ok(Self {
            tls: Tls::new(config)?,
            user,
            within: config.dial_timeout,
        })
    }

    /// A fresh connection, logged in if there is a user, of which `pulse` tells what is heard. The
    /// caller bounds it.
    pub(super) async fn dial(
        &self,
        endpoint: &Endpoint,
        pulse: &Pulse,
    ) -> Result<Connection, Fault> {
        let refusal = Refusal::default();
        let stream = self.stream(endpoint, &refusal).await?;
        let mut io = Some(TokioIo::new(Gathering::new(stream, pulse.clone())));
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
        let stream = connect(host, *port, self.within).await.ok()?;
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
                let stream = connect(host, *port, self.within).await?;
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

fn broken(error: io::Error) -> Fault {
    Fault::Broken(plain(&error.to_string()))
}
