//! First come, first served: the token is the place in the queue, it follows the time, and it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::asking::{Able, Sharing};
use super::end::{End, kept};
use super::story::{CUT, Run, Story, Time};

/// Of any store: sections that cannot be at once have their tokens in the order of their starts, and whoever
/// asks when a token is known gets a later one.
///
/// So who has an earlier place and keeps it until its turn comes is served first: by its token its section
/// would have to come before. Others that may hold beside it can be quicker to start.
pub(super) fn faults(story: &Story) -> Vec<String> {
    let of_key = |key| [in_order(story, key), in_time(story, key)].concat();
    story.keys().into_iter().flat_map(of_key).collect()
}

/// Where it is first come, first served: nobody's place becomes another one while it is not lost.
pub(super) fn moved(story: &Story) -> Vec<String> {
    let mut faults = Vec::new();
    for run in &story.runs {
        for (before, after) in run.places.iter().zip(run.places.iter().skip(1)) {
            let (name, from, to) = (&run.name, before.token, after.token);
            if !before.is_lost {
                faults.push(format!("{name} had place {from}, then {to}, and lost none"));
            } else if from >= to {
                faults.push(format!("{name} lost place {from}, and got {to}"));
            }
        }
    }
    faults
}

fn in_order(story: &Story, key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // Of each kind the section with the largest token so far.
    let mut largest: [Option<(&Run, u64)>; 3] = [None; 3];
    for (run, section) in story.sections() {
        if !run.keys.iter().any(|of| of == key) {
            continue;
        }
        for (earlier, token) in largest.iter().flatten() {
            if !run.is_like(earlier) && *token >= section.token {
                faults.push(format!("{key}: {earlier} came before {run}"));
            }
        }
        let kind = Sharing::ALL.iter().position(|kind| *kind == run.sharing);
        let of_kind = &mut largest[kind.expect("one of all")];
        if of_kind.is_none_or(|(_, token)| token < section.token) {
            *of_kind = Some((run, section.token));
        }
    }
    faults
}

fn in_time(story: &Story, key: &str) -> Vec<String> {
    let runs = story.runs.iter();
    let runs: Vec<&Run> = runs
        .filter(|run| run.keys.iter().any(|of| of == key))
        .collect();
    let mut known: Vec<(Time, u64, &Run)> = Vec::new();
    for &run in &runs {
        let places = run.places.iter();
        known.extend(places.map(|place| (place.told + CUT, place.token, run)));
        let section = run.section.iter();
        known.extend(section.map(|section| (section.first, section.token, run)));
    }
    known.sort_by_key(|(at, ..)| *at);
    let mut known = known.into_iter().peekable();
    let mut largest: Option<(u64, &Run)> = None;
    let mut faults = Vec::new();
    // In the order in which they asked.
    for run in runs {
        while let Some((_, token, of)) = known.next_if(|(at, ..)| *at < run.asked) {
            if largest.is_none_or(|(known, _)| known < token) {
                largest = Some((token, of));
            }
        }
        let Some((token, of)) = largest else {
            continue;
        };
        let first = run.places.iter().map(|place| place.token);
        let first = first.chain(run.section.iter().map(|section| section.token));
        if first.min().is_some_and(|first| first <= token) {
            faults.push(format!("{key}: {run} asked when {of} was known"));
        }
    }
    faults
}

/// How long one who came before a newer `latest` may go on to wait: it has to hear of it.
const HEARS: Duration = Duration::from_secs(3);

/// Who is sent away was sent by a newer one, and who should be is; `allowance` is for what failed between two
/// times.
pub(super) fn latest(
    story: &Story,
    able: &Able,
    allowance: impl Fn(&Run, Time, Time) -> Duration,
) -> Vec<String> {
    let mut of_key: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in story.runs.iter().filter(|run| run.latest) {
        for key in &run.keys {
            of_key.entry(key).or_default().push(run);
        }
    }
    let mut faults = Vec::new();
    for run in &story.runs {
        let others = || {
            let all = run.keys.iter().filter_map(|key| of_key.get(&**key));
            all.flatten().filter(|other| other.name != run.name)
        };
        if let Some(at) = run.superseded {
            let newer = |other: &&&Run| {
                let is_later = match (run.token(), other.told_token()) {
                    (Some(ours), Some(theirs)) => ours < theirs,
                    _ => true,
                };
                let lives = other.over.is_none_or(|(over, _)| over > run.asked);
                let is_there = is_later && lives || stays(story, able, other, (run.asked, at));
                is_there && other.asked < at + CUT
            };
            if !run.latest || !others().any(|other| newer(&other)) {
                faults.push(format!("{run} was sent away, and no newer one was there"));
            }
        }
        let Some(grant) = run.grant.as_ref().filter(|_| run.latest) else {
            continue;
        };
        for other in others() {
            let place = other.places.iter().find(|place| place.token > grant.token);
            let Some(place) = place.filter(|place| place.told < grant.at) else {
                continue;
            };
            // One that did not wait has not sent anybody away for long.
            let until = other.over.map_or(grant.at, |(over, _)| over.min(grant.at));
            let waited = until.saturating_sub(place.told);
            if waited > HEARS + allowance(run, place.told, grant.at) {
                faults.push(format!("{run} was served {waited:?} after {other} came"));
            }
        }
    }
    faults
}

/// Whether the store may have had a place of one that had ended without a word between these: perhaps one that
/// it made when it was no longer waited for, as a server does that hung.
fn stays(story: &Story, able: &Able, run: &Run, (from, to): (Time, Time)) -> bool {
    let Some((over, _)) = run.over else {
        return false;
    };
    over < to && !End::of(run, story, to).was_told && kept(story, able, run, over, to) > from
}

#[cfg(test)]
mod tests {
    use super::super::by_hand::{life, story};
    use super::*;
    use crate::soak::etcd::ABLE;

    fn of(lines: &str) -> Vec<String> {
        faults(&story(lines))
    }

    #[test]
    fn tokens_are_in_the_order_of_the_sections() {
        // Both asked when nothing was known.
        let b = life("b", 2, 100, 200).replace("asked 100", "asked 0");
        assert_eq!(of(&(life("a", 1, 0, 90) + &b)), [""; 0]);
        let wrong = of(&(life("a", 3, 0, 90) + &b));
        assert_eq!(wrong, ["/k: a (token 3) came before b (token 2)"]);
        let equal = of(&(life("a", 2, 0, 90) + &b));
        assert_eq!(equal, ["/k: a (token 2) came before b (token 2)"]);
        let readers = (life("a", 3, 0, 90) + &b).replace("exclusive", "shared");
        assert_eq!(of(&readers), [""; 0]);
        // A writer waits, and a reader that came later does not go before it.
        let reader = life("r", 3, 0, 90).replace("exclusive", "shared");
        let passed = of(&(reader + &b));
        assert_eq!(passed, ["/k: r (token 3) came before b (token 2)"]);
    }

    #[test]
    fn who_asks_later_stands_behind() {
        // b's place was known at 301, and a asked after that.
        let waits = life("b", 7, 300, 900);
        let early = life("a", 6, 310, 950).replace("exclusive", "shared");
        let found = of(&(waits.replace("exclusive", "shared") + &early));
        assert_eq!(found, ["/k: a (token 6) asked when b (token 7) was known"]);
        let before = early.replace("asked 310", "asked 301");
        assert_eq!(
            of(&(waits.replace("exclusive", "shared") + &before)),
            [""; 0]
        );
    }

    #[test]
    fn a_place_is_kept_until_it_is_lost() {
        let of = |lines: &str| moved(&story(lines));
        assert_eq!(of(&life("a", 4, 0, 90)), [""; 0]);
        let silent = life("a", 4, 0, 90).replace("waiting 1 token=4", "waiting 1 token=3");
        assert_eq!(of(&silent), ["a had place 3, then 4, and lost none"]);
        let told = silent.replace(
            "a genlock granted",
            "a genlock trouble 3 why=place-lost\na genlock granted",
        );
        assert_eq!(of(&told), [""; 0]);
        let back = told.replace("waiting 1 token=3", "waiting 1 token=5");
        assert_eq!(of(&back), ["a lost place 5, and got 4"]);
    }

    #[test]
    fn the_latest_sends_older_ones_away() {
        let none = |_: &Run, _, _| Duration::ZERO;
        let newest = |lines: &str| {
            latest(
                &story(&lines.replace("ttl", "latest=true ttl")),
                &ABLE,
                none,
            )
        };
        let sent = "a worker asked 0 keys=[\"/k\"] mode=exclusive ttl_seconds=3
            a genlock waiting 10 token=1
            a genlock skipped 60 why=superseded
            a worker over 70 status=75\n";
        assert_eq!(newest(&(sent.to_owned() + &life("b", 2, 50, 200))), [""; 0]);
        let alone = newest(&(sent.to_owned() + &life("b", 2, 65, 200)));
        assert_eq!(
            alone,
            ["a (token 1) was sent away, and no newer one was there"]
        );
        // One that lost its older place is in the queue again, and gives up before it says where.
        let older = "o worker asked 0 keys=[\"/k\"] mode=exclusive ttl_seconds=3
            o genlock waiting 5 token=0
            o genlock trouble 20 why=place-lost
            o genlock skipped 60 why=busy
            o worker over 65 status=75\n";
        assert_eq!(newest(&(sent.to_owned() + older)), [""; 0]);
        let kept = older.replace("trouble 20 why=place-lost", "trouble 20 why=retrying");
        assert_eq!(newest(&(sent.to_owned() + &kept)).len(), 1);
        let plain = latest(
            &story(&(sent.to_owned() + &life("b", 2, 50, 200))),
            &ABLE,
            none,
        );
        assert_eq!(plain.len(), 1);
        let waits = life("a", 1, 0, 9000).replace("granted 5", "granted 8000");
        let waits = waits.replace("began 10", "began 8010");
        let newer = life("b", 2, 50, 9900).replace("granted 55", "granted 9800");
        let served = newest(&(waits.clone() + &newer));
        assert_eq!(
            served,
            ["a (token 1) was served 7.949s after b (token 2) came"]
        );
        let faults = |_: &Run, _, _| Duration::from_secs(5);
        let story = story(&(waits + &newer).replace("ttl", "latest=true ttl"));
        assert_eq!(latest(&story, &ABLE, faults), [""; 0]);
    }

    #[test]
    fn who_ended_without_a_word_may_have_sent_one_away() {
        let sent = "a worker asked 5000 keys=[\"/k\"] mode=exclusive latest=true ttl_seconds=3
            a genlock skipped 5060 why=superseded
            a worker over 5070 status=75\n";
        let faults = |asked: u64, status: u32| {
            let over = asked + 10;
            let gone = format!(
                "b worker asked {asked} keys=[\"/k\"] mode=exclusive latest=true ttl_seconds=3
                b worker over {over} status={status}\n"
            );
            let story = story(&(gone + sent));
            latest(&story, &ABLE, |_: &Run, _, _| Duration::ZERO)
        };
        // For a TTL, as the store may have heard of it later.
        assert_eq!(faults(2500, 69), [""; 0]);
        assert_eq!(faults(1900, 69).len(), 1);
        assert_eq!(faults(2500, 75).len(), 1, "it told the store that it goes");
    }
}
