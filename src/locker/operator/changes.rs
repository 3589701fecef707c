//! What has happened to a queue between two looks at it.

use super::{ChangeKind, Contender};
use crate::locker::Mode;

/// What has happened, in order: first to those who are gone, then to those who are there. `before` is what
/// the last look saw; with `None` all that is there was there when the looks began. `has_run_out` says
/// whether one who held the lock, and is gone, came to its end.
pub(crate) fn changes<'a>(
    before: Option<&[&'a Contender]>,
    now: &[&'a Contender],
    has_run_out: impl Fn(&Contender) -> bool,
) -> Vec<(&'a Contender, ChangeKind)> {
    let old = before.unwrap_or_default();
    let (held, holding) = (holders(old), holders(now));
    let mut changes = Vec::new();
    for (at, &one) in old.iter().enumerate() {
        if place(now, one).is_none() {
            let what = match at {
                _ if at >= held => ChangeKind::Left,
                _ if has_run_out(one) => ChangeKind::Expired,
                _ => ChangeKind::Released,
            };
            changes.push((one, what));
        }
    }
    for (at, &one) in now.iter().enumerate() {
        let what = match (at < holding, place(old, one)) {
            (true, None) if before.is_none() => Some(ChangeKind::Holds),
            (false, None) if before.is_none() => Some(ChangeKind::Waits),
            (true, Some(place)) if place < held => {
                let is_news = one.is_taken_away() && !old[place].is_taken_away();
                is_news.then_some(ChangeKind::TakenAway)
            }
            (true, _) => Some(ChangeKind::Acquired),
            (false, None) => Some(ChangeKind::Queued),
            (false, Some(_)) => None,
        };
        changes.extend(what.map(|what| (one, what)));
    }
    changes
}

/// How many of a queue hold the lock.
fn holders(queue: &[&Contender]) -> usize {
    let modes: Vec<_> = queue.iter().map(|one| one.locks()).collect();
    Mode::holders(&modes)
}

/// Where one of them is in a queue.
fn place(queue: &[&Contender], one: &Contender) -> Option<usize> {
    let is_it = |other: &&Contender| other.owner_key == one.owner_key && other.token == one.token;
    queue.iter().position(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locker::{Record, TakenAway};

    #[test]
    fn two_looks_tell_what_has_happened() {
        let contender = |name: &str| Contender::new(name).with_token(1);
        let [a, b, c] = ["a", "b", "c"].map(contender);
        let told = Record {
            taken_away: Some(TakenAway::default()),
            ..Record::default()
        };
        let taken = a.clone().with_record(Some(told));
        let other_token = a.clone().with_token(2);
        let said = |before: Option<&[&Contender]>, now: &[&Contender], has_run_out: bool| {
            let changes = changes(before, now, |_| has_run_out).into_iter();
            let said = changes.map(|(one, what)| format!("{} {what:?}", one.owner_key));
            said.collect::<Vec<_>>().join(", ")
        };
        for (before, now, expected) in [
            (None, &[&a, &b][..], "a Holds, b Waits"),
            (Some(&[][..]), &[&a, &b], "a Acquired, b Queued"),
            (Some(&[&a, &b]), &[&a, &b, &c], "c Queued"),
            (Some(&[&a, &b, &c]), &[&b], "a Released, c Left, b Acquired"),
            (Some(&[&a]), &[&taken], "a TakenAway"),
            (Some(&[&taken]), &[&taken], ""),
            (Some(&[&b, &a]), &[&taken], "b Released, a Acquired"),
            (Some(&[&a]), &[&other_token], "a Released, a Acquired"),
        ] {
            assert_eq!(said(before, now, false), expected);
        }
        assert_eq!(said(Some(&[&a, &b]), &[&b], true), "a Expired, b Acquired");
        // Two who hold together, and one behind them.
        let shared = Record {
            mode: "shared".to_owned(),
            ..Record::default()
        };
        let [d, e] = ["d", "e"].map(|name| contender(name).with_record(Some(shared.clone())));
        for (before, now, expected) in [
            (None, &[&d, &e, &b][..], "d Holds, e Holds, b Waits"),
            (
                Some(&[&b, &d, &e][..]),
                &[&d, &e],
                "b Released, d Acquired, e Acquired",
            ),
            (Some(&[&d, &e, &b]), &[&e, &b], "d Released"),
            (Some(&[&d, &e, &b]), &[&d, &b], "e Released"),
        ] {
            assert_eq!(said(before, now, false), expected);
        }
    }
}
