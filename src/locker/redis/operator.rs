//! What an operator may ask of a Redis, over the files beside this one.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use super::names::LockNames;
use super::scripts::Records;
use super::seen::LockSeen;
use super::{Redis, follow, inspect, scripts};
use crate::error::{Error, ErrorKind, Result};
use crate::locker::fault::Fault;
use crate::locker::limits::{MAX_TTL, check_key};
use crate::locker::operator::{
    Change, Contender, Operator, Queue, Remaining, Removal, Scope, not_left,
};
use crate::locker::{BoxFuture, TakenAway};

impl Redis {
    async fn look(&self, key: &str, records: Records) -> Result<Queue> {
        check_key(key)?;
        let seen = inspect::look(&self.shared.store, key, records).await;
        Ok(seen.map_err(|fault| of_key(fault, key))?.queue())
    }

    async fn remove(&self, key: &str, token: u64, by: &TakenAway, force: bool) -> Result<Removal> {
        check_key(key)?;
        // Strings always serialise.
        let mark = serde_json::to_vec(by).unwrap_or_default();
        let away = scripts::take_away(&LockNames::of(key), token, &mark, force);
        let answer = self.shared.store.one(key, away).await;
        let answer = answer.map_err(|fault| of_key(fault, key))?;
        match answer.text() {
            b"told" => Ok(Removal::Told),
            b"removed" => Ok(Removal::Removed),
            _ => {
                let why = format!("nobody there has the token {token}");
                Err(Error::new(ErrorKind::NotHeld, why).of_key(key))
            }
        }
    }
}

fn of_key(fault: Fault, key: &str) -> Error {
    Error::from(fault).of_key(key)
}

impl Operator for Redis {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(self.look(key, Records::All))
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(self.look(key, Records::Holders))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        Box::pin(async move {
            let seen = inspect::list(&self.shared.store, prefix).await?;
            Ok(seen.iter().map(LockSeen::queue).collect())
        })
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            inspect::until_free(&self.shared, key).await
        })
    }

    fn left<'a>(&'a self, owner_key: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>> {
        Box::pin(async move { Ok(inspect::left(&self.shared.store, owner_key, token).await?) })
    }

    fn take_away<'a>(
        &'a self,
        key: &'a str,
        token: u64,
        by: &'a TakenAway,
        force: bool,
    ) -> BoxFuture<'a, Result<Removal>> {
        Box::pin(self.remove(key, token, by, force))
    }

    fn extend<'a>(
        &'a self,
        key: &'a str,
        _owner_key: &'a str,
        token: u64,
        time: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            let time = time.min(MAX_TTL);
            let until = humantime::format_rfc3339_seconds(SystemTime::now() + time).to_string();
            let extend = scripts::extend(&LockNames::of(key), token, time, &until);
            let answer = self.shared.store.one(key, extend).await;
            match answer.map_err(|fault| of_key(fault, key))?.number() {
                Some(1) => Ok(()),
                _ => Err(not_left(key, token)),
            }
        })
    }

    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        Box::pin(async move {
            check_key(key)?;
            let gone = inspect::clear_dead(&self.shared.store, key).await;
            gone.map_err(|fault| of_key(fault, key))
        })
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            inspect::until_gone(&self.shared, key, token).await
        })
    }

    fn follow<'a>(
        &'a self,
        scope: Scope<'a>,
        tell: &'a mut (dyn FnMut(Change<'_>) + Send),
    ) -> BoxFuture<'a, Result<Infallible>> {
        Box::pin(follow::follow(&self.shared, scope, tell))
    }
}
