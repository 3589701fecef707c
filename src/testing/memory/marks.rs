//! The marks of the store in memory.

use std::time::Duration;

use super::{MemoryClient, parsed};
use crate::Result;
use crate::clock::Instant;
use crate::locker::marks::{check_held, check_name, mark_key, not_held};
use crate::locker::{BoxFuture, Held, Mark, Marks, check_key};

/// A mark, as the store has it.
pub(super) struct StoredMark {
    /// The key of the lock.
    key: String,
    mark: Mark,
    pub(super) expiry: Instant,
}

impl StoredMark {
    pub(super) fn name(&self) -> String {
        // Only what has a name is kept.
        mark_key(&self.key, &self.mark.slot).unwrap_or_default()
    }

    fn is(&self, key: &str, name: Option<&str>) -> bool {
        self.key == key && name.is_none_or(|name| name == self.mark.slot)
    }
}

impl MemoryClient {
    fn latest(&self, key: &str, name: Option<&str>) -> Result<Option<Mark>> {
        check_key(key)?;
        name.map_or(Ok(()), check_name)?;
        let contents = self.store.contents();
        let mut all = contents.marks.iter().rev();
        let found = all.find(|mark| mark.is(key, name));
        Ok(found.map(|stored| stored.mark.clone()))
    }

    fn mark(&self, held: &Held, mark: &Mark, keep: Duration) -> Result<()> {
        check_name(&mark.slot)?;
        check_held(held)?;
        let mut contents = self.store.contents();
        let own = held.owner_key().and_then(parsed);
        let own = own.and_then(|(key, token)| contents.find(key, token));
        if !own.is_some_and(|own| own.holds && own.token == held.token()) {
            return Err(not_held(held));
        }
        let key = held.key();
        contents.marks.retain(|old| !old.is(key, Some(&mark.slot)));
        let json = mark.to_json(keep);
        let stored = Mark::from_json(&json).map(|mark| StoredMark {
            key: key.to_owned(),
            mark,
            expiry: Instant::now() + keep,
        });
        contents.marks.extend(stored);
        Ok(())
    }

    fn unmark(&self, key: &str, name: Option<&str>) -> Result<u64> {
        check_key(key)?;
        name.map_or(Ok(()), check_name)?;
        let marks = &mut self.store.contents().marks;
        let before = marks.len();
        marks.retain(|mark| !mark.is(key, name));
        Ok((before - marks.len()) as u64)
    }
}

impl Marks for MemoryClient {
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(std::future::ready(self.latest(key, Some(name))))
    }

    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(std::future::ready(self.latest(key, None)))
    }

    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(self.mark(held, mark, keep)))
    }

    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(std::future::ready(self.unmark(key, name)))
    }
}
