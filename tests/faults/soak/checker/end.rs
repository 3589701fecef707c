//! When a run was gone, and when the store knew of it.

use std::time::Duration;

use super::super::asking::Able;
use super::story::{Run, Story, Time};
use super::unused::RECOVERY;

/// How long one that waits no longer tries to tell the store.
const LEAVES: Duration = Duration::from_secs(1);

/// The end of a run's use of its locks, seen from one that was served later.
pub(super) struct End {
    /// When nothing of its command lived any more.
    pub(super) used: Time,
    /// When the store knew of that at the latest; the same if it was never told.
    pub(super) let_go: Time,
    /// Whether the store was told.
    pub(super) was_told: bool,
}

impl End {
    pub(super) fn of(run: &Run, story: &Story, served: Time) -> Self {
        let section = run.section.as_ref().map(|section| section.last);
        let ended = run.grant.as_ref().and_then(|grant| grant.ended);
        let (over, status) = run.over.unwrap_or((Duration::MAX, None));
        let used = section.max(ended).or(run.released).unwrap_or(over);
        let was_told = match status {
            // One that waits no longer says so to the store, but not whether it was heard.
            Some(75) => {
                let last = (over.saturating_sub(LEAVES), over);
                story.troubles(run, Duration::ZERO, last).is_zero()
            }
            _ => run.released.is_some(),
        };
        // It tells of its release when that is acknowledged; by then the next one can be there.
        let let_go = run.released.filter(|_| was_told).unwrap_or(used);
        Self {
            used,
            let_go: let_go.max(used).min(served),
            was_told,
        }
    }
}

/// Until when the store may keep what stands for a run that is not heard of since `at`, seen from one that was
/// served later. What fails before that is over can have it begin anew.
pub(super) fn kept(story: &Story, able: &Able, run: &Run, at: Time, served: Time) -> Time {
    let lasts = (able.lasts)(run.ttl);
    let mut until = at + lasts;
    let troubles = story.troubles.iter().filter(|_| able.counts_anew);
    for trouble in troubles.take_while(|trouble| trouble.from < served) {
        // Until it is over nobody sees that the time is.
        if trouble.is_of_all() && trouble.to > at && trouble.from <= until + RECOVERY {
            until = until.max(trouble.to.min(served) + lasts);
        }
    }
    until
}
