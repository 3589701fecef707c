//! No lock is unused for long while somebody waits who could have it.
//!
//! A run is ready when all that stood before it, and could not hold beside it, have let go. From then on it may
//! take so long until its command runs: what a loaded machine takes, the time in which something failed that
//! concerned it or all, a moment after that, and, where one of those before it ended without letting go, as
//! long as the store keeps what stands for that. So does a release after its command's end.

use std::fmt;
use std::time::Duration;

use super::super::asking::Able;
use super::before::{Before, place};
use super::story::{Run, Story, Time};

/// What it may take on a loaded machine where nothing fails.
const LOAD: Duration = Duration::from_secs(4);

/// What it takes after a failure: connections are made again, a leader is elected.
pub(super) const RECOVERY: Duration = Duration::from_secs(3);

/// The time until a run was served, or gave up.
pub(super) struct Wait<'a> {
    run: &'a Run,
    /// Since when its locks were used by nobody before it, and it waited.
    pub(super) unused: Duration,
    /// Since when it could have had them.
    ready: Time,
    took: Duration,
    /// How long it may take for what failed after that.
    troubles: Duration,
    /// How long it may take for those who did not let go.
    kept: Duration,
    /// Whether nothing failed meanwhile, and all before it let go.
    pub(super) is_plain: bool,
}

impl Wait<'_> {
    pub(super) fn fault(&self) -> Option<String> {
        let Self { run, took, .. } = self;
        let allowed = LOAD + self.troubles + self.kept;
        let ready = self.ready;
        (*took > allowed).then(|| {
            format!("{run} waited {took:?} after {ready:?} for nobody, and {allowed:?} are allowed")
        })
    }
}

impl fmt::Display for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        write!(f, "{} before {}", seconds(self.unused), self.run.name)?;
        let (troubles, kept) = (seconds(self.troubles), seconds(self.kept));
        match self.is_plain {
            true => Ok(()),
            false => write!(f, " (failed for {troubles}, kept for {kept})"),
        }
    }
}

/// Whose release took too long.
pub(super) fn releases(story: &Story) -> Vec<String> {
    let of_run = |run: &Run| {
        let ended = run.grant.as_ref()?.ended?;
        let released = run.released?;
        let took = released.checked_sub(ended)?;
        let allowed = LOAD + story.troubles(run, RECOVERY, (ended, released));
        (took > allowed)
            .then(|| format!("{run} let go {took:?} after its end, {allowed:?} are allowed"))
    };
    story.runs.iter().filter_map(of_run).collect()
}

/// Of everyone who told that it waits, and was served or gave up.
pub(super) fn waits<'a>(story: &'a Story, able: &Able) -> Vec<Wait<'a>> {
    let mut waits = Vec::new();
    // Only those who may have been there at the same time are looked at.
    let mut around = 0;
    let longest = longest(story, able);
    for run in &story.runs {
        while over(&story.runs[around]) + longest < run.asked {
            around += 1;
        }
        waits.extend(wait(run, &story.runs[around..], story, able));
    }
    waits
}

/// For how long after its end a run may matter: what failed can have its time begin anew.
fn longest(story: &Story, able: &Able) -> Duration {
    let runs = story.runs.iter();
    let longest = runs.map(|run| (able.lasts)(run.ttl)).max();
    let troubles = story.troubles.iter();
    let trouble = troubles.map(|trouble| trouble.to.saturating_sub(trouble.from));
    let trouble = trouble.max().unwrap_or_default();
    (longest.unwrap_or_default() + trouble.min(Duration::from_secs(600))) * 2
}

fn over(run: &Run) -> Time {
    run.over.map_or(Duration::MAX / 2, |(at, _)| at)
}

fn wait<'a>(run: &'a Run, around: &[Run], story: &Story, able: &Able) -> Option<Wait<'a>> {
    let place = place(run, able)?;
    let served = match (&run.section, run.over) {
        (Some(section), _) => section.first,
        // It gave up, and was not sent away.
        (None, Some((at, Some(75)))) if run.superseded.is_none() => at,
        _ => return None,
    };
    // One that did not wait told its token only when it was served.
    if run
        .grant
        .as_ref()
        .is_some_and(|grant| grant.at <= place.told)
    {
        return None;
    }
    let mut before = Before {
        ready: place.told,
        used: place.told,
        kept: Duration::ZERO,
        is_plain: true,
    };
    for key in &run.keys {
        before.of_key(run, &place, (key, around), served, (story, able));
    }
    let (ready, used) = (before.ready.min(served), before.used.min(served));
    let nothing_failed = story
        .troubles(run, Duration::ZERO, (used, served))
        .is_zero();
    Some(Wait {
        run,
        unused: served - used,
        ready,
        took: served - ready,
        troubles: story.troubles(run, RECOVERY, (ready.max(before.kept.min(served)), served)),
        kept: before.kept.saturating_sub(ready),
        is_plain: before.is_plain && before.kept <= ready && nothing_failed,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::asking::Sharing;
    use super::super::by_hand::{life, story};
    use super::*;

    const ABLE: Able = Able {
        sharing: &Sharing::ALL,
        several: true,
        latest: true,
        in_order: true,
        lasts: |ttl| ttl,
        counts_anew: false,
    };

    fn of(lines: &str, able: &Able) -> Vec<String> {
        let story = story(lines);
        let waits = waits(&story, able);
        waits.iter().filter_map(Wait::fault).collect()
    }

    /// It asks at 50, waits from 51 on, and is served at this time.
    fn served(run: &str, token: u64, at: u64) -> String {
        let life = life(run, token, at, at + 100);
        let life = life.replace(&format!("asked {at}"), "asked 50");
        life.replace(&format!("waiting {}", at + 1), "waiting 51")
    }

    #[test]
    fn a_lock_that_nobody_has_and_somebody_waits_for_is_seen() {
        let a = life("a", 1, 0, 1000);
        assert_eq!(of(&(a.clone() + &served("b", 2, 4900)), &ABLE), [""; 0]);
        let late = of(&(a.clone() + &served("b", 2, 6000)), &ABLE);
        let wanted = "b (token 2) waited 5.008s after 1.002s for nobody, and 4s are allowed";
        assert_eq!(late, [wanted]);
        // c has it meanwhile.
        let c = served("c", 2, 1010).replace("done 1110", "done 6000");
        let c = c.replace("ended 1111", "ended 6001");
        assert_eq!(of(&(a + &c + &served("b", 3, 6010)), &ABLE), [""; 0]);
    }

    #[test]
    fn what_failed_meanwhile_is_allowed_for() {
        let both = life("a", 1, 0, 1000) + &served("b", 2, 9000);
        let trouble = |from: u32, to: u32| {
            format!("- nemesis began {from} number=1 on=store\n- nemesis ended {to} number=1\n")
        };
        assert_eq!(of(&both, &ABLE).len(), 1);
        assert_eq!(of(&(both.clone() + &trouble(0, 3000)), &ABLE), [""; 0]);
        assert_eq!(of(&(both.clone() + &trouble(2000, 3000)), &ABLE).len(), 1);
        assert_eq!(of(&(both + &trouble(9100, 19_000)), &ABLE).len(), 1);
    }

    /// It is killed, and lets nothing go.
    fn killed(run: &str) -> String {
        let life = life(run, 1, 0, 1000);
        let lines = life.lines().filter(|line| !line.contains("genlock ended"));
        let lines = lines.filter(|line| !line.contains("released"));
        let lines = lines.map(|line| line.replace("status=0", "status=null") + "\n");
        lines.collect()
    }

    #[test]
    fn who_did_not_let_go_is_waited_for_as_long_as_the_store_keeps_it() {
        let a = killed("a");
        assert_eq!(of(&(a.clone() + &served("b", 2, 7900)), &ABLE), [""; 0]);
        assert_eq!(of(&(a.clone() + &served("b", 2, 8100)), &ABLE).len(), 1);
        // The store begins to count anew.
        let fails = "- nemesis began 1500 number=1 on=store\n- nemesis ended 8000 number=1\n";
        let late = a.replace("ttl_seconds=3", "ttl_seconds=9") + fails + &served("b", 2, 18_000);
        assert_eq!(of(&late, &ABLE).len(), 1);
        let anew = Able {
            counts_anew: true,
            ..ABLE
        };
        assert_eq!(of(&late, &anew), [""; 0]);
    }

    #[test]
    fn a_place_that_was_lost_is_waited_for_as_long_as_the_store_keeps_it() {
        let both = life("a", 1, 0, 1000) + &served("b", 2, 6500);
        assert_eq!(of(&both, &ABLE).len(), 1);
        let c = |loses: &str| {
            let loses = format!("genlock trouble {loses} why=place-lost\nc genlock waiting 51");
            served("c", 4, 6700).replace("genlock waiting 51", &loses)
        };
        assert_eq!(of(&(both.clone() + &c("2500")), &ABLE), [""; 0]);
        assert_eq!(of(&(both + &c("6600")), &ABLE).len(), 1);
    }

    #[test]
    fn those_who_may_hold_beside_it_are_not_waited_for() {
        let long = |run: &str, token, mode: &str| {
            let life = life(run, token, token * 10, 9000);
            life.replace("exclusive", mode)
        };
        let b = |mode: &str| served("b", 3, 9100).replace("exclusive", mode);
        let readers = long("a", 1, "shared") + &b("shared");
        assert_eq!(of(&readers, &ABLE).len(), 1);
        let one = long("a", 1, "one-of") + &b("one-of");
        assert_eq!(of(&one, &ABLE).len(), 1);
        let two = long("a", 1, "one-of") + &long("c", 2, "one-of") + &b("one-of");
        assert_eq!(of(&two, &ABLE), [""; 0]);
        assert_eq!(of(&(long("a", 1, "shared") + &b("one-of")), &ABLE), [""; 0]);
    }

    #[test]
    fn what_failed_elsewhere_is_not_allowed_for() {
        let both = life("a", 1, 0, 1000) + &served("b", 2, 9000);
        let hits = |whom: &str| {
            let on = if whom.contains("host") { "way" } else { "runs" };
            let began = format!("- nemesis began 1100 number=1 on={on}\n");
            format!("{both}{began}- nemesis hits 1100 {whom}\n- nemesis ended 6000 number=1\n")
        };
        assert_eq!(of(&hits("victim=b"), &ABLE), [""; 0]);
        assert_eq!(of(&hits("victim=a"), &ABLE).len(), 1);
        assert_eq!(of(&hits("host=0"), &ABLE), [""; 0]);
        assert_eq!(of(&hits("host=1"), &ABLE).len(), 1);
        // It may go on and on: all of it is one time.
        let twice = hits("host=0").replace("number=1", "number=2");
        let time = |lines: &str| {
            let story = story(lines);
            let minute = (Duration::ZERO, Duration::from_secs(60));
            story.troubles(&story.runs[0], RECOVERY, minute)
        };
        assert_eq!(
            time(&(hits("host=0") + &twice)),
            Duration::from_millis(7900)
        );
    }

    #[test]
    fn a_release_does_not_take_long() {
        let slow = life("a", 1, 0, 1000).replace("released 1002", "released 6002");
        let found = releases(&story(&slow));
        assert_eq!(
            found,
            ["a (token 1) let go 5.001s after its end, 4s are allowed"]
        );
        let away = slow + "- nemesis began 900 number=1 on=store\n- nemesis ended 2000 number=1\n";
        assert_eq!(releases(&story(&away)), [""; 0]);
    }

    #[test]
    fn without_an_order_a_lock_is_not_unused_either() {
        let none = Able {
            in_order: false,
            lasts: |_| Duration::ZERO,
            ..ABLE
        };
        let a = life("a", 1, 0, 1000);
        let untold = |life: String| life.replace("waiting 51 token=3", "waiting 51 token=null");
        let b = untold(served("b", 3, 6000));
        assert_eq!(of(&(a.clone() + &b), &none).len(), 1);
        let c = untold(served("c", 2, 1010).replace("done 1110", "done 5500"));
        assert_eq!(of(&(a + &b + &c), &none), [""; 0]);
    }

    #[test]
    fn who_gives_up_could_not_have_had_it() {
        let gives_up = "b worker asked 50 keys=[\"/k\"] mode=exclusive ttl_seconds=3
            b genlock waiting 60 token=2
            b worker over 8000 status=75\n";
        let held = life("a", 1, 0, 7000);
        assert_eq!(of(&(held + gives_up), &ABLE), [""; 0]);
        assert_eq!(of(&(life("a", 1, 0, 100) + gives_up), &ABLE).len(), 1);
    }
}
