//! What we may do where the lock of a key is, or would be; and by whose clock.
//!
//! It is tried in one transaction that cannot succeed: its last part asks for a node that the part before
//! it deletes. So nothing is made, and no number of a queue is used.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::{ErrorKind, Result};
use crate::locker::examination::{Examination, Finding, Rights, Sentence};
use crate::locker::fault::Fault;
use crate::locker::net::random;
use crate::locker::zookeeper::calls::{NodeKind, ZkCall, ZkFailure};
use crate::locker::zookeeper::ensemble::Ensemble;
use crate::locker::zookeeper::session::ZkSession;
use crate::locker::zookeeper::{node, value};

/// The timeout of a session that ends at once.
const IDLE: Duration = Duration::from_secs(10);

/// What is said of clocks that are further apart than this.
const CLOCK_OFF: Duration = Duration::from_secs(1);

/// What was found where the lock is.
pub(super) struct TriedPlace {
    /// The lock's node, or the last of those above it that is there.
    path: String,
    reads: bool,
    creates: bool,
    deletes: bool,
    /// Who may do what with it, if we may know that.
    acl: Option<String>,
    /// How far the leader's clock is from ours.
    clock_off: Duration,
}

/// Looks and tries, in a session that ends at once. Bounded.
pub(super) async fn ask(alone: &Arc<Ensemble>, key: &str) -> Result<TriedPlace, Fault> {
    let session = ZkSession::new(alone, IDLE, None);
    let lock = alone.path(&node::of_key(key));
    let path = deepest(&session, &lock).await?;
    let reads = may(session.call(ZkCall::get_children(&path)).await)?.is_some();
    let acl = may(session.call(ZkCall::get_acl(&path)).await)?;
    let acl = acl.and_then(|answer| value::acl(&answer.body));
    let name = format!("%doctor-{:016x}", random::random().map_err(Fault::Refused)?);
    let tried = ZkCall::tried(&below(&path, &name), alone.access());
    let answer = session.call(tried).await?;
    let (part, _) = value::first_failed(&answer.body).ok_or_else(ZkFailure::strange)?;
    // Not below the lock's node: some tools count every child as a contender.
    let above = match lock.rsplit_once('/') {
        Some((above, _)) if path == lock => above,
        _ => &path,
    };
    let clock_off = clock_off(&session, alone, &below(above, &name)).await?;
    session.close().await?;
    Ok(TriedPlace {
        path,
        reads,
        creates: part > 0,
        deletes: part > 2,
        acl,
        clock_off,
    })
}

/// This node, or the last above it that is there.
async fn deepest(session: &ZkSession, lock: &str) -> Result<String, Fault> {
    let asked: Vec<_> = node::down_to(lock)
        .map(|path| (path, session.submit(ZkCall::exists(path))))
        .collect();
    let mut deepest = "/";
    for (path, asked) in asked {
        match asked.answer().await {
            Ok(_) => deepest = path,
            Err(ZkFailure::NoNode) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(deepest.to_owned())
}

fn below(path: &str, name: &str) -> String {
    format!("{}/{name}", path.trim_end_matches('/'))
}

/// The answer, if it was not denied.
fn may<T>(answer: Result<T, ZkFailure>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ZkFailure::Other(Fault::Refused(error))) if error.kind() == ErrorKind::Denied => {
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// How far the leader's clock is from ours, by a node that is made at `path` and goes at once; nothing
/// where none can be made.
async fn clock_off(session: &ZkSession, alone: &Ensemble, path: &str) -> Result<Duration, Fault> {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let sent = now().unwrap_or_default();
    let create = ZkCall::create(path, b"", NodeKind::Ephemeral, alone.access());
    let Ok(answer) = session.call(create).await else {
        return Ok(Duration::ZERO);
    };
    let heard = now().unwrap_or_default();
    let (_, stat) = value::created(&answer.body).ok_or_else(ZkFailure::strange)?;
    let made = Duration::from_millis(u64::try_from(stat.mtime).unwrap_or(0));
    Ok(made.saturating_sub(heard).max(sent.saturating_sub(made)))
}

/// Tells of it.
pub(super) fn tell(report: &mut Examination, key: &str, place: Result<TriedPlace, Fault>) {
    let place = match place {
        Ok(place) => place,
        Err(fault) => {
            let text = Sentence::from("what we may do there was not found out");
            report.tell(Finding::failed("rights", text, &fault.into()));
            return;
        }
    };
    report.rights = Some(Rights {
        prefix: key.to_owned(),
        read: Some(place.reads),
        write: Some(place.creates),
        lease: Some(true),
    });
    let path = || Sentence::new().foreign(&*place.path);
    let who = match &place.acl {
        Some(acl) => Sentence::from("; its ACL: ").foreign(acl),
        None => Sentence::from("; its ACL is hidden from us"),
    };
    if !place.reads || !place.creates {
        let what = if place.reads { "make nodes" } else { "see" };
        let text = Sentence::from(format!("we may not {what} below ")).and(path());
        let wrong = Finding::wrong("rights", ErrorKind::Denied, text.and(who));
        let remedy = "log in as somebody who may, or give the right to us (setAcl)";
        report.tell(wrong.with_remedy(remedy));
    } else if !place.deletes {
        let text = Sentence::from("we may not delete nodes below ").and(path());
        let remedy = "without that right `break` cannot take a lock from another tool";
        report.tell(Finding::warning("rights", text.and(who), remedy));
    } else {
        let text = Sentence::from("we may make and delete nodes below ").and(path());
        report.tell(Finding::fine("rights", text.and(who)));
    }
    if place.clock_off > CLOCK_OFF {
        let off = place.clock_off.as_secs_f64();
        let text = format!("the leader's clock and ours are {off:.1}s apart");
        let remedy = "no lock goes by them; but the time left that `status` shows is as far off";
        report.tell(Finding::warning("clock", text, remedy));
    }
}
