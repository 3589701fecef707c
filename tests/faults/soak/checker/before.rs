//! Who stood before a run, and when the last of them was gone.

use std::time::Duration;

use super::super::asking::{Able, HOLDERS, Sharing};
use super::end::{End, kept};
use super::story::{Place, Run, Story, Time};

/// Where a run stood, and since when. Without an order it has no place before it has the lock: then those are
/// before it who had the lock before.
pub(super) fn place(run: &Run, able: &Able) -> Option<Place> {
    let (token, told) = match able.in_order {
        true => {
            let last = run.places.last().filter(|place| !place.is_lost)?;
            (last.token, last.told)
        }
        false => (run.section.as_ref()?.token, run.waited?),
    };
    Some(Place {
        token,
        told,
        is_lost: false,
    })
}

/// Those who stood before a run.
pub(super) struct Before {
    /// When the last of them had let go who may not hold beside it, and when that one was gone.
    pub(super) ready: Time,
    pub(super) used: Time,
    /// Until when the store may keep what stands for one that did not let go.
    pub(super) kept: Time,
    /// Whether each let go at once.
    pub(super) is_plain: bool,
}

impl Before {
    /// Adds those of one key.
    pub(super) fn of_key(
        &mut self,
        run: &Run,
        place: &Place,
        (key, around): (&str, &[Run]),
        served: Time,
        (story, able): (&Story, &Able),
    ) {
        // A place that was lost, also one of its own, can be before it for a while.
        let there = around.iter().take_while(|other| other.asked < served);
        let there = there.filter(|other| other.keys.iter().any(|of| of == key));
        for other in there.clone() {
            for &lost in other.lost_places.iter().filter(|lost| **lost < served) {
                self.kept = self.kept.max(kept(story, able, other, lost, served));
            }
        }
        let mut like = Vec::new();
        for other in there.filter(|other| other.name != run.name) {
            let token = other.token();
            let is_behind = token.map_or(!able.in_order, |token| token > place.token);
            if is_behind {
                continue;
            }
            let end = End::of(other, story, served);
            if !end.was_told {
                let until = kept(story, able, other, end.used.min(served), served);
                self.kept = self.kept.max(until);
            }
            let release = (end.used, end.let_go);
            let is_late = end.let_go > place.told
                && !story.troubles(other, Duration::ZERO, release).is_zero();
            self.is_plain &= !is_late;
            match run.is_like(other) {
                // Without a token it was in nobody's way, or only for a moment.
                _ if token.is_none() => {}
                true => like.push(end),
                false => self.add(&end),
            }
        }
        let nth = like.len().checked_sub(HOLDERS as usize);
        if let Some(nth) = nth.filter(|_| run.sharing == Sharing::OneOfSeveral) {
            like.sort_by_key(|end| end.used);
            self.used = self.used.max(like[nth].used);
            like.sort_by_key(|end| end.let_go);
            self.ready = self.ready.max(like[nth].let_go);
        }
    }

    fn add(&mut self, end: &End) {
        (self.ready, self.used) = (self.ready.max(end.let_go), self.used.max(end.used));
    }
}
