//! What is asked of a holder's time, and taken from it: by a write that a majority confirms.
//!
//! ZooKeeper says when a node was written last by the leader's wall clock, and what that clock says now
//! only in the answer to a write. So what is in the lock's own node is written to it again, and the two
//! times are compared.

use std::time::Duration;

use super::calls::{ZkCall, ZkFailure};
use super::found::FoundNode;
use super::inspect::{Looking, QueuePart};
use super::{found, node, value};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::fault::Fault;
use crate::locker::operator::{Contender, Remaining, Removal};
use crate::locker::{Record, TakenAway, margin};

/// How often it is tried, where the holder's renewals come in between.
const ATTEMPTS: usize = 10;

/// What [`Operator::left`](crate::locker::Operator::left) gives.
pub(super) async fn left(
    looking: &Looking,
    owner_key: &str,
    token: u64,
) -> Result<Remaining, Fault> {
    let path = looking.ensemble().path(owner_key);
    for _ in 0..ATTEMPTS {
        let found = found::one(looking.ensemble(), &looking.session(), &path).await?;
        let Some(found) = found.filter(|found| found.contender.token == Some(token)) else {
            return Ok(Remaining::Nothing);
        };
        // Marked, or written over by others: its holder stops too, as soon as it reads that.
        let kept = found.contender.record.as_ref();
        let kept = kept.is_some_and(|record| record.taken_away.is_none());
        let Some(ttl) = value::ttl(&found.data).filter(|_| kept) else {
            return Ok(Remaining::Nothing);
        };
        match unheard_of(looking, &found).await {
            Ok((sent, gone)) => {
                // One margin for clocks that differ, and one because the holder counts from the moment that
                // its write was sent, which was before the leader's time of it.
                let gone = gone + Instant::now().since(sent) + margin(ttl) * 2;
                let left = ttl.checked_sub(gone);
                return Ok(left.map_or(Remaining::Nothing, Remaining::AtLeast));
            }
            Err(ZkFailure::BadVersion) => {}
            Err(ZkFailure::NoNode) => return Ok(Remaining::Nothing),
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Fault::broken("it is written to all the time"))
}

/// How long ago the node was written to, if that was not done again since it was found; and when this was
/// asked.
async fn unheard_of(
    looking: &Looking,
    found: &FoundNode,
) -> Result<(Instant, Duration), ZkFailure> {
    let lock = node::parts(&found.path).map_or("", |(lock, _)| lock);
    let answer = looking.call(ZkCall::get_data(lock)).await?;
    let (data, stat) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
    let sent = Instant::now();
    let checked = (&*found.path, found.stat.version);
    let call = ZkCall::set_if(checked, (lock, &data, stat.version));
    let now = value::set(&looking.call(call).await?.body)?;
    let gone = now.mtime.saturating_sub(found.stat.mtime);
    let gone = Duration::from_millis(u64::try_from(gone).unwrap_or(0));
    Ok((sent, gone))
}

/// What [`Operator::take_away`](crate::locker::Operator::take_away) does.
pub(super) async fn take_away(
    looking: &Looking,
    key: &str,
    token: u64,
    by: &TakenAway,
    force: bool,
) -> Result<Removal> {
    let lock = looking.ensemble().path(&node::of_key(key));
    for _ in 0..ATTEMPTS {
        let queue = looking
            .queue(&lock, QueuePart::All)
            .await
            .map_err(Fault::from)?;
        let at = queue
            .iter()
            .position(|found| found.contender.token == Some(token));
        let Some(at) = at else {
            return Err(nobody(key, token));
        };
        let found = &queue[at];
        let in_its_way = in_its_way(&queue[..at], found);
        let is_asked = in_its_way.is_empty() && !force;
        let marked = is_asked.then(|| Record::marked(&found.data, by)).flatten();
        let taken = match (marked, force) {
            (Some(record), _) => {
                let set = ZkCall::set_data(&found.path, &record, found.stat.version);
                looking.call(set).await.map(|_| Removal::Told)
            }
            (None, true) => remove(looking, found, &[]).await,
            // Those are still ahead of it: else its turn may have come, and it holds.
            (None, false) => remove(looking, found, &in_its_way).await,
        };
        match taken {
            Ok(taken) => return Ok(taken),
            // It was renewed meanwhile; or it is gone, or one of those ahead.
            Err(ZkFailure::BadVersion | ZkFailure::NoNode) => {}
            Err(failure) => return Err(Error::from(Fault::from(failure)).of_key(key)),
        }
    }
    let why = "its queue moves all the time, or its holder writes to it";
    Err(Error::new(ErrorKind::Unavailable, why).of_key(key))
}

/// The paths of those ahead for whom this one waits; nothing of one that holds.
fn in_its_way<'a>(ahead: &'a [FoundNode], found: &FoundNode) -> Vec<&'a str> {
    let modes: Vec<_> = ahead.iter().map(|one| one.contender.locks()).collect();
    let last = found.contender.locks().kept_waiting_by(&modes);
    let last = ahead.iter().rev().take(last);
    last.map(|one| &*one.path).collect()
}

/// Removes it, if it was not written to since, while all of these are there.
async fn remove(
    looking: &Looking,
    found: &FoundNode,
    while_there: &[&str],
) -> Result<Removal, ZkFailure> {
    let delete = ZkCall::delete_while(while_there, &found.path, found.stat.version);
    value::done(&looking.call(delete).await?.body)?;
    Ok(Removal::Removed)
}

/// What [`Operator::clear_dead`](crate::locker::Operator::clear_dead) does. Other tools do not write to
/// their nodes: nothing is known of those, whose sessions end by themselves.
pub(super) async fn clear_dead(looking: &Looking, key: &str) -> Result<Vec<Contender>, Fault> {
    let lock = looking.ensemble().path(&node::of_key(key));
    let mut cleared = Vec::new();
    let queue = looking.queue(&lock, QueuePart::All).await?;
    let holders = found::holders(&queue);
    // From the end: each waits for those ahead, which have to be there still.
    for (at, found) in queue.iter().enumerate().skip(holders).rev() {
        let Some(ttl) = value::ttl(&found.data) else {
            continue;
        };
        match unheard_of(looking, found).await {
            Ok((_, gone)) if gone > ttl / 2 => {}
            // It lives, was renewed meanwhile, or is gone.
            Ok(_) | Err(ZkFailure::BadVersion | ZkFailure::NoNode) => continue,
            Err(failure) => return Err(failure.into()),
        }
        match remove(looking, found, &in_its_way(&queue[..at], found)).await {
            Ok(_) => cleared.push(found.contender.clone()),
            Err(ZkFailure::BadVersion | ZkFailure::NoNode) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    cleared.reverse();
    Ok(cleared)
}

fn nobody(key: &str, token: u64) -> Error {
    let why = format!("nobody holds it or waits for it with token {token}");
    Error::new(ErrorKind::NotHeld, why).of_key(key)
}
