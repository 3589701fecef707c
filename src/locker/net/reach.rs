//! How the servers of a store are reached: a stream of bytes over TCP, TLS or a Unix socket, who logs
//! in over it, and why it broke.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use super::certificate::Certificate;
use super::endpoint::{Address, Endpoint};
use super::protocol::Protocol;
use super::refusal::Refusal;
use super::tls::Connector;
use super::user::User;
use super::{addresses, reason};
use crate::error::{ErrorKind, Result, Setting, Subject};
use crate::events::{EventKind, Observer};
use crate::locker::Config;
use crate::locker::fault::Fault;

/// What a protocol is spoken over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How the servers of a store are reached, and as whom.
pub(crate) struct Reach {
    tls: Connector,
    user: Option<User>,
    observer: Option<Observer>,
    /// What the caller bounds an attempt by.
    within: Duration,
}

impl Reach {
    /// Reads the files that TLS is set up by, and that of the password: what is wrong with them is
    /// known at once. The observer is told what a dependency says of a connection that broke.
    pub(crate) fn new(
        config: &Config,
        protocol: &'static Protocol,
        observer: Option<Observer>,
    ) -> Result<Self> {
        let tls = Connector::new(&config.tls, config.dial_timeout, protocol)?;
        let credentials = config.credentials.as_ref();
        let user = credentials.map(|credentials| User::new(credentials, config.dial_timeout));
        Ok(Self {
            tls,
            user: user.transpose()?,
            observer,
            within: config.dial_timeout,
        })
    }

    /// Opens a stream to `endpoint`. Why it will end is kept in `refusal`, where it is known. The
    /// caller bounds it.
    pub(crate) async fn stream(
        &self,
        endpoint: &Endpoint,
        refusal: &Refusal,
    ) -> Result<Box<dyn Stream>, Fault> {
        let opened = self.open(endpoint, refusal).await;
        opened.inspect_err(|_| self.tell(refusal))
    }

    async fn open(&self, endpoint: &Endpoint, refusal: &Refusal) -> Result<Box<dyn Stream>, Fault> {
        match &endpoint.address {
            Address::Unix(path) => {
                let broken = |error: io::Error| Fault::broken(reason::of_io(&error));
                let stream = UnixStream::connect(path).await.map_err(broken)?;
                Ok(Box::new(stream))
            }
            Address::Tcp { tls, host, port } => {
                let stream = addresses::connect(host, *port, self.within).await?;
                if *tls {
                    let refusal = refusal.clone();
                    Ok(Box::new(self.tls.connect(host, stream, refusal).await?))
                } else {
                    Ok(Box::new(stream))
                }
            }
        }
    }

    /// Who logs in, if anybody does: the name and the password, as they are now.
    pub(crate) async fn credentials(&self) -> Result<Option<(String, String)>> {
        match &self.user {
            Some(user) => user.credentials().await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether anybody logs in.
    #[cfg(any(feature = "etcd", feature = "zookeeper"))]
    pub(crate) fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// Whether the next login may be by another password.
    #[cfg(feature = "members")]
    pub(crate) fn may_log_in_otherwise(&self) -> bool {
        self.user.as_ref().is_some_and(User::may_change)
    }

    /// Adds to a fault what else is known: why the connection broke, or which user was refused.
    pub(crate) fn explain(&self, fault: Fault, refusal: &Refusal) -> Fault {
        self.tell(refusal);
        match (fault, refusal.fault(), &self.user) {
            (Fault::Broken(_), Some(refusal), _) => refusal.clone(),
            (Fault::Refused(mut error), _, Some(user)) if error.kind() == ErrorKind::Denied => {
                if let Some(name) = user.shown() {
                    error = error.and(format!(" (user {name})"));
                }
                if error.is_about(&Subject::Login) {
                    error = error.about([Setting::User, Setting::Password]);
                }
                Fault::Refused(error)
            }
            (fault, ..) => fault,
        }
    }

    /// Sends the observer what a dependency says of it.
    fn tell(&self, refusal: &Refusal) {
        if let Some(observer) = &self.observer
            && let Some(text) = refusal.take_beneath()
        {
            observer.tell(None, EventKind::Beneath(text.to_owned()));
        }
    }

    /// The certificate that the server at `endpoint` shows. The caller bounds it.
    pub(crate) async fn certificate(&self, endpoint: &Endpoint) -> Option<Certificate> {
        let Address::Tcp {
            tls: true,
            host,
            port,
        } = &endpoint.address
        else {
            return None;
        };
        let stream = addresses::connect(host, *port, self.within).await.ok()?;
        self.tls.shown(host, stream).await
    }

    /// Our own certificate.
    pub(crate) fn own_certificate(&self) -> Option<Certificate> {
        self.tls.own()
    }
}
