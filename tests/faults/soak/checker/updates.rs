//! No update is lost: who wrote a number says so, and who reads it says the same. And a run ends as it should.

use std::collections::BTreeMap;

use super::super::asking::Sharing;
use super::story::{Run, Section, Story};

pub(super) fn faults(story: &Story) -> Vec<String> {
    let of_keys = story.keys().into_iter().flat_map(|key| of_key(story, key));
    // Where the story breaks off some go on.
    let ends = story.runs.iter();
    let ends = ends.filter(|run| !story.breaks_off || run.over.is_some());
    of_keys.chain(ends.filter_map(end)).collect()
}

fn of_key(story: &Story, key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut writers: BTreeMap<u64, &str> = BTreeMap::new();
    for (run, section) in story.sections() {
        for (number, writer) in said(run, section, key) {
            let known = *writers.entry(number).or_insert(writer);
            if known != writer {
                faults.push(format!("{key}: {number} of {known} or of {writer} is lost"));
            }
        }
    }
    let highest = writers.keys().max().copied().unwrap_or(0);
    if highest != writers.len() as u64 {
        faults.push(format!("{key}: {} of {highest} numbers", writers.len()));
    }
    faults
}

/// The numbers of this key that a section speaks of, and whose each is.
fn said<'a>(
    run: &'a Run,
    section: &'a Section,
    key: &'a str,
) -> impl Iterator<Item = (u64, &'a str)> {
    let read = section.read.iter();
    let read = read.map(|(of, number, writer)| (of, *number, &**writer));
    let wrote = section.wrote.iter();
    let wrote = wrote.map(|(of, number)| (of, *number, &*run.name));
    let all = read.chain(wrote);
    all.filter(move |(of, number, _)| *of == key && *number > 0)
        .map(|(_, number, writer)| (number, writer))
}

/// What is wrong with its end.
fn end(run: &Run) -> Option<String> {
    let Some((_, status)) = run.over else {
        return Some(format!("{run} did not end"));
    };
    let section = run.section.as_ref();
    match status {
        Some(0) => {
            let Some(section) = section.filter(|section| section.is_done) else {
                return Some(format!("{run} ended well, and its command did not"));
            };
            let missing = run.keys.iter();
            let mut missing =
                missing.filter(|&key| !section.wrote.iter().any(|(wrote, _)| wrote == key));
            let missing = missing.next().filter(|_| run.sharing == Sharing::Alone)?;
            Some(format!("{run} ended well and wrote nothing for {missing}"))
        }
        Some(75) if section.is_some() => Some(format!("{run} ran, and had no lock")),
        Some(75) if !run.has_limit && run.superseded.is_none() => {
            Some(format!("{run} waited for no reason no longer"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::by_hand::{life, story};
    use super::*;

    /// One that reads this number of this writer's, and writes the next one.
    fn counts(run: &str, token: u64, read: u64, writer: &str) -> String {
        let at = token * 1000;
        let (read_at, next) = (at + 11, read + 1);
        let mut lines = life(run, token, at, at + 100);
        lines += &format!("{run} section read {read_at} key=/k number={read} writer={writer}\n");
        lines + &format!("{run} section wrote {read_at} key=/k number={next} writer={run}\n")
    }

    fn of(lines: &str) -> Vec<String> {
        faults(&story(lines))
    }

    #[test]
    fn an_update_that_is_lost_is_seen() {
        let a = counts("a", 1, 0, "-");
        assert_eq!(of(&(a.clone() + &counts("b", 2, 1, "a"))), [""; 0]);
        let lost = of(&(a.clone() + &counts("b", 2, 0, "-")));
        assert_eq!(lost, ["/k: 1 of a or of b is lost"]);
        // The number goes on from what another had written over.
        let over = of(&(a.clone() + &counts("c", 3, 1, "b")));
        assert_eq!(over, ["/k: 1 of a or of b is lost"]);
        let left_out = of(&(a + &counts("c", 3, 2, "b")));
        assert_eq!(
            left_out, [""; 0],
            "b was stopped before it said that it wrote"
        );
        assert_eq!(of(&counts("c", 3, 2, "b")), ["/k: 2 of 3 numbers"]);
    }

    #[test]
    fn a_run_ends_as_it_should() {
        let silent = of(&life("a", 1, 0, 100));
        assert_eq!(silent, ["a (token 1) ended well and wrote nothing for /k"]);
        let reader = life("a", 1, 0, 100).replace("exclusive", "shared");
        assert_eq!(of(&reader), [""; 0]);
        let undone = of(&reader.replace("section done", "history last"));
        assert_eq!(undone, ["a (token 1) ended well, and its command did not"]);
        let busy = reader.replace("status=0", "status=75");
        assert_eq!(of(&busy), ["a (token 1) ran, and had no lock"]);
        let gone: String = busy
            .lines()
            .filter(|line| !line.contains("section"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(of(&gone), ["a (token 1) waited for no reason no longer"]);
        assert_eq!(of(&gone.replace("ttl", "wait_seconds=1 ttl")), [""; 0]);
        let sent_away = gone.clone() + "a genlock skipped 80 why=superseded\n";
        assert_eq!(of(&sent_away), [""; 0]);
        let lost: String = gone
            .lines()
            .filter(|line| !line.contains("over"))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(of(&lost), ["a (token 1) did not end"]);
    }
}
