//! One connection to one endpoint, dialled by us.
//!
//! tonic's own dialling is not used: it reports a dead endpoint as ready, its time limit covers
//! neither DNS nor TLS, and it dials again by itself. Here a connection is made once; when it breaks it
//! is given up and another is dialled.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::{Channel, ConnectOptions, ResponseHeader};
use hyper_util::rt::TokioIo;
use tonic::transport::{Channel as TonicChannel, Endpoint as TonicEndpoint, Uri};

use super::coalesce::Coalescing;
use super::fault::{self, Fault};
use super::greeting::Greeting;
use super::watches;
use crate::error::{Result, Subject};
use crate::events::Observer;
use crate::locker::BoxFuture;
use crate::locker::Config;
use crate::locker::net::dialler::{Connection, Dialler};
use crate::locker::net::endpoint::{Address, Endpoint};
use crate::locker::net::liveness::Liveness;
use crate::locker::net::members::Members;
use crate::locker::net::protocol::Protocol;
use crate::locker::net::reach::Reach;
use crate::locker::net::refusal::Refusal;

/// etcd is spoken to by HTTP/2.
pub(super) static PROTOCOL: Protocol = Protocol {
    store: "etcd",
    named: "etcd",
    scheme: "http",
    secure_scheme: "https",
    port: 2379,
    default_endpoint: "127.0.0.1:2379",
    alpn: &["h2"],
};

/// etcd counts pings more often than every 5 s as abuse (its --grpc-keepalive-min-time).
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// What requests are made by. Shared, since etcd's client takes kilobytes.
pub(super) type Client = Arc<MemberClient>;

/// etcd's client over one connection, and what belongs to that.
pub(super) struct MemberClient {
    etcd: etcd_client::Client,
    /// The newest term in an answer of the member's: it knows that one at least. 0 if there was none.
    term: AtomicU64,
    /// The stream for its watches.
    pub(super) watches: watches::Slot,
}

impl MemberClient {
    /// An answer was of this term.
    pub(super) fn note_term(&self, header: Option<&ResponseHeader>) -> u64 {
        let term = header.map_or(0, ResponseHeader::raft_term);
        self.term.fetch_max(term, Ordering::Relaxed);
        term
    }

    pub(super) fn newest_term(&self) -> u64 {
        self.term.load(Ordering::Relaxed)
    }
}

impl Deref for MemberClient {
    type Target = etcd_client::Client;

    fn deref(&self) -> &Self::Target {
        &self.etcd
    }
}

/// The members of an etcd.
pub(super) type EtcdMembers = Members<EtcdDialler>;

/// How they are dialled.
pub(super) struct EtcdDialler(Reach);

impl EtcdDialler {
    pub(super) fn new(config: &Config, observer: Option<Observer>) -> Result<Self> {
        Reach::new(config, &PROTOCOL, observer).map(Self)
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        liveness: &Liveness,
    ) -> Result<Connection<MemberClient>, Fault> {
        let refusal = Refusal::default();
        let stream = self.0.stream(endpoint, &refusal).await?;
        let in_clear = matches!(endpoint.address, Address::Tcp { tls: false, .. });
        let greeting = Greeting::new(refusal.clone(), in_clear);
        let mut io = Some(TokioIo::new(Coalescing::new(
            stream,
            liveness.clone(),
            greeting,
        )));
        // tonic calls this again to reconnect. That fails, and so its requests do: `Members` dials.
        let once = tower::service_fn(move |_: Uri| {
            let io = io.take();
            async move {
                io.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "connection lost"))
            }
        });
        let channel = TonicEndpoint::from_shared(uri(endpoint))
            .map_err(|_| Fault::misfit("HTTP knows no such name of a host"))?
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .connect_with_connector_lazy(once);
        // The file was good at the start, so somebody may be writing it just now.
        let credentials = self.0.credentials().await.map_err(Fault::passing)?;
        match log_in(channel, credentials).await {
            Ok(client) => {
                let client = MemberClient {
                    etcd: client,
                    term: AtomicU64::new(0),
                    watches: watches::Slot::default(),
                };
                Ok(Connection::new(client, refusal))
            }
            Err(error) => {
                refusal.set_beneath(fault::beneath(&error));
                Err(self.0.explain(error.into(), &refusal))
            }
        }
    }

    /// How the endpoints are reached.
    pub(super) fn reach(&self) -> &Reach {
        &self.0
    }
}

impl Dialler for EtcdDialler {
    type Client = MemberClient;
    type Error = etcd_client::Error;

    const PROTOCOL: &'static Protocol = &PROTOCOL;

    fn dial<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        liveness: &'a Liveness,
    ) -> BoxFuture<'a, Result<Connection<MemberClient>, Fault>> {
        Box::pin(self.connect(endpoint, liveness))
    }

    fn fault(&self, error: etcd_client::Error, refusal: &Refusal) -> Fault {
        refusal.set_beneath(fault::beneath(&error));
        let fault = Fault::from(error);
        // This can only be a login that etcd's client repeated by itself, with the old password.
        let stale = fault.is_about(&Subject::Login) && self.0.may_log_in_otherwise();
        match self.0.explain(fault, refusal) {
            Fault::Refused(reason) if stale => Fault::StaleLogin(reason),
            fault => fault,
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
            // As etcd's own client does: goes on without a login where etcd has users switched off.
            Err(etcd_client::Error::GRpcStatus(status))
                if status.message().ends_with(fault::NO_LOGIN) => {}
            result => return result,
        }
    }
    etcd_client::Client::from_channel(Channel::Tonic(channel), Some(options)).await
}

/// What gRPC calls the server: the scheme and the authority of its requests. etcd takes a
/// client's identity from its certificate only where the scheme says https.
fn uri(endpoint: &Endpoint) -> String {
    match &endpoint.address {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_name_for_grpc() {
        for text in [
            "h",
            "https://h:1",
            "[::1]:99",
            "https://[fe80::1]",
            "unix:///run/etcd",
        ] {
            let endpoint = Endpoint::parse(text, false, &PROTOCOL).expect(text);
            assert!(TonicEndpoint::from_shared(uri(&endpoint)).is_ok(), "{text}");
        }
    }
}
