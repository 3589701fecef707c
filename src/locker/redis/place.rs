//! A place: the lock itself, or one in its queue. It is what the keeper keeps.

mod own;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::connection::RedisClient;
use super::names::LockNames;
use super::nodes::RedisNodes;
use super::pushes::Listener;
use super::reply::{RedisCommand, Reply};
use super::request_error::RequestError;
use super::scripts::{self, Entry, PlaceRequest, PlaceState};
use crate::clock::Instant;
use crate::error::Result;
use crate::locker::deadline::Deadline;
use crate::locker::fault::Fault;
use crate::locker::keeper::{self, Attempt, Granted, LeaseCalls, Requests};
use crate::locker::net::random;
use crate::locker::{BoxFuture, Mode, Record};

pub(super) use own::{LockKey, mark_of};

/// A place that is being taken, or stands. Dropping it leaves it in the background.
pub(super) type RedisLease = keeper::Lease<RedisPlace>;

/// A lock that was given to us.
pub(super) struct GivenLock {
    pub(super) lease: RedisLease,
    pub(super) granted: Granted,
    pub(super) token: u64,
    /// Which of N holders it is.
    pub(super) index: Option<u32>,
    /// Whether there was somebody ahead.
    pub(super) waited: bool,
}

/// What is asked of Redis for one place.
pub(super) struct RedisPlace {
    store: Arc<RedisNodes>,
    pub(super) names: LockNames,
    pub(super) id: String,
    asked: PlaceRequest,
    /// What the newest answer said.
    standing: watch::Sender<PlaceState>,
    /// Its own from the first answer on, and then its token.
    ticket: OnceLock<u64>,
    listener: Listener,
    /// Why the server tells nobody of keys that change, if it does not.
    untold: Arc<OnceLock<String>>,
    /// Whether it is a Cluster.
    is_clustered: Arc<AtomicBool>,
}

impl RedisPlace {
    /// With an id that nobody else has.
    pub(super) fn new(store: &Arc<RedisNodes>, key: &str, mut asked: PlaceRequest) -> Result<Self> {
        // Redis counts them.
        asked.ttl = Duration::from_millis(asked.ttl.as_millis() as u64);
        let id = format!("{:016x}{:016x}", random::random()?, random::random()?);
        let names = LockNames::of(key);
        let listener = store
            .pushes()
            .listen([names.key.clone(), names.queue(), names.of_one(&id)]);
        Ok(Self {
            store: store.clone(),
            names,
            id,
            asked,
            standing: watch::Sender::new(PlaceState::Gone),
            ticket: OnceLock::new(),
            listener,
            untold: Arc::default(),
            is_clustered: Arc::default(),
        })
    }

    /// What stands for it in the store.
    pub(super) fn owner_key(&self) -> String {
        self.names.of_one(&self.id)
    }

    /// By which it stands in the queue, or holds, once it was answered.
    fn ticket(&self) -> u64 {
        self.ticket.get().copied().unwrap_or_default()
    }

    /// Whether others can hold the lock with it.
    pub(super) fn is_shared(&self) -> bool {
        self.asked.mode != Mode::Exclusive
    }

    /// What the newest answer said.
    pub(super) fn standing(&self) -> PlaceState {
        self.standing.borrow().clone()
    }

    /// Told of every answer.
    pub(super) fn standings(&self) -> watch::Receiver<PlaceState> {
        self.standing.subscribe()
    }

    /// Whether it was told that its turn has come, and that can be believed. The servers of a Cluster pass
    /// messages on to each other, also those that nobody has heard at the server of the lock: it is then
    /// given to the next one. Who holds beside others asks: a genlock that knows of no modes may have given
    /// it the lock as if it were alone, and of its number among N the message says nothing.
    pub(super) fn is_told_to_hold(&self) -> bool {
        if self.is_clustered.load(Ordering::Relaxed) || self.is_shared() {
            return false;
        }
        let ticket = self.ticket.get();
        ticket.is_some_and(|&ticket| self.listener.holds(ticket))
    }

    /// Told of what happens to the lock.
    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Asks once more what there is of it, which renews it; and to be told when these keys change.
    pub(super) async fn look(&self, watched: Vec<RedisCommand>) -> Result<PlaceState, Fault> {
        let within = self.store.command_timeout;
        let taking = self.taking(Entry::Stay, watched, None);
        let (standing, _) = self.store.call(&self.names.key, within, taking).await?;
        Ok(self.note(standing))
    }

    /// Says anew since when it holds, for people who look.
    pub(super) async fn stamp(&self, holder: &Record) -> Result<(), Fault> {
        let own = (&*self.id, self.ticket());
        let stamp = scripts::stamp(&self.names, own, self.asked.ttl, &holder.to_json());
        self.store.one(&self.names.key, stamp).await.map(drop)
    }

    /// Reads the lock's key, with the wish to be told when it changes.
    pub(super) fn watched_key(&self) -> Vec<RedisCommand> {
        vec![
            scripts::caching(),
            RedisCommand::new(["GET", &self.names.key]),
        ]
    }

    /// The same for the queue.
    pub(super) fn watched_queue(&self) -> Vec<RedisCommand> {
        vec![
            scripts::caching(),
            RedisCommand::new(["ZCARD", &self.names.queue()]),
        ]
    }

    /// Why the server tells nobody of keys that change, if it does not.
    pub(super) fn untold(&self) -> Option<&str> {
        self.untold.get().map(String::as_str)
    }

    /// What there is by another ticket is a place that a request took which came late: what was ours is
    /// gone, and another may have held the lock since.
    fn note(&self, standing: PlaceState) -> PlaceState {
        let standing = match standing.ticket() {
            Some(ticket) if *self.ticket.get_or_init(|| ticket) != ticket => PlaceState::Gone,
            _ => standing,
        };
        self.standing.send_replace(standing.clone());
        standing
    }

    /// What is run over a connection to take or renew it, with more behind it. Gives when it was sent,
    /// too.
    fn taking(
        &self,
        entry: Entry,
        more: Vec<RedisCommand>,
        counted: Option<Requests>,
    ) -> impl Fn(Arc<RedisClient>) -> BoxFuture<'static, Result<(PlaceState, Instant), RequestError>>
    + Clone
    + use<> {
        // A waiter is told over the connection that asks last.
        let holds = matches!(*self.standing.borrow(), PlaceState::Holds(_));
        let hears = self.asked.waits && entry != Entry::Try && !holds;
        let channel = hears.then(|| self.names.of_one(&self.id));
        let take = scripts::take(&self.names, &self.id, &self.asked, entry);
        let commands = [vec![take], more].concat();
        let (untold, is_clustered) = (self.untold.clone(), self.is_clustered.clone());
        move |client| {
            let (channel, commands) = (channel.clone(), commands.clone());
            let (counted, untold) = (counted.clone(), untold.clone());
            let is_clustered = is_clustered.clone();
            Box::pin(async move {
                let subscription = channel.and_then(|channel| client.subscription(&channel));
                let at = usize::from(subscription.is_some());
                let all: Vec<_> = subscription.into_iter().chain(commands).collect();
                let sent = counted.map_or_else(Instant::now, |counted| counted.leave());
                let answers = client.ask_each(&all).await?;
                is_clustered.store(client.is_clustered(), Ordering::Relaxed);
                if let Some(Err(why)) = client.hello().map(|hello| &hello.tracking) {
                    untold.get_or_init(|| why.clone());
                }
                for answer in answers.iter().take(at + 1) {
                    if let Reply::Error(text) = answer {
                        return Err(RequestError::Answered(text.clone()));
                    }
                }
                let standing = answers.get(at).and_then(scripts::standing);
                Ok((standing.ok_or_else(senseless)?, sent))
            })
        }
    }

    async fn have_granted(&self, requests: &Requests) -> Result<Deadline, Fault> {
        let within = self.store.command_timeout;
        let take = |entry| {
            let taking = self.taking(entry, Vec::new(), Some(requests.clone()));
            self.store.call(&self.names.key, within, taking)
        };
        let (mut standing, mut sent) = take(Entry::Try).await?;
        if self.asked.waits && matches!(standing, PlaceState::Busy(_)) {
            (standing, sent) = take(Entry::Wait).await?;
        }
        match self.note(standing) {
            PlaceState::Holds(_) | PlaceState::Waits(_) => {
                Ok(Deadline::granted(sent, self.asked.ttl))
            }
            // Nothing is there of us, unless one of several requests is still on its way.
            PlaceState::Busy(_) | PlaceState::OtherMaxHolders(_) if requests.count() == 1 => {
                Err(Fault::LeaseExists)
            }
            _ => Err(Fault::LeaseNotFound),
        }
    }

    async fn have_renewed(&self, attempt: Attempt) -> Result<Instant, Fault> {
        // What we wrote is told of no more until it is read again.
        let holds = matches!(*self.standing.borrow(), PlaceState::Holds(_));
        let watched = if holds {
            self.watched_key()
        } else {
            Vec::new()
        };
        let taking = self.taking(Entry::Stay, watched, None);
        let asked = self.store.ask(&self.names.key, attempt.within, taking);
        let (standing, sent) = asked.await?;
        match self.note(standing) {
            PlaceState::Holds(_) | PlaceState::Waits(_) => Ok(sent),
            _ => Err(Fault::LeaseNotFound),
        }
    }

    async fn have_outlived(&self, rest: Duration) -> Result<(), Fault> {
        let token = match self.standing() {
            PlaceState::Holds(held) if held.mark.is_none() => held.token,
            _ => return Err(Fault::LeaseNotFound),
        };
        let until = humantime::format_rfc3339_seconds(SystemTime::now() + rest).to_string();
        let outlive = scripts::outlive(&self.names, (&self.id, token), rest, &until);
        match self.store.one(&self.names.key, outlive).await?.number() {
            Some(1) => Ok(()),
            _ => Err(Fault::LeaseNotFound),
        }
    }

    async fn end(&self) -> Result<(), Fault> {
        let leave = scripts::leave(&self.names, &self.id);
        let channel = self.names.of_one(&self.id);
        let op = move |client: Arc<RedisClient>| {
            let mut commands = vec![leave.clone()];
            commands.extend(client.unsubscription(&channel));
            async move { client.ask(&commands).await }
        };
        let within = self.store.command_timeout;
        self.store.call(&self.names.key, within, op).await?;
        Ok(())
    }
}

impl LeaseCalls for RedisPlace {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        Box::pin(self.have_granted(requests))
    }

    fn renew(&self, attempt: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        Box::pin(self.have_renewed(attempt))
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.end())
    }

    fn outlive(&self, rest: Duration) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.have_outlived(rest))
    }

    fn signs_of_life(&self) -> usize {
        self.store.signs_of_life()
    }

    fn was_heard(&self) -> bool {
        self.store.heard()
    }

    fn silent(&self, within: Duration) -> Fault {
        self.store.silent(&self.names.key, within)
    }
}

fn senseless() -> RequestError {
    RequestError::Stranger("it answers a script in an unknown way".to_owned())
}
