//! How a Redis is dialled: who we are, which database, and that it tells of keys that change. None of
//! this is waited for: requests follow at once.

use std::sync::Arc;

use super::connection::RedisClient;
use super::fault;
use super::protocol::PROTOCOL;
use super::pushes::Pushes;
use super::reply::RedisCommand;
use super::request_error::RequestError;
use super::sentinel::RedisSite;
use crate::error::{Result, Subject};
use crate::events::Observer;
use crate::locker::BoxFuture;
use crate::locker::Config;
use crate::locker::fault::Fault;
use crate::locker::net::dialler::{Connection, Dialler};
use crate::locker::net::endpoint::Endpoint;
use crate::locker::net::liveness::Liveness;
use crate::locker::net::members::Members;
use crate::locker::net::protocol::Protocol;
use crate::locker::net::reach::Reach;
use crate::locker::net::refusal::Refusal;

/// The servers of a Redis.
pub(super) type RedisMembers = Members<RedisDialler>;

/// Of which keys a connection is told that they change.
#[derive(Clone)]
pub(super) enum Tracked {
    /// Those that are read with the wish to be told.
    Wished,
    /// All that begin so.
    Prefixes(Vec<String>),
}

/// How they are dialled. A clone dials in the same way, and what is pushed comes to the same listeners.
#[derive(Clone)]
pub(super) struct RedisDialler {
    reach: Arc<Reach>,
    site: RedisSite,
    tracked: Tracked,
    pushes: Pushes,
}

impl RedisDialler {
    pub(super) fn new(
        config: &Config,
        site: RedisSite,
        tracked: Tracked,
        observer: Option<Observer>,
    ) -> Result<Self> {
        Ok(Self {
            reach: Arc::new(Reach::new(config, &PROTOCOL, observer)?),
            site,
            tracked,
            pushes: Pushes::default(),
        })
    }

    /// How the servers are reached.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What is pushed over its connections.
    pub(super) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        liveness: &Liveness,
    ) -> Result<Connection<RedisClient>, Fault> {
        let refusal = Refusal::default();
        let stream = match &self.site.sentinels {
            None => self.reach.stream(endpoint, &refusal).await?,
            Some(sentinels) => {
                let master = sentinels.master(&self.reach, endpoint, liveness).await?;
                let stream = self.reach.stream(&master, &refusal).await;
                stream.map_err(|fault| of_master(fault, &master))?
            }
        };
        // They were good at the start: they are being written.
        let credentials = self.reach.credentials().await.map_err(Fault::passing)?;
        let greeting = self.greeting(credentials);
        let client = RedisClient::start(stream, &greeting, self.pushes.clone(), liveness.clone());
        if !self.site.database.is_first() {
            // What follows must not be done in another database, if there is none of this number.
            let ping = client.ask(&[RedisCommand::new(["PING"])]).await;
            ping.map_err(|error| self.fault(error, &refusal))?;
        }
        Ok(Connection::new(client, refusal))
    }

    /// What is said first. The connection reads the answers: HELLO's, CLIENT TRACKING's,
    /// ROLE's, which names the master of a replica, then the rest.
    fn greeting(&self, credentials: Option<(String, String)>) -> Vec<RedisCommand> {
        let mut hello = RedisCommand::new(["HELLO", "3"]);
        if let Some((user, password)) = credentials {
            hello = hello.arg("AUTH").arg(user).arg(password);
        }
        hello = hello.arg("SETNAME").arg("genlock");
        let mut tracking = RedisCommand::new(["CLIENT", "TRACKING", "ON"]);
        match &self.tracked {
            Tracked::Wished => tracking = tracking.arg("OPTIN").arg("NOLOOP"),
            Tracked::Prefixes(prefixes) => {
                tracking = tracking.arg("BCAST");
                for prefix in prefixes {
                    tracking = tracking.arg("PREFIX").arg(prefix);
                }
            }
        }
        let mut greeting = vec![hello, tracking, RedisCommand::new(["ROLE"])];
        greeting.extend(self.site.database.selection());
        greeting
    }
}

/// Says of which server it is, since a Sentinel was named.
fn of_master(fault: Fault, master: &Endpoint) -> Fault {
    match fault {
        Fault::Broken(error) => Fault::Broken(error.context(format!("its master {master}"))),
        fault => fault,
    }
}

impl Dialler for RedisDialler {
    type Client = RedisClient;
    type Error = RequestError;

    const PROTOCOL: &'static Protocol = &PROTOCOL;

    fn dial<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        liveness: &'a Liveness,
    ) -> BoxFuture<'a, Result<Connection<RedisClient>, Fault>> {
        Box::pin(self.connect(endpoint, liveness))
    }

    fn fault(&self, error: RequestError, refusal: &Refusal) -> Fault {
        let fault = fault::judge(error);
        let stale = fault.is_about(&Subject::Login) && self.reach.may_log_in_otherwise();
        match self.reach.explain(fault, refusal) {
            Fault::Refused(reason) if stale => Fault::StaleLogin(reason),
            fault => fault,
        }
    }
}
