//! Mutual exclusion: of what the commands did, and of what each genlock believed.

use super::super::asking::{HOLDERS, Sharing};
use super::story::{Run, Story, Time};

/// A time in which a run had a lock.
#[derive(Clone, Copy)]
struct Had<'a> {
    run: &'a Run,
    /// Which of several it was; of the first of its keys only that is known.
    index: Option<u64>,
    from: Time,
    to: Time,
}

impl Had<'_> {
    /// The same of one of its keys.
    fn of_key(mut self, key: &str) -> Option<Self> {
        let index = self.index.take();
        let is_first = self.run.keys[0] == key;
        self.index = index.filter(|_| is_first);
        self.run.keys.iter().any(|of| of == key).then_some(self)
    }
}

pub(super) fn faults(story: &Story) -> Vec<String> {
    let mut faults = Vec::new();
    for (run, section) in story.sections() {
        let index = section.index;
        let is_right = match run.sharing {
            Sharing::OneOfSeveral => index.is_some_and(|index| index < u64::from(HOLDERS)),
            _ => index.is_none(),
        };
        if !is_right {
            faults.push(format!("{run} has the index {index:?}"));
        }
    }
    for key in story.keys() {
        let did = story.runs.iter().filter_map(|run| did(run)?.of_key(key));
        faults.extend(overlaps(story, key, "overlap", did.collect()));
        let believed = story
            .runs
            .iter()
            .filter_map(|run| believed(run)?.of_key(key));
        let how = "believe to hold at once, for";
        faults.extend(overlaps(story, key, how, believed.collect()));
    }
    faults
}

/// When something of its command lived.
fn did(run: &Run) -> Option<Had<'_>> {
    let section = run.section.as_ref()?;
    Some(Had {
        run,
        index: section.index,
        from: section.first,
        to: section.last,
    })
}

/// When its genlock was sure of the lock: until the deadline, or until it said otherwise, or that all is
/// over. One that started nothing can have let go before it said so.
fn believed(run: &Run) -> Option<Had<'_>> {
    let (grant, section) = (run.grant.as_ref()?, run.section.as_ref()?);
    // Of one that was killed nobody knows when.
    let is_killed = grant.ended.is_none().then_some(section.last);
    let ends = [grant.deadline, grant.ended, grant.lost, is_killed];
    Some(Had {
        run,
        index: grant.index,
        from: grant.at,
        to: ends.into_iter().flatten().min()?,
    })
}

/// Which overlap and may not. Where the host was paused two can, until all has woken up.
fn overlaps(story: &Story, key: &str, how: &str, mut had: Vec<Had<'_>>) -> Vec<String> {
    had.sort_by_key(|had| had.from);
    let mut faults = Vec::new();
    let mut earlier: Vec<Had<'_>> = Vec::new();
    for later in had {
        earlier.retain(|earlier| earlier.to > later.from);
        for earlier in earlier.iter().filter(|earlier| !shares(earlier, &later)) {
            let time = earlier.to.min(later.to).saturating_sub(later.from);
            if time > story.paused(later.from, earlier.to) {
                let (earlier, later) = (earlier.run, later.run);
                faults.push(format!("{key}: {earlier} and {later} {how} {time:?}"));
            }
        }
        let like = earlier.iter().filter(|earlier| shares(earlier, &later));
        if later.run.sharing == Sharing::OneOfSeveral && like.count() >= HOLDERS as usize {
            faults.push(format!("{key}: {} is one too many", later.run));
        }
        earlier.push(later);
    }
    faults
}

/// Whether both may hold at once: both read, or are not the same one of several.
fn shares(one: &Had<'_>, other: &Had<'_>) -> bool {
    let is_same = one.index.is_some() && one.index == other.index;
    one.run.is_like(other.run) && (one.run.sharing == Sharing::Reads || !is_same)
}

#[cfg(test)]
mod tests {
    use super::super::by_hand::{life, story};
    use super::*;

    fn of(lines: &str) -> Vec<String> {
        faults(&story(lines))
    }

    fn shared(lines: &str, mode: &str) -> String {
        lines.replace("exclusive", mode)
    }

    #[test]
    fn one_after_the_other_is_right() {
        assert_eq!(
            of(&(life("a", 1, 0, 100) + &life("b", 2, 99, 200))),
            [""; 0]
        );
    }

    #[test]
    fn two_at_once_are_seen_by_what_they_did() {
        // A beat of a's, when its genlock had said that all is over.
        let late = life("a", 1, 0, 100) + "a history last 150\n" + &life("b", 2, 100, 200);
        let found = of(&late);
        assert_eq!(found, ["/k: a (token 1) and b (token 2) overlap 40ms"]);
    }

    #[test]
    fn two_at_once_are_seen_by_what_they_believed() {
        // b has it when a has not let go, and starts nothing before.
        let early = life("b", 2, 90, 200).replace("began 100", "began 110");
        let found = of(&(life("a", 1, 0, 100) + &early));
        let wanted = "/k: a (token 1) and b (token 2) believe to hold at once, for 6ms";
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn a_belief_ends_with_the_deadline_or_the_loss() {
        let gone = life("a", 1, 0, 4000).replace("done 4000", "done 100");
        assert_eq!(of(&(gone.clone() + &life("b", 2, 2900, 3000))), [""; 0]);
        assert_eq!(of(&(gone.clone() + &life("b", 2, 2800, 3000))).len(), 1);
        let lost = gone + "a genlock lost 120\n";
        assert_eq!(of(&(lost + &life("b", 2, 2800, 3000))), [""; 0]);
    }

    #[test]
    fn readers_are_together_and_no_writer_is_with_them() {
        let readers = life("a", 1, 0, 100) + &life("b", 2, 50, 150);
        let readers = shared(&readers, "shared");
        assert_eq!(of(&readers), [""; 0]);
        assert_eq!(of(&(readers + &life("c", 3, 120, 200))).len(), 2);
    }

    #[test]
    fn several_have_different_indexes_below_their_number() {
        let one = |run: &str, token, at, index: u32| {
            let life = shared(&life(run, token, at, at + 100), "one-of");
            life.replace("index=null", &format!("index={index}"))
        };
        let two = one("a", 1, 0, 0) + &one("b", 2, 50, 1);
        assert_eq!(of(&two), [""; 0]);
        let clash = of(&(two.clone() + &one("c", 3, 60, 0)));
        assert_eq!(clash.len(), 2, "{clash:?}");
        assert!(clash[0].contains("a (token 1) and c (token 3) overlap 30ms"));
        assert_eq!(
            of(&one("a", 1, 0, 2)),
            ["a (token 1) has the index Some(2)"]
        );
        let none = of(&shared(&life("a", 1, 0, 100), "one-of"));
        assert_eq!(none, ["a (token 1) has the index None"]);
    }

    #[test]
    fn the_index_of_a_second_key_is_not_known_but_how_many_there_are() {
        let one = |run: &str, token, at: u64, keys: &str| {
            let life = shared(&life(run, token, at, at + 100), "one-of");
            life.replace("index=null", "index=0")
                .replace(r#""/k""#, keys)
        };
        let two = one("a", 1, 0, r#""/k""#) + &one("b", 2, 50, r#""/j","/k""#);
        assert_eq!(of(&two), [""; 0]);
        let third = of(&(two + &one("c", 3, 60, r#""/i","/k""#)));
        assert_eq!(third, ["/k: c (token 3) is one too many"; 2]);
    }

    #[test]
    fn what_wakes_up_after_a_pause_of_the_host_is_dead_soon() {
        let late = |by| {
            life("a", 1, 0, 100) + &format!("a history last {by}\n") + &life("b", 2, 100, 9000)
        };
        let pause = "- host paused 4000 paused_seconds=3.9\n";
        assert_eq!(of(&(late(4100) + pause)), [""; 0]);
        assert_eq!(of(&(late(4700) + pause)).len(), 1);
        assert_eq!(of(&late(4100)).len(), 1);
    }

    #[test]
    fn each_of_several_keys_is_exclusive() {
        let both = life("a", 1, 0, 100).replace(r#"["/k"]"#, r#"["/j","/k"]"#);
        assert_eq!(of(&(both + &life("b", 2, 0, 100))).len(), 2);
    }
}
