//! Reads a history, and says what must not be.

mod before;
#[cfg(test)]
mod by_hand;
mod end;
mod exclusion;
mod order;
mod reader;
mod story;
mod unused;
mod updates;
mod within;

use std::fmt;

use super::asking::Able;
use story::{Run, Story};
use unused::Wait;
use within::Late;

/// What was found in a history.
pub(super) struct Verdict {
    /// What must not be.
    pub(super) faults: Vec<String>,
    pub(super) sections: usize,
    /// The longest time between two users of a lock where nothing failed, and the longest of all.
    longest_hand_over: String,
    longest_unused: String,
    late: Late,
}

/// Looks at all of it, by what locks of this store can do.
pub(super) fn check(history: &str, able: &Able) -> Verdict {
    let story = Story::of(history);
    let mut faults = story.nonsense.clone();
    faults.extend(exclusion::faults(&story));
    faults.extend(within::faults(&story));
    faults.extend(updates::faults(&story));
    faults.extend(order::faults(&story));
    let troubles = |run: &Run, from, to| story.troubles(run, unused::RECOVERY, (from, to));
    faults.extend(order::latest(&story, able, troubles));
    faults.extend(unused::releases(&story));
    if able.in_order {
        faults.extend(order::moved(&story));
    }
    let waits = unused::waits(&story, able);
    faults.extend(waits.iter().filter_map(Wait::fault));
    let longest = |waits: &mut dyn Iterator<Item = &Wait<'_>>| {
        let longest = waits.max_by_key(|wait| wait.unused);
        longest.map_or("unknown".to_owned(), Wait::to_string)
    };
    Verdict {
        faults,
        sections: story.sections().len(),
        longest_hand_over: longest(&mut waits.iter().filter(|wait| wait.is_plain)),
        longest_unused: longest(&mut waits.iter()),
        late: within::late(&story),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "longest hand-over {}, longest unused {}, {}",
            self.longest_hand_over, self.longest_unused, self.late
        )
    }
}
