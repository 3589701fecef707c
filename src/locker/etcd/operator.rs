//! What an operator may ask of an etcd, over the files beside this one.

use std::convert::Infallible;
use std::time::Duration;

use super::{Etcd, extend, follow, inspect, takeover};
use crate::error::{Error, Result};
use crate::locker::limits::check_key;
use crate::locker::operator::{
    Change, Contender, Operator, Queue, Remaining, Removal, Scope, not_left,
};
use crate::locker::{BoxFuture, TakenAway};

impl Operator for Etcd {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(async move {
            check_key(key)?;
            let found = inspect::look(&self.shared.store, key).await;
            found.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(async move {
            check_key(key)?;
            let found = inspect::glance(&self.shared.store, key).await;
            found.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        Box::pin(async move { Ok(inspect::list(&self.shared.store, prefix).await?) })
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            let pause = self.shared.options.retry_interval;
            let free = inspect::until_free(&self.shared.store, key, pause).await;
            free.map_err(|error| error.of_key(key))
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
        Box::pin(async move {
            check_key(key)?;
            takeover::take_away(&self.shared.store, key, token, by, force).await
        })
    }

    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        Box::pin(async move {
            check_key(key)?;
            takeover::clear_dead(&self.shared.store, key).await
        })
    }

    fn extend<'a>(
        &'a self,
        key: &'a str,
        owner_key: &'a str,
        token: u64,
        time: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match extend::extend(&self.shared.store, owner_key, token, time).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(not_left(key, token)),
                Err(error) => Err(error.of_key(key)),
            }
        })
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            let pause = self.shared.options.retry_interval;
            let gone = inspect::until_gone(&self.shared.store, key, token, pause).await;
            gone.map_err(|error| error.of_key(key))
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
