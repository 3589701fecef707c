//! How the servers of one store are named and spoken to.

/// How the servers of a store are spoken to.
#[derive(Debug)]
pub(crate) struct Protocol {
    /// As the store is called.
    pub(crate) store: &'static str,
    /// A scheme that says which store is meant, and not whether TLS is.
    pub(crate) named: &'static str,
    /// The scheme of a server's URL without TLS.
    pub(crate) scheme: &'static str,
    /// That with TLS.
    pub(crate) secure_scheme: &'static str,
    /// Where a server listens if nothing is said.
    pub(crate) port: u16,
    /// The server that is meant if nothing is said.
    pub(crate) default_endpoint: &'static str,
    /// What TLS agrees to speak (ALPN); nothing if the store's servers do not ask for it.
    pub(crate) alpn: &'static [&'static str],
}

impl Protocol {
    /// What may help where TLS was tried with a server that does not speak it.
    pub(crate) fn without_tls(&self) -> String {
        format!("{}:// instead of {}://?", self.scheme, self.secure_scheme)
    }
}
