//! A stream of bytes to a server, by TCP, TLS or a socket of this host.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use super::certificate::Certificate;
use super::endpoint::{Address, Endpoint};
use super::fault::Fault;
use super::protocol::Protocol;
use super::refusal::Refusal;
use super::tls::Connector;
use super::{Config, addresses, reason};
use crate::error::Result;

/// What a protocol is spoken over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How the servers of a store are reached.
pub(crate) struct Reach {
    tls: Connector,
    /// What the caller bounds an attempt by.
    within: Duration,
}

impl Reach {
    /// Reads the files that TLS is set up by: what is wrong with them is known at once.
    pub(crate) fn new(config: &Config, protocol: &'static Protocol) -> Result<Self> {
        Ok(Self {
            tls: Connector::new(&config.tls, config.dial_timeout, protocol)?,
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
