//! The servers behind the endpoints. Mostly that is one, which has all keys. Of a Cluster any server can
//! be named: it says which one keeps a key (MOVED), and that one is asked, over a connection of its own.
//!
//! While a slot is on its way from one server to another neither answers a script of several keys until
//! it is there (TRYAGAIN, or ASK, which ends in TRYAGAIN): it is asked again, as a server that is away is.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::cluster_map::ClusterMap;
use super::connection::RedisClient;
use super::dial::{RedisDialler, RedisMembers};
use super::protocol::PROTOCOL;
use super::pushes::Pushes;
use super::reply::{RedisCommand, Reply};
use super::request_error::{Moved, RequestError};
use super::sentinel::endpoint_of;
use super::slot::KeySlot;
use crate::error::Result;
use crate::locker::fault::Fault;
use crate::locker::net::endpoint::Address;
use crate::locker::{Config, Options};

/// So often one server of a Cluster may name another for one request.
const HOPS: u32 = 5;

/// So many servers of a Cluster are known at most: as many as there are slots.
const SERVERS: usize = 16_384;

/// The servers behind the endpoints.
pub(super) struct RedisNodes {
    /// What was named.
    pub(super) named: Arc<RedisMembers>,
    cluster: Mutex<ClusterMap>,
    dialler: RedisDialler,
    config: Config,
    options: Options,
    /// The scheme and the host of the first that was named, and as others would name it.
    scheme: &'static str,
    host: String,
    own: String,
    pub(super) command_timeout: Duration,
}

/// Whether to ask again when all have failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounds {
    One,
    Many,
}

impl RedisNodes {
    /// The servers of `config`. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the endpoint at fault.
    pub(super) fn new(dialler: RedisDialler, config: &Config, options: &Options) -> Result<Self> {
        let named = Arc::new(RedisMembers::new(dialler.clone(), config, options)?);
        let first = config.servers(&PROTOCOL)?.into_iter().next();
        let (scheme, host, port) = match first.map(|first| first.address) {
            Some(Address::Tcp {
                tls: true,
                host,
                port,
            }) => ("rediss://", host, port),
            Some(Address::Tcp { host, port, .. }) => ("redis://", host, port),
            _ => ("redis://", "127.0.0.1".to_owned(), 0),
        };
        let own = endpoint_of(scheme, &host, port);
        Ok(Self {
            command_timeout: named.command_timeout,
            cluster: Mutex::new(ClusterMap::new(named.clone())),
            named,
            dialler,
            config: config.clone(),
            options: options.clone(),
            scheme,
            host,
            own,
        })
    }

    /// What is pushed over the connections to all of them.
    pub(super) fn pushes(&self) -> &Pushes {
        self.dialler.pushes()
    }

    /// Runs `op` at the server that keeps `key`, as [`RedisMembers::call`] does.
    pub(super) async fn call<T, F, Fut>(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<RedisClient>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
    {
        self.run(key, within, Rounds::Many, op).await
    }

    /// The same for callers that ask again by themselves, as [`RedisMembers::ask`].
    pub(super) async fn ask<T, F, Fut>(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<RedisClient>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
    {
        self.run(key, within, Rounds::One, op).await
    }

    /// Sends one command about `key`; its answer.
    pub(super) async fn one(
        self: &Arc<Self>,
        key: &str,
        command: RedisCommand,
    ) -> Result<Reply, Fault> {
        let op = move |client: Arc<RedisClient>| {
            let command = [command.clone()];
            async move { client.ask(&command).await }
        };
        let answers = self.call(key, self.command_timeout, op).await?;
        Ok(answers.into_iter().next().unwrap_or(Reply::Null))
    }

    /// Sends these, about `key`, together: when, and their answers, with the errors among them.
    pub(super) async fn each(
        self: &Arc<Self>,
        key: &str,
        commands: Vec<RedisCommand>,
    ) -> Result<(crate::clock::Instant, Vec<Reply>), Fault> {
        let op = move |client: Arc<RedisClient>| {
            let commands = commands.clone();
            async move {
                let asked = crate::clock::Instant::now();
                Ok((asked, client.ask_each(&commands).await?))
            }
        };
        self.call(key, self.command_timeout, op).await
    }

    async fn run<T, F, Fut>(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
        rounds: Rounds,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<RedisClient>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
    {
        let end = Instant::now() + within;
        let nodes = self.clone();
        let op = move |client: Arc<RedisClient>| {
            let (nodes, asked) = (nodes.clone(), op(client.clone()));
            async move {
                let answer = asked.await;
                if client.is_clustered() {
                    nodes.ask_for_others();
                }
                match answer {
                    // Where it belongs is an answer too.
                    Err(RequestError::Moved(moved)) => Ok(Err(moved)),
                    answer => answer.map(Ok),
                }
            }
        };
        let moved = if self.is_clustered() {
            None
        } else {
            let asked = match rounds {
                Rounds::Many => self.named.call(within, op.clone()).await?,
                Rounds::One => self.named.ask(within, op.clone()).await?,
            };
            match asked {
                Ok(answer) => return Ok(answer),
                Err(moved) => Some(moved),
            }
        };
        let slot = KeySlot::of(key);
        if let Some(moved) = moved {
            self.learn(slot, &moved)?;
        }
        loop {
            let fault = match self.round(slot, end, &op).await {
                Err(fault @ Fault::Broken(_)) => fault,
                answer => return answer,
            };
            let pause = self.options.retry_interval;
            if rounds == Rounds::One || Instant::now() + pause >= end {
                return Err(fault);
            }
            sleep(pause).await;
        }
    }

    /// Asks the server that is known to keep the slot, and the others where that one fails.
    async fn round<T, F, Fut>(&self, slot: KeySlot, end: Instant, op: &F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<RedisClient>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Result<T, Moved>, RequestError>> + Send + 'static,
    {
        let mut next = self.cluster().candidates(slot);
        let mut hops = 0;
        let mut failed = None;
        while let Some(node) = next.pop_front() {
            let left = end.saturating_duration_since(Instant::now());
            match node.ask(left, op.clone()).await {
                Ok(Ok(answer)) => {
                    self.cluster().found(slot, &node);
                    return Ok(answer);
                }
                Ok(Err(moved)) if hops < HOPS => {
                    hops += 1;
                    next.push_front(self.learn(slot, &moved)?);
                }
                Ok(Err(_)) => {
                    let why = "the servers of the Cluster do not agree on who keeps the key";
                    return Err(Fault::broken(why));
                }
                Err(fault @ Fault::Broken(_)) => {
                    self.cluster().turn_from(slot, &node);
                    failed.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
            if Instant::now() >= end {
                break;
            }
        }
        Err(failed.unwrap_or_else(|| Fault::silent(self.command_timeout)))
    }

    /// Notes who keeps a slot.
    fn learn(&self, slot: KeySlot, moved: &Moved) -> Result<Arc<RedisMembers>, Fault> {
        let endpoint = self.endpoint(&moved.host, moved.port);
        let node = self.node(&endpoint)?;
        self.cluster().slots.insert(slot, endpoint);
        Ok(node)
    }

    /// The server at this endpoint.
    pub(super) fn node(&self, endpoint: &str) -> Result<Arc<RedisMembers>, Fault> {
        if let Some(node) = self.cluster().nodes.get(endpoint) {
            return Ok(node.clone());
        }
        if self.cluster().nodes.len() >= SERVERS {
            return Err(Fault::broken(
                "the servers of the Cluster name more and more others",
            ));
        }
        let node = if endpoint == self.own {
            self.named.clone()
        } else {
            let config = self.config.clone().endpoints([endpoint]);
            let node = RedisMembers::new(self.dialler.clone(), &config, &self.options);
            Arc::new(node.map_err(Fault::passing)?)
        };
        let mut cluster = self.cluster();
        Ok(cluster
            .nodes
            .entry(endpoint.to_owned())
            .or_insert(node)
            .clone())
    }

    /// As servers name each other; without a host it is the one that was asked.
    pub(super) fn endpoint(&self, host: &str, port: u16) -> String {
        let host = if host.is_empty() { &self.host } else { host };
        endpoint_of(self.scheme, host, port)
    }

    /// Whether it turned out that they are a Cluster.
    pub(super) fn is_clustered(&self) -> bool {
        !self.cluster().nodes.is_empty()
    }

    /// The server that keeps `key`, if it is not the one that was named.
    pub(super) fn keeper_of(&self, key: &str) -> Option<String> {
        self.cluster().slots.get(&KeySlot::of(key)).cloned()
    }

    /// How often anything was heard of any of them.
    pub(super) fn signs_of_life(&self) -> usize {
        let cluster = self.cluster();
        let all = cluster.nodes.values().chain([&self.named]);
        all.map(|node| node.signs_of_life()).sum()
    }

    /// Whether any of them ever answered.
    pub(super) fn heard(&self) -> bool {
        let cluster = self.cluster();
        self.named.heard() || cluster.nodes.values().any(|node| node.heard())
    }

    /// The fault where the one that keeps `key` has not answered for so long.
    pub(super) fn silent(&self, key: &str, within: Duration) -> Fault {
        let first = self.cluster().candidates(KeySlot::of(key)).pop_front();
        first.unwrap_or_else(|| self.named.clone()).silent(within)
    }

    pub(super) fn cluster(&self) -> MutexGuard<'_, ClusterMap> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
