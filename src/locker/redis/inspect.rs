//! Reading locks from outside: of one key, and of all below a prefix.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::connection::RedisClient;
use super::dial::RedisMembers;
use super::fault::judge;
use super::names::{LockNames, records_pattern};
use super::nodes::RedisNodes;
use super::place::mark_of;
use super::reply::{RedisCommand, Reply};
use super::request_error::RequestError;
use super::scripts::{self, LockHolder, Records};
use super::shared::RedisShared;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::operator::{Contender, Queue, Remaining, Ttl};
use crate::locker::{Record, TakenAway, margin};

/// About so many keys one step of a listing goes through.
const PAGE: &str = "1000";

/// So many locks are looked at together.
const LOOKS: usize = 100;

/// The holder counts from when it asked, and Redis from when it wrote, in whole milliseconds: a request
/// is seldom under way for longer than this, also on a loaded machine.
const UNDER_WAY: Duration = Duration::from_millis(50);

/// What there is of one lock, at one moment.
pub(super) struct LockSeen {
    pub(super) names: LockNames,
    holder: LockHolder,
    /// What its holder is kept with.
    granted: Duration,
    mark: Option<TakenAway>,
    /// How long the key lasts; `None` if it has no end.
    pttl: Option<Duration>,
    waiters: Vec<WaiterSeen>,
    /// When it was asked for: no later than that moment.
    pub(super) asked: Instant,
}

struct WaiterSeen {
    id: String,
    ticket: u64,
    record: Option<Record>,
    /// How long it counts as alive.
    alive: Duration,
}

impl LockSeen {
    /// What a look has answered.
    fn of(names: LockNames, answer: &Reply, asked: Instant) -> Result<Self, Fault> {
        match answer {
            Reply::Error(text) => Err(judge(RequestError::Answered(text.clone()))),
            answer => Self::read(names, answer, asked).ok_or_else(senseless),
        }
    }

    fn read(names: LockNames, answer: &Reply, asked: Instant) -> Option<Self> {
        let [kind, value, pttl, now, kept, mark, waiters @ ..] = answer.list() else {
            return None;
        };
        let now = now.number()?;
        let (granted, record) = kept_of(kept.text());
        let mut holder = LockHolder::read(kind, value, &Reply::Null);
        holder.record = record;
        let waiters = waiters.iter().map(|one| WaiterSeen::read(one, now));
        Some(Self {
            names,
            holder,
            granted,
            mark: mark_of(mark.text()),
            pttl: match pttl.number()? {
                -1 => None,
                ms => Some(Duration::from_millis(ms.max(0) as u64)),
            },
            waiters: waiters.collect::<Option<_>>()?,
            asked,
        })
    }

    /// The holder first, and who waits.
    pub(super) fn contenders(&self) -> Vec<Contender> {
        let of_holder = self.holder.owner_key(&self.names).map(|owner_key| {
            let record = self.holder.record.clone().map(|record| Record {
                taken_away: self.mark.clone(),
                ..record
            });
            let contender = Contender::new(owner_key).with_record(record);
            match &self.holder.genlock {
                Some((token, _)) => contender.with_token(*token),
                None => contender,
            }
        });
        let waiters = self.waiters.iter().map(|one| one.contender(&self.names));
        of_holder.into_iter().chain(waiters).collect()
    }

    pub(super) fn is_free(&self) -> bool {
        !self.holder.is_there && self.waiters.is_empty()
    }

    /// Whether the one with this token is there.
    fn has(&self, token: u64) -> bool {
        let holds = matches!(&self.holder.genlock, Some((held, _)) if *held == token);
        holds || self.waiters.iter().any(|one| one.ticket == token)
    }

    /// When what is there can change without a word: the key, or a place, runs out.
    pub(super) fn next_end(&self) -> Option<Duration> {
        let of_key = self.pttl.filter(|_| self.holder.is_there);
        let places = self.waiters.iter().map(|one| one.alive);
        of_key.into_iter().chain(places).min()
    }

    /// When the holder's lock runs out if it is not renewed.
    pub(super) fn holder_ends(&self) -> Option<Instant> {
        Some(self.asked + self.pttl.filter(|_| self.holder.is_there)?)
    }

    pub(super) fn queue(&self) -> Queue {
        let queue = Queue::new(self.names.key.clone(), self.contenders());
        match self.pttl {
            Some(left) if self.holder.genlock.is_some() => queue.with_ttl(Ttl {
                granted: self.granted,
                left,
            }),
            _ => queue,
        }
    }
}

impl WaiterSeen {
    fn read(reply: &Reply, now: i64) -> Option<Self> {
        let [id, ticket, till, kept] = reply.list() else {
            return None;
        };
        let alive = till.number()?.saturating_sub(now).max(0) as u64;
        Some(Self {
            id: id.words(),
            ticket: u64::try_from(ticket.number()?).ok()?,
            record: kept_of(kept.text()).1,
            alive: Duration::from_millis(alive),
        })
    }

    fn contender(&self, names: &LockNames) -> Contender {
        Contender::new(names.of_one(&self.id))
            .with_token(self.ticket)
            .with_record(self.record.clone())
    }
}

/// The TTL and the record of one, as they are kept.
fn kept_of(text: &[u8]) -> (Duration, Option<Record>) {
    let at = text.iter().position(|&byte| byte == b'|').unwrap_or(0);
    let (ttl, rest) = text.split_at(at);
    let ttl = std::str::from_utf8(ttl)
        .ok()
        .and_then(|ttl| ttl.parse().ok());
    let record = rest.strip_prefix(b"|").and_then(Record::from_json);
    (Duration::from_millis(ttl.unwrap_or(0)), record)
}

/// Looks at one lock.
pub(super) async fn look(
    store: &Arc<RedisNodes>,
    key: &str,
    records: Records,
) -> Result<LockSeen, Fault> {
    let names = LockNames::of(key);
    let (asked, answers) = store
        .each(key, vec![scripts::look(&names, records)])
        .await?;
    read_last(names, &answers, asked)
}

/// The same, and the client is told when anything of it changes.
async fn look_and_listen(store: &Arc<RedisNodes>, key: &str) -> Result<LockSeen, Fault> {
    let names = LockNames::of(key);
    let look = scripts::look(&names, Records::Holders);
    let (asked, answers) = store.each(key, vec![scripts::caching(), look]).await?;
    read_last(names, &answers, asked)
}

/// Looks at any number of locks, some at a time, each at a moment of its own.
pub(super) async fn look_at(
    store: &Arc<RedisNodes>,
    keys: &BTreeSet<String>,
    records: Records,
) -> Result<Vec<LockSeen>, Fault> {
    let locks: Vec<_> = keys.iter().map(|key| LockNames::of(key)).collect();
    let mut seen = Vec::new();
    // Those of a Cluster may be with different servers.
    let most = if store.is_clustered() { 1 } else { LOOKS };
    for some in locks.chunks(most) {
        let looks = some.iter().map(|names| scripts::look(names, records));
        let (asked, answers) = store.each(&some[0].key, looks.collect()).await?;
        for (names, answer) in some.iter().zip(&answers) {
            seen.push(LockSeen::of(names.clone(), answer, asked)?);
        }
    }
    Ok(seen)
}

fn read_last(names: LockNames, answers: &[Reply], asked: Instant) -> Result<LockSeen, Fault> {
    LockSeen::of(names, answers.last().unwrap_or(&Reply::Null), asked)
}

/// What [`Operator::list`](crate::locker::Operator::list) gives.
pub(super) async fn list(store: &Arc<RedisNodes>, prefix: &str) -> Result<Vec<LockSeen>, Fault> {
    let mut seen = look_at(store, &find(store, prefix).await?, Records::Holders).await?;
    seen.retain(|lock| !lock.is_free());
    Ok(seen)
}

/// The locks below a prefix that are held, or were not long ago. It goes through all keys that there
/// are, at every server that has any: Redis has no order of them.
pub(super) async fn find(store: &Arc<RedisNodes>, prefix: &str) -> Result<BTreeSet<String>, Fault> {
    let mut found = BTreeSet::new();
    for node in store.masters().await? {
        find_at(&node, prefix, &mut found).await?;
    }
    Ok(found)
}

async fn find_at(
    node: &Arc<RedisMembers>,
    prefix: &str,
    found: &mut BTreeSet<String>,
) -> Result<(), Fault> {
    let mut cursor = b"0".to_vec();
    loop {
        let pattern = records_pattern(prefix);
        let words = ["MATCH", &pattern, "COUNT", PAGE, "TYPE", "hash"];
        let scan = RedisCommand::new(["SCAN"]).arg(&cursor);
        let scan = words.iter().fold(scan, |scan, word| scan.arg(word));
        let op = move |client: Arc<RedisClient>| {
            let scan = [scan.clone()];
            async move { client.ask(&scan).await }
        };
        let answers = node.call(node.command_timeout, op).await?;
        let Some([next, keys]) = answers.first().map(Reply::list) else {
            return Err(senseless());
        };
        let keys = keys.list().iter().map(Reply::words);
        let names = keys.filter_map(|key| Some(LockNames::parse(&key)?.0));
        let keys = names.map(|names| names.key);
        found.extend(keys.filter(|key| key.starts_with(prefix)));
        cursor = next.text().to_vec();
        if cursor == b"0" {
            return Ok(());
        }
    }
}

/// Ends when nobody holds the lock or waits for it.
pub(super) async fn until_free(shared: &RedisShared, key: &str) -> Result<()> {
    until(shared, key, LockSeen::is_free).await
}

/// Ends when nobody there has this token.
pub(super) async fn until_gone(shared: &RedisShared, key: &str, token: u64) -> Result<()> {
    until(shared, key, |seen| !seen.has(token)).await
}

/// Ends when this is so. A Redis that is away is asked again.
async fn until(
    shared: &RedisShared,
    key: &str,
    is_so: impl Fn(&LockSeen) -> bool + Send,
) -> Result<()> {
    let pause = shared.options.retry_interval;
    let listener = shared.store.pushes().listen(LockNames::of(key).all());
    loop {
        match look_and_listen(&shared.store, key).await {
            Ok(seen) if is_so(&seen) => return Ok(()),
            Ok(seen) => {
                let over = seen.next_end().map(|end| end + Duration::from_millis(1));
                let within = over.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
                // Whatever it was, the next look says what is there.
                let _ = timeout(within, listener.anything()).await;
            }
            Err(Fault::Broken(_)) => tokio::time::sleep(pause).await,
            Err(fault) => return Err(Error::from(fault).of_key(key)),
        }
    }
}

/// After so long it is looked again, though nothing was said: not every server can tell.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whether the one with this owner key and token holds its lock, and for how long.
pub(super) async fn left(
    store: &Arc<RedisNodes>,
    owner_key: &str,
    token: u64,
) -> Result<Remaining, Fault> {
    let Some((names, id)) = LockNames::parse(owner_key) else {
        return Ok(Remaining::Nothing);
    };
    let seen = look(store, &names.key, Records::Holders).await?;
    let is_it =
        matches!(&seen.holder.genlock, Some((held, holder)) if *held == token && holder == id);
    if !is_it || seen.mark.is_some() {
        return Ok(Remaining::Nothing);
    }
    let Some(ends) = seen.holder_ends() else {
        return Ok(Remaining::NoEnd);
    };
    let less = margin(seen.granted) + UNDER_WAY;
    Ok(Remaining::AtLeast(ends.left().saturating_sub(less)))
}

/// The waiters that were not heard of for half of their time, which are removed.
pub(super) async fn clear_dead(
    store: &Arc<RedisNodes>,
    key: &str,
) -> Result<Vec<Contender>, Fault> {
    let names = LockNames::of(key);
    let answer = store.one(key, scripts::clear(&names)).await?;
    let gone = answer.list().iter().map(|one| WaiterSeen::read(one, 0));
    let gone: Option<Vec<_>> = gone.map(|one| Some(one?.contender(&names))).collect();
    gone.ok_or_else(senseless)
}

fn senseless() -> Fault {
    Fault::misfit("it answers a script in an unknown way")
}
