//! What a command did is within what its genlock said: after the grant, before the deadline, and nothing when
//! it said that all is over.

use std::time::Duration;

use super::story::{CUT, Run, Story};

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
    // Both of which the deadline is made are cut off.
    let deadline = grant.deadline.map(|deadline| {
        // From then on it is killed.
        let margin = Duration::from_millis(100) + run.ttl / 20;
        deadline + 2 * CUT + story.paused(deadline.saturating_sub(margin), lived)
    });
    if let Some(after) = deadline.and_then(|deadline| lived.checked_sub(deadline)) {
        faults.push(format!("{run} lived {after:?} after its deadline"));
    }
    faults
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
        let long = of(|life| life.replace("left_seconds=2.9", "left_seconds=0.05"));
        assert_eq!(long, ["a (token 1) lived 43ms after its deadline"]);
        // The host was paused, and all is dead soon afterwards.
        let paused = |at: &str| {
            let pause = format!("- host paused {at} paused_seconds=0.9\n");
            of(|life| life.replace("left_seconds=2.9", "left_seconds=0.05") + &pause)
        };
        assert_eq!(paused("950"), [""; 0]);
        assert_eq!(paused("9500").len(), 1);
        let renewed = of(|life| {
            let life = life.replace("left_seconds=2.9", "left_seconds=0.05");
            life.replace(
                "a section done",
                "a genlock renewed 50 left_seconds=2\na section done",
            )
        });
        assert_eq!(renewed, [""; 0]);
        let other = of(|life| life.replace("began 10 token=1", "began 10 token=2"));
        assert_eq!(other.len(), 1, "{other:?}");
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
