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
use super::fault::{self, Fault};
use super::gather::Gathering;
use super::greeting::Greeting;
use super::pulse::Pulse;
use super::refusal::Refusal;
use super::tls::Tls;
use super::transport;
use super::user::User;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::{Event, Observer};

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
    /// Whether it is the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
    }

    /// Runs `op` over it, and says in words for a user why it failed.
    pub(super) async fn run<T, F, Fut>(self, dialler: &Dialler, op: F) -> Result<T, Fault>
    where
        F: FnOnce(Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        // tonic's futures take 12 KB, which would be moved about with those around them.
        let result = Box::pin(op(self.client)).await;
        result.map_err(|error| {
            self.refusal.set_beneath(fault::beneath(&error));
            let fault = Fault::from(error);
            // Only a login is told so, which the client made anew by itself, with the password
            // that was good for the one before.
            let stale = fault.is_failed_login() && dialler.may_log_in_otherwise();
            match dialler.explain(fault, &self.refusal) {
                Fault::Refused(_, reason) if stale => Fault::StaleToken(reason),
                fault => fault,
            }
        })
    }
}

/// How endpoints are dialled.
pub(super) struct Dialler {
    tls: Tls,
    user: Option<User>,
    /// What the caller bounds an attempt by.
    within: Duration,
    observer: Option<Observer>,
}

impl Dialler {
    pub(super) fn new(config: &Config, observer: Option<Observer>) -> Result<Self> {
        Ok(Self {
            tls: Tls::new(config)?,
            user: User::new(config)?,
            within: config.dial_timeout,
            observer,
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
        let stream = self.stream(endpoint, &refusal).await;
        let stream = stream.inspect_err(|_| self.tell(&refusal))?;
        let in_clear = matches!(endpoint.address, Address::Tcp { tls: false, .. });
        let greeting = Greeting::new(refusal.clone(), in_clear);
        let mut io = Some(TokioIo::new(Gathering::new(
            stream,
            pulse.clone(),
            greeting,
        )));
        // Asked again, tonic wants to reconnect: its requests fail instead, and we dial.
        let once = tower::service_fn(move |_: Uri| {
            let io = io.take();
            async move {
                io.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "connection lost"))
            }
        });
        let channel = TonicEndpoint::from_shared(endpoint.uri())
            .map_err(|_| {
                let text = "HTTP knows no such name of a host".to_owned();
                Fault::Misfit(ErrorKind::InvalidConfig, text)
            })?
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .connect_with_connector_lazy(once);
        // They were good at the start: they are being written.
        let passing = |error: Error| Fault::Broken(error.to_string());
        let credentials = self.credentials().map_err(passing)?;
        match log_in(channel, credentials).await {
            Ok(client) => Ok(Connection {
                client: Arc::new(client),
                refusal,
            }),
            Err(error) => {
                refusal.set_beneath(fault::beneath(&error));
                Err(self.explain(error.into(), &refusal))
            }
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

    /// Who logs in, if anybody does: the name and the password, as they are now.
    pub(super) fn credentials(&self) -> Result<Option<(String, String)>> {
        self.user.as_ref().map(User::credentials).transpose()
    }

    pub(super) fn has_user(&self) -> bool {
        self.user.is_some()
    }

    fn may_log_in_otherwise(&self) -> bool {
        self.user.as_ref().is_some_and(User::may_change)
    }

    /// Says what is behind a fault of a connection.
    fn explain(&self, fault: Fault, refusal: &Refusal) -> Fault {
        self.tell(refusal);
        let is_login = fault.is_failed_login();
        match (fault, refusal.fault(), &self.user) {
            (Fault::Broken(_), Some(refusal), _) => refusal.clone(),
            (Fault::Refused(ErrorKind::Denied, text), _, Some(user)) => {
                let mut text = format!("{text} (user {})", user.shown());
                if is_login {
                    text.push_str(" (user, password)");
                }
                Fault::Refused(ErrorKind::Denied, text)
            }
            (fault, ..) => fault,
        }
    }

    /// Tells of what lies beneath, for who looks.
    fn tell(&self, refusal: &Refusal) {
        if let Some(observer) = &self.observer
            && let Some(text) = refusal.take_beneath()
        {
            observer(&Event::Beneath(text.to_owned()));
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

async fn log_in(
    channel: TonicChannel,
    credentials: Option<(String, String)>,
) -> Result<etcd_client::Client, etcd_client::Error> {
    let options = ConnectOptions::new()
        .with_require_leader(true)
        .with_auto_token_refresh(true);
    if let Some((user, password)) = credentials {
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

fn broken(error: io::Error) -> Fault {
    Fault::Broken(transport::of_io(&error))
}
