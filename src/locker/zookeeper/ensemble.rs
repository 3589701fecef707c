//! Where the servers of one ZooKeeper are and how they are reached; and which part of it is ours: the
//! chroot, and how we name nodes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::calls::Access;
use super::names::Layout;
use crate::error::{Error, ErrorKind, Result, Setting, Subject};
use crate::locker::fault::Fault;
use crate::locker::kind::behind_scheme;
use crate::locker::net::endpoint::Endpoint;
use crate::locker::net::protocol::Protocol;
use crate::locker::net::random;
use crate::locker::net::reach::{Reach, Stream};
use crate::locker::net::refusal::Refusal;
use crate::locker::{Config, Options};

/// How ZooKeeper's servers are spoken to.
pub(super) const PROTOCOL: Protocol = Protocol {
    store: "ZooKeeper",
    named: "zookeeper",
    scheme: "zk",
    secure_scheme: "zks",
    port: 2181,
    default_endpoint: "zk://127.0.0.1:2181",
    alpn: &[],
};

/// The servers of one ZooKeeper, and our part of it.
pub(super) struct Ensemble {
    servers: Vec<Endpoint>,
    pub(super) reach: Reach,
    /// Begins with a slash, unless it is empty; does not end in one.
    pub(super) chroot: String,
    pub(super) layout: Layout,
    pub(super) dial_timeout: Duration,
    pub(super) command_timeout: Duration,
    /// Between attempts.
    pub(super) pause: Duration,
    /// Counts up with each server that is dialled, one after the other.
    next: AtomicUsize,
    heard: AtomicBool,
}

impl Ensemble {
    pub(super) fn new(config: &Config, options: &Options) -> Result<Self> {
        // What makes no sense may be a password: with a slash in it that is taken for a chroot.
        let given = config.endpoints.as_deref().unwrap_or_default();
        let refused = |error| Endpoint::user_in(given).unwrap_or(error);
        let address = ConnectString::of(config).map_err(refused)?;
        let secure = address.secure || config.tls.is_wanted();
        let servers = Endpoint::all(&address.hosts, secure, &PROTOCOL).map_err(refused)?;
        if servers.is_empty() {
            return Err(invalid("there is no endpoint"));
        }
        Ok(Self {
            // Clients with the same list begin with different servers.
            next: AtomicUsize::new(random::random()? as usize % servers.len()),
            servers,
            reach: Reach::new(config, &PROTOCOL, options.observer.clone())?,
            chroot: address.chroot,
            layout: address.layout,
            dial_timeout: config.dial_timeout,
            command_timeout: config.command_timeout,
            pause: options.retry_interval,
            heard: AtomicBool::new(false),
        })
    }

    /// Each of the servers alone.
    pub(super) fn each(config: &Config, options: &Options) -> Result<Vec<Self>> {
        let address = ConnectString::of(config)?;
        let scheme = if address.secure { "zks" } else { "zk" };
        let each = address.hosts.iter().map(|host| {
            let endpoint = format!("{scheme}://{host}{}", address.chroot);
            Self::new(&config.clone().endpoints([endpoint]), options)
        });
        each.collect()
    }

    /// The server, where it is one.
    pub(super) fn first(&self) -> &Endpoint {
        &self.servers[0]
    }

    /// How many servers there are.
    pub(super) fn count(&self) -> usize {
        self.servers.len()
    }

    /// Whether any has ever answered.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    pub(super) fn note_heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// The path of a node below the chroot; of the chroot itself, where that is empty.
    pub(super) fn path(&self, node: &str) -> String {
        match self.chroot.clone() + node {
            root if root.is_empty() => "/".to_owned(),
            path => path,
        }
    }

    /// The node below the chroot that has this path.
    pub(super) fn node<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&*self.chroot)
    }

    /// Who may do what with what we make.
    pub(super) fn access(&self) -> Access {
        if self.reach.has_user() {
            Access::Creator
        } else {
            Access::Everybody
        }
    }

    /// Who logs in, as ZooKeeper's scheme `digest` takes it.
    pub(super) async fn login(&self) -> Result<Option<String>, Fault> {
        let user = self.reach.credentials().await.map_err(Fault::passing)?;
        Ok(user.map(|(name, password)| format!("{name}:{password}")))
    }

    /// Dials the next server. Bounded.
    pub(super) async fn dial(&self) -> Result<Dialled, Fault> {
        let nth = self.next.fetch_add(1, Ordering::Relaxed);
        let server = &self.servers[nth % self.servers.len()];
        let refusal = Refusal::default();
        let within = self.dial_timeout;
        let dialled = timeout(within, self.reach.stream(server, &refusal)).await;
        let dialled = dialled.unwrap_or_else(|_| Err(Fault::silent(within)));
        let dialled = dialled.map(|stream| Dialled {
            stream,
            refusal: refusal.clone(),
            server: server.to_string(),
        });
        dialled.map_err(|fault| named(fault, &server.to_string()))
    }
}

/// A new connection, over which nothing was sent yet.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn Stream>,
    pub(super) refusal: Refusal,
    pub(super) server: String,
}

/// The same fault, with the server that it is of.
pub(super) fn named(fault: Fault, server: &str) -> Fault {
    let of = |error: Error| error.of(Subject::Endpoint(server.to_owned()));
    match fault {
        Fault::Broken(error) => Fault::Broken(of(error)),
        Fault::Misfit(error) => Fault::Misfit(of(error)),
        fault => fault,
    }
}

/// What the endpoints say together: `zk://h1:2181,h2/chroot?layout=kazoo`.
#[derive(Debug)]
struct ConnectString {
    hosts: Vec<String>,
    secure: bool,
    chroot: String,
    layout: Layout,
}

impl ConnectString {
    fn of(config: &Config) -> Result<Self> {
        let default = [PROTOCOL.default_endpoint.to_owned()];
        let given = config.endpoints.as_deref().unwrap_or(&default);
        let mut hosts = given.to_vec();
        let mut secure = false;
        if let Some(first) = hosts.first_mut() {
            for (scheme, tls) in [("zks://", true), ("zk://", false)] {
                if let Some(rest) = behind_scheme(first, scheme) {
                    *first = rest.to_owned();
                    secure = tls;
                    break;
                }
            }
        }
        let mut layout = Layout::Curator;
        let mut chroot = String::new();
        if let Some(last) = hosts.last_mut() {
            if let Some((before, said)) = last.split_once('?') {
                layout = layout_of(said)?;
                *last = before.to_owned();
            }
            if let Some(at) = last.find('/') {
                chroot = last.split_off(at).trim_end_matches('/').to_owned();
            }
        }
        if hosts.iter().all(String::is_empty) {
            return Err(invalid("there is no endpoint"));
        }
        let mut parts = chroot.split('/').skip(1);
        if parts.any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(invalid(&format!("{chroot}: no path in ZooKeeper")));
        }
        Ok(Self {
            hosts,
            secure,
            chroot,
            layout,
        })
    }
}

/// What stands behind the question mark.
fn layout_of(said: &str) -> Result<Layout> {
    let name = said.strip_prefix("layout=");
    name.and_then(Layout::named).ok_or_else(|| {
        let names = Layout::ALL.map(Layout::name).join(", ");
        invalid(&format!("?layout= takes one of {names}"))
    })
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, why).about([Setting::Endpoints])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ConnectString> {
        ConnectString::of(&Config::new(text.split(',')))
    }

    #[test]
    fn no_part_of_a_password_is_shown() {
        for list in [
            "zk://u:hunter2,a/b@h",
            "zk://u:a//hunter2@h",
            "zk://u:a?hunter2@h",
        ] {
            let config = Config::new(list.split(','));
            let refused = Ensemble::new(&config, &Options::default());
            let error = refused.err().expect("a user is in it").to_string();
            assert!(
                !error.contains("hunter2") && error.contains("user"),
                "{error}"
            );
        }
        let with_at = Config::new(["zk://h/a@b"]);
        assert!(Ensemble::new(&with_at, &Options::default()).is_ok());
    }

    #[test]
    fn a_connect_string_is_read_as_a_whole() {
        let one = parsed("zk://h1:2181,h2,[::1]:99/apps/locks/?layout=kazoo").expect("one");
        assert_eq!(one.hosts, ["h1:2181", "h2", "[::1]:99"]);
        assert_eq!((&*one.chroot, one.secure), ("/apps/locks", false));
        assert_eq!(one.layout, Layout::Kazoo);
        let plain = parsed("ZKS://h").expect("one");
        assert_eq!((&*plain.chroot, plain.secure), ("", true));
        assert_eq!(plain.layout, Layout::Curator);
        for bad in [
            "zk://",
            "zk://h/a//b",
            "zk://h/../x",
            "zk://h?layout=x",
            "zk://h?x=y",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
