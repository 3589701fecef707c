//! What has happened to a queue between two looks at it.

use super::{ChangeKind, Contender};

/// What has happened, in order: first to those who are gone, then to those who are there. `before` is what
/// the last look saw; with `None` all that is there was there when the looks began. `has_run_out` says
/// whether the holder that was seen last came to its end, if it is gone.
pub(crate) fn changes<'a>(
    before: Option<&[&'a Contender]>,
    now: &[&'a Contender],
    has_run_out: bool,
) -> Vec<(&'a Contender, ChangeKind)> {
    let old = before.unwrap_or_default();
    let mut changes = Vec::new();
    for (at, &one) in old.iter().enumerate() {
        if place(now, one).is_none() {
            let what = match at {
                0 if has_run_out => ChangeKind::Expired,
                0 => ChangeKind::Released,
                _ => ChangeKind::Left,
            };
            changes.push((one, what));
        }
    }
    for (at, &one) in now.iter().enumerate() {
        let what = match (at, place(old, one)) {
            (0, None) if before.is_none() => Some(ChangeKind::Holds),
            (_, None) if before.is_none() => Some(ChangeKind::Waits),
            (0, Some(0)) => {
                let is_news = one.is_taken_away() && !old[0].is_taken_away();
                is_news.then_some(ChangeKind::TakenAway)
            }
            (0, _) => Some(ChangeKind::Acquired),
            (_, None) => Some(ChangeKind::Queued),
            (_, Some(_)) => None,
        };
        changes.extend(what.map(|what| (one, what)));
    }
    changes
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
        let said = |before: Option<&[&Contender]>, now: &[&Contender], has_run_out| {
            let changes = changes(before, now, has_run_out).into_iter();
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
    }
}
