//! How long sessions may be at a server: what it grants to who asks for hardly any time, and for all.

use std::sync::Arc;
use std::time::Duration;

use super::words::About;
use crate::error::ErrorKind;
use crate::locker::examination::{Examination, Finding, Sentence};
use crate::locker::fault::Fault;
use crate::locker::zookeeper::calls::{ZkCall, ZkFailure};
use crate::locker::zookeeper::ensemble::Ensemble;
use crate::locker::zookeeper::lease::ttl_of;
use crate::locker::zookeeper::session::ZkSession;

/// Hardly any time.
const SHORT: Duration = Duration::from_millis(1);

/// The longest that can be asked for.
const LONG: Duration = Duration::from_millis(i32::MAX as u64);

/// What a server grants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionLimits {
    shortest: Duration,
    longest: Duration,
}

/// Asks for both. Bounded.
pub(super) async fn ask(alone: &Arc<Ensemble>) -> Result<SessionLimits, Fault> {
    let (shortest, longest) = tokio::join!(granted(alone, SHORT), granted(alone, LONG));
    Ok(SessionLimits {
        shortest: shortest?,
        longest: longest?,
    })
}

async fn granted(alone: &Arc<Ensemble>, asked: Duration) -> Result<Duration, Fault> {
    let session = ZkSession::new(alone, asked, None);
    match session.call(ZkCall::exists(&alone.path(""))).await {
        Ok(_) | Err(ZkFailure::NoNode) => {}
        Err(failure) => return Err(failure.into()),
    }
    let granted = session.opened().await?;
    session.close().await?;
    Ok(granted)
}

/// Tells of the limits of one server, at which a session of `granted` was had.
pub(super) fn tell(
    report: &mut Examination,
    name: &str,
    limits: SessionLimits,
    granted: Duration,
    about: &About,
) {
    let SessionLimits { shortest, longest } = limits;
    let words = |time| humantime::format_duration(time).to_string();
    let text = format!(
        "{name}: sessions of {} to {}, for TTLs of {} to {}",
        words(shortest),
        words(longest),
        words(ttl_of(shortest)),
        words(ttl_of(longest)),
    );
    report.tell(Finding::fine("session", text));
    let Some(two) = about.tick.map(|tick| tick * 2).filter(|&two| granted < two) else {
        return;
    };
    let text = format!(
        "{name}: a session of {} is shorter than two of its ticks: it may end before the lock's TTL",
        words(granted)
    );
    let remedy = format!("a TTL of more than {}", words(ttl_of(two)));
    let remedy = Sentence::from(remedy + ", or a minSessionTimeout of two ticks");
    let wrong = Finding::wrong("session", ErrorKind::InvalidTtl, text);
    report.tell(wrong.with_remedy(remedy));
}

/// Tells of servers that do not grant the same.
pub(super) fn compare(report: &mut Examination, all: &[SessionLimits]) {
    if all.windows(2).all(|two| two[0] == two[1]) {
        return;
    }
    let text = "the servers have different limits: a lock is lost if its session goes on at one that \
                grants less";
    let remedy = "the same minSessionTimeout and maxSessionTimeout for all of them";
    report.tell(Finding::warning("session", text, remedy));
}
