//! Marks in Redis: a hash beside the lock's other companions, with each mark under its name. A mark that was
//! kept long enough is none, and is removed when a later one is set; the hash goes by itself with the last.

use std::time::Duration;

use super::Redis;
use super::names::LockNames;
use super::reply::{RedisCommand, Reply};
use super::scripts;
use crate::error::{Error, Result};
use crate::locker::limits::{MAX_TTL, check_key};
use crate::locker::marks::{check_held, check_name, not_held};
use crate::locker::{BoxFuture, Held, Mark, Marks};

impl Redis {
    async fn of_marks(&self, key: &str, asked: RedisCommand) -> Result<Reply> {
        let answer = self.shared.store.one(key, asked).await;
        answer.map_err(|fault| Error::from(fault).of_key(key))
    }
}

impl Marks for Redis {
    fn marked<'a>(&'a self, key: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            check_key(key)?;
            check_name(name)?;
            let asked = scripts::marks(&LockNames::of(key), "one", name);
            Ok(Mark::from_json(self.of_marks(key, asked).await?.text()))
        })
    }

    fn last_mark<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Mark>>> {
        Box::pin(async move {
            check_key(key)?;
            let asked = scripts::marks(&LockNames::of(key), "last", "");
            Ok(Mark::from_json(self.of_marks(key, asked).await?.text()))
        })
    }

    fn set_mark<'a>(
        &'a self,
        held: &'a Held,
        mark: &'a Mark,
        keep: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_name(&mark.slot)?;
            check_held(held)?;
            let own = held.owner_key().and_then(LockNames::parse);
            let Some((names, id)) = own else {
                return Err(not_held(held));
            };
            let kept = keep.min(MAX_TTL).as_millis().max(1).to_string();
            let asked = scripts::marks(&names, "set", &mark.slot)
                .arg(id)
                .arg(held.token().to_string())
                .arg(kept)
                .arg(mark.to_json(keep));
            match self.of_marks(held.key(), asked).await?.number() {
                Some(1) => Ok(()),
                _ => Err(not_held(held)),
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            check_key(key)?;
            name.map_or(Ok(()), check_name)?;
            let names = LockNames::of(key);
            let asked = match name {
                Some(name) => scripts::marks(&names, "forget", name),
                None => scripts::marks(&names, "forget all", ""),
            };
            let removed = self.of_marks(key, asked).await?.number();
            Ok(removed
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default())
        })
    }
}
