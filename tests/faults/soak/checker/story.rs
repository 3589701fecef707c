//! What became of each run, and when something failed.

use std::fmt;
use std::time::Duration;

use super::super::asking::Sharing;

/// A time of CLOCK_BOOTTIME. The tool's are cut off to a millisecond.
pub(in super::super) type Time = Duration;

/// By how much a time of the tool's may be earlier than what it is of.
pub(super) const CUT: Duration = Duration::from_millis(1);

/// What a host needs that was paused until all runs again that should, and is dead that should be.
pub(super) const AWAKE: Duration = Duration::from_millis(500);

/// All of it.
pub(in super::super) struct Story {
    /// In the order in which they asked.
    pub(super) runs: Vec<Run>,
    pub(super) troubles: Vec<Trouble>,
    /// When nothing at all ran on this host.
    pub(super) pauses: Vec<(Time, Time)>,
    /// Whether there was more, of which nothing is judged.
    pub(super) breaks_off: bool,
    /// What cannot be.
    pub(super) nonsense: Vec<String>,
}

/// What became of a run.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
    pub(super) sharing: Sharing,
    pub(super) latest: bool,
    pub(super) ttl: Duration,
    pub(super) has_limit: bool,
    pub(super) host: u64,
    pub(super) asked: Time,
    /// When it first told that it waits.
    pub(super) waited: Option<Time>,
    /// Its places in the queue, one after the other, as far as it told of them.
    pub(super) places: Vec<Place>,
    /// When it lost one, told or not.
    pub(super) lost_places: Vec<Time>,
    /// What it held last.
    pub(super) grant: Option<Grant>,
    pub(super) section: Option<Section>,
    /// When it was sent away by a newer one.
    pub(super) superseded: Option<Time>,
    pub(super) released: Option<Time>,
    pub(super) over: Option<(Time, Option<i64>)>,
}

/// A place in the queue.
pub(super) struct Place {
    /// It is the token too.
    pub(super) token: u64,
    /// When it was told.
    pub(super) told: Time,
    /// Whether it was told that this place was lost.
    pub(super) is_lost: bool,
}

/// A lock that was given.
pub(super) struct Grant {
    pub(super) token: u64,
    pub(super) index: Option<u64>,
    pub(super) at: Time,
    /// Until when, with the last renewal that was told; `None` where a lock does not run out.
    pub(super) deadline: Option<Time>,
    /// When genlock said that nothing of the command lives, or that the lock is lost.
    pub(super) ended: Option<Time>,
    pub(super) lost: Option<Time>,
}

/// What the command did under the lock.
pub(super) struct Section {
    pub(super) token: u64,
    pub(super) index: Option<u64>,
    pub(super) first: Time,
    pub(super) last: Time,
    pub(super) is_done: bool,
    /// Key, number, and whose it is.
    pub(super) read: Vec<(String, u64, String)>,
    pub(super) wrote: Vec<(String, u64)>,
}

/// A time in which something failed.
pub(super) struct Trouble {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) is_over: bool,
    /// What it was on: the way to the store, the runs, or others, which all feel.
    pub(super) on: String,
    /// Whom it concerned; all if there is none.
    pub(super) hosts: Vec<u64>,
    pub(super) victims: Vec<String>,
}

impl Trouble {
    /// Whether it concerned all, and with them the store.
    pub(super) fn is_of_all(&self) -> bool {
        self.hosts.is_empty() && self.victims.is_empty()
    }

    pub(super) fn concerns(&self, run: &Run) -> bool {
        self.is_of_all() || self.hosts.contains(&run.host) || self.victims.contains(&run.name)
    }
}

impl Run {
    /// The token of its last place, if it told of one.
    pub(super) fn token(&self) -> Option<u64> {
        let held = self.section.as_ref().map(|section| section.token);
        held.or(self.places.last().map(|place| place.token))
    }

    /// The same, unless that place is lost: it may have another by now, and a later one.
    pub(super) fn told_token(&self) -> Option<u64> {
        let lost = self.places.last().is_some_and(|place| place.is_lost);
        self.token().filter(|_| self.section.is_some() || !lost)
    }

    /// Whether both may hold at once, but for their number.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.sharing == other.sharing && self.sharing != Sharing::Alone
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token() {
            Some(token) => write!(f, "{} (token {token})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Story {
    /// Those who were in a section, in the order of their starts.
    pub(super) fn sections(&self) -> Vec<(&Run, &Section)> {
        let runs = self.runs.iter();
        let mut all: Vec<_> = runs
            .filter_map(|run| Some((run, run.section.as_ref()?)))
            .collect();
        all.sort_by_key(|(_, section)| section.first);
        all
    }

    /// For how long the host was paused between these, with a moment in which all wakes up; zero if it was
    /// not.
    pub(super) fn paused(&self, from: Time, to: Time) -> Duration {
        let pauses = self.pauses.iter();
        let pauses = pauses.filter(|(began, ended)| *began < to && *ended + AWAKE > from);
        let pauses = pauses.map(|(began, ended)| *ended + AWAKE - *began);
        pauses.sum()
    }

    /// All keys that were asked for.
    pub(super) fn keys(&self) -> Vec<&str> {
        let keys = self.runs.iter().flat_map(|run| &run.keys);
        let mut keys: Vec<_> = keys.map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// How much of the time between these something failed that concerned the run, with so much after each
    /// failure.
    pub(super) fn troubles(
        &self,
        run: &Run,
        after: Duration,
        (from, to): (Time, Time),
    ) -> Duration {
        let troubles = self.troubles.iter();
        let troubles = troubles.filter(|trouble| trouble.concerns(run));
        let mut all: Vec<(Time, Time)> = troubles
            .map(|trouble| (trouble.from, trouble.to))
            .chain(self.pauses.iter().copied())
            .map(|(began, ended)| (began, ended.saturating_add(after)))
            .map(|(began, ended)| (began.max(from), ended.min(to)))
            .filter(|(began, ended)| began < ended)
            .collect();
        all.sort_unstable();
        let mut time = Duration::ZERO;
        let mut until = from;
        for (began, ended) in all {
            time += ended.saturating_sub(began.max(until));
            until = until.max(ended);
        }
        time
    }
}
