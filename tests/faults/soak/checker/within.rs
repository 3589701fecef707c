//! What a command did is within what its genlock said: after the grant, before the lock can be another's, and
//! nothing when it said that all is over.
//!
//! At the deadline SIGKILL is sent, which takes a moment on a host that has much to do: that is what the margin
//! behind it is for. Who lives into the margin is counted. Who lives past it could have met the next holder.

use std::fmt;
use std::time::Duration;

use super::story::{AWAKE, CUT, Run, Story};

/// By how much two clocks can differ that are set right without a step, each by 500 ppm (adjtimex(2)).
const CLOCKS: u32 = 1000;

/// Commands that lived past their deadlines, and not past their locks.
pub(super) struct Late {
    count: usize,
    longest: Duration,
}

pub(super) fn late(story: &Story) -> Late {
    let late = story
        .runs
        .iter()
        .filter_map(|run| past_deadline(story, run));
    let (count, longest) = late.fold((0, Duration::ZERO), |(count, longest), late| {
        (count + 1, longest.max(late))
    });
    Late { count, longest }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => write!(f, "none past its deadline"),
            count => write!(
                f,
                "{count} past their deadlines, by {:?} at most",
                self.longest
            ),
        }
    }
}

pub(super) fn faults(story: &Story) -> Vec<String> {
    story
        .runs
        .iter()
        .flat_map(|run| of_run(story, run))
        .collect()
}

fn of_run(story: &Story, run: &Run) -> Vec<String> {
    let Some(section) = &run.section else {
        return Vec::new();
    };
    let Some(grant) = &run.grant else {
        // A genlock that is killed at once may not have told.
        let is_killed = run.over.is_none_or(|(_, status)| status.is_none());
        let fault = format!("{run} ran, and its genlock told of no lock");
        return Some(fault).filter(|_| !is_killed).into_iter().collect();
    };
    let mut faults = Vec::new();
    if (grant.token, grant.index) != (section.token, section.index) {
        let (token, index) = (grant.token, grant.index);
        faults.push(format!(
            "{run} was told another token or index than {token} and {index:?}"
        ));
    }
    if section.first < grant.at {
        faults.push(format!("{run} ran before it had the lock"));
    }
    let lived = section.last;
    if let Some(after) = grant.ended.and_then(|ended| lived.checked_sub(ended + CUT)) {
        faults.push(format!("{run} lived {after:?} after its end was told"));
    }
    let past = past_deadline(story, run).unwrap_or_default();
    let margin = margin(run.ttl);
    if past > margin - run.ttl / CLOCKS {
        faults.push(format!(
            "{run} lived {past:?} past its deadline: its lock could have been another's"
        ));
    } else if past > AWAKE {
        faults.push(format!(
            "{run} lived {past:?} past its deadline: the watchdog did not kill it"
        ));
    }
    faults
}

/// Between the deadline and the end of a lock.
fn margin(ttl: Duration) -> Duration {
    Duration::from_millis(100) + ttl / 20
}

/// For how long the command lived past its deadline while the host was not paused, if it did.
fn past_deadline(story: &Story, run: &Run) -> Option<Duration> {
    let (deadline, lived) = (run.grant.as_ref()?.deadline?, run.section.as_ref()?.last);
    // Both of which the deadline is made are cut off; and from a margin before it on it is killed.
    let paused = story.paused(deadline.saturating_sub(margin(run.ttl)), lived);
    let past = lived.checked_sub(deadline + 2 * CUT + paused)?;
    (!past.is_zero()).then_some(past)
}

#[cfg(test)]
mod tests {
    use super::super::by_hand::{life, story};
    use super::*;

    fn of(change: impl FnOnce(String) -> String) -> Vec<String> {
        faults(&story(&change(life("a", 1, 0, 100))))
    }

    #[test]
    fn each_bound_is_held() {
        assert_eq!(of(|life| life), [""; 0]);
        let before = of(|life| life.replace("began 10", "began 4"));
        assert_eq!(before, ["a (token 1) ran before it had the lock"]);
        let late = of(|life| life + "a history last 110\n");
        assert_eq!(late, ["a (token 1) lived 8ms after its end was told"]);
        let other = of(|life| life.replace("began 10 token=1", "began 10 token=2"));
        assert_eq!(other.len(), 1, "{other:?}");
    }

    /// One with this TTL in seconds whose deadline is at 55 ms, and which lives until then.
    fn past(ttl: u32, lived: u64) -> String {
        let life = life("a", 1, 0, lived).replace("left_seconds=2.9", "left_seconds=0.05");
        life.replace("ttl_seconds=3", &format!("ttl_seconds={ttl}"))
    }

    fn of_past(ttl: u32, lived: u64) -> (Vec<String>, String) {
        let story = story(&past(ttl, lived));
        (faults(&story), late(&story).to_string())
    }

    #[test]
    fn who_lives_into_the_margin_is_counted() {
        let none = "none past its deadline".to_owned();
        assert_eq!(of_past(2, 57), (vec![], none));
        let late = "1 past their deadlines, by 26ms at most".to_owned();
        assert_eq!(of_past(2, 83), (vec![], late));
        let late = "1 past their deadlines, by 198ms at most".to_owned();
        assert_eq!(of_past(2, 255), (vec![], late));
        let longest = past(2, 83) + &past(2, 60).replace("a ", "b ");
        let late = late_of(&longest);
        assert_eq!(late, "2 past their deadlines, by 26ms at most");
    }

    fn late_of(lines: &str) -> String {
        late(&story(lines)).to_string()
    }

    #[test]
    fn who_lives_past_its_lock_is_a_fault() {
        let (found, _) = of_past(2, 256);
        let wanted =
            "a (token 1) lived 199ms past its deadline: its lock could have been another's";
        assert_eq!(found, [wanted]);
        // The host was paused, and all is dead soon afterwards.
        let paused = |at: &str| {
            let pause = format!("- host paused {at} paused_seconds=0.9\n");
            faults(&story(&(past(2, 1100) + &pause)))
        };
        assert_eq!(paused("950"), [""; 0]);
        assert_eq!(paused("9500").len(), 1);
        let renewed = past(2, 256).replace(
            "a section done",
            "a genlock renewed 50 left_seconds=2\na section done",
        );
        assert_eq!(faults(&story(&renewed)), [""; 0]);
    }

    #[test]
    fn who_lives_long_into_a_long_margin_was_not_killed() {
        assert_eq!(of_past(30, 557).0, [""; 0]);
        let (found, _) = of_past(30, 558);
        let wanted = "a (token 1) lived 501ms past its deadline: the watchdog did not kill it";
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn a_command_has_a_lock() {
        let none = |status: &str| {
            let quiet = |life: String| {
                let lines = life.lines().filter(|line| !line.contains("genlock"));
                lines
                    .collect::<Vec<_>>()
                    .join("\n")
                    .replace("status=0", status)
            };
            of(quiet)
        };
        assert_eq!(none("status=null"), [""; 0]);
        assert_eq!(none("status=80").len(), 1);
    }
}
