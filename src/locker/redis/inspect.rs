//! Reading locks from outside: of one key, and of all below a prefix.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::connection::RedisClient;
use super::dial::RedisMembers;
use super::names::{LockNames, records_pattern};
use super::nodes::RedisNodes;
use super::reply::{RedisCommand, Reply};
use super::scripts::{self, Records};
use super::seen::{LockSeen, WaiterSeen, senseless};
use super::shared::RedisShared;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::margin;
use crate::locker::operator::{Contender, Remaining};

/// About so many keys one step of a listing goes through.
const PAGE: &str = "1000";

/// So many locks are looked at together.
const LOOKS: usize = 100;

/// The holder counts from when it asked, and Redis from when it wrote, in whole milliseconds: a request
/// is seldom under way for longer than this, also on a loaded machine.
const UNDER_WAY: Duration = Duration::from_millis(50);

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

/// With which the id of a lock begins that was left to the store (scripts/outlive.lua).
const NOBODY: &str = "0";

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
    let mut members = seen.members.iter();
    // Of a lock that was left to the store the id is that of nobody.
    let nobody = [NOBODY.to_owned(), format!("{NOBODY}{token}")];
    let is_of = |one: &str| one == id || nobody.iter().any(|nobody| nobody == one);
    let member = members.find(|one| one.place.ticket == token && is_of(&one.place.id));
    let is_it =
        matches!(&seen.holder.genlock, Some((held, holder)) if *held == token && is_of(holder));
    let (granted, left) = match member {
        Some(one) if one.mark.is_none() => (one.granted, one.place.alive),
        None if is_it && seen.mark.is_none() => match seen.pttl {
            Some(left) => (seen.granted, left),
            None => return Ok(Remaining::NoEnd),
        },
        _ => return Ok(Remaining::Nothing),
    };
    // Of what nobody renews the clocks have to agree for as long as is left, and that may be long.
    let is_own = member.is_some_and(|one| one.place.id == id)
        || matches!(&seen.holder.genlock, Some((_, holder)) if *holder == id);
    let trusted = if is_own { granted } else { left };
    let less = margin(trusted) + UNDER_WAY;
    let left = (seen.asked + left).left().saturating_sub(less);
    Ok(Remaining::AtLeast(left))
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
