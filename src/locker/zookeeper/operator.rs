//! What an operator may ask of a ZooKeeper, over the files beside this one.

use std::convert::Infallible;

use super::inspect::QueuePart;
use super::{ZooKeeper, follow, takeover};
use crate::error::{Error, Result};
use crate::locker::limits::check_key;
use crate::locker::operator::{Change, Contender, Operator, Queue, Remaining, Removal, Scope};
use crate::locker::{BoxFuture, TakenAway};

impl Operator for ZooKeeper {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(async move {
            check_key(key)?;
            let found = self.shared.looking.look(key).await;
            found.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(async move {
            check_key(key)?;
            let found = self.shared.looking.glance(key).await;
            found.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        Box::pin(async move { Ok(self.shared.looking.list(prefix).await?) })
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            let free = self
                .shared
                .looking
                .until_none(key, QueuePart::None, |_| true)
                .await;
            free.map_err(|error| error.of_key(key))
        })
    }

    fn left<'a>(&'a self, owner_key: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>> {
        Box::pin(async move { Ok(takeover::left(&self.shared.looking, owner_key, token).await?) })
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
            takeover::take_away(&self.shared.looking, key, token, by, force).await
        })
    }

    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        Box::pin(async move {
            check_key(key)?;
            let cleared = takeover::clear_dead(&self.shared.looking, key).await;
            cleared.map_err(|fault| Error::from(fault).of_key(key))
        })
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_key(key)?;
            let is_there = |found: &super::found::FoundNode| found.contender.token == Some(token);
            let gone = self
                .shared
                .looking
                .until_none(key, QueuePart::All, is_there);
            gone.await.map_err(|error| error.of_key(key))
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
