//! What happens to locks, told as it happens: a connection of its own is told of every key below a
//! prefix that changes, and the lock is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::dial::{RedisDialler, Tracked};
use super::inspect;
use super::names::LockNames;
use super::nodes::RedisNodes;
use super::pushes::Listener;
use super::scripts::Records;
use super::seen::LockSeen;
use super::shared::RedisShared;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::operator::{Change, Contender, Scope, changes};

/// After so long all is read again, though nothing was said: not every server can tell.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Where locks run out they are read again after the interval of retries, or after this if it is shorter.
const PAUSE: Duration = Duration::from_secs(1);

/// What was known of one lock.
struct Followed {
    contenders: Vec<Contender>,
    seen: LockSeen,
}

/// Who follows.
struct Follower<'a> {
    store: Arc<RedisNodes>,
    listener: Listener,
    scope: Scope<'a>,
    known: BTreeMap<String, Followed>,
    /// Whether the first look is over.
    begun: bool,
}

/// What [`Operator::follow`](crate::locker::Operator::follow) does.
pub(super) async fn follow(
    shared: &RedisShared,
    scope: Scope<'_>,
    tell: &mut (dyn FnMut(Change<'_>) + Send),
) -> Result<Infallible> {
    let mut follower = Follower::new(shared, scope)?;
    let pause = shared.options.retry_interval;
    // Those that may have changed; `None` for all.
    let mut touched = None;
    loop {
        match follower.look(touched.as_ref(), tell).await {
            Ok(()) => touched = follower.wait(pause).await,
            Err(Fault::Broken(_)) => {
                touched = None;
                sleep(pause).await;
            }
            Err(fault) => return Err(Error::from(fault)),
        }
    }
}

impl<'a> Follower<'a> {
    fn new(shared: &RedisShared, scope: Scope<'a>) -> Result<Self> {
        let prefixes = match scope {
            // All of its keys begin so, and few others.
            Scope::Key(key) | Scope::Prefix(key) => prefixes(key),
        };
        let options = &shared.options;
        let dialler = RedisDialler::new(
            &shared.config,
            shared.site.clone(),
            Tracked::Prefixes(prefixes),
            options.observer.clone(),
        )?;
        let listener = dialler.pushes().listen_to_all();
        let store = Arc::new(RedisNodes::new(dialler, &shared.config, options)?);
        Ok(Self {
            store,
            listener,
            scope,
            known: BTreeMap::new(),
            begun: false,
        })
    }

    /// Reads the locks that may have changed, and tells what has.
    async fn look(
        &mut self,
        touched: Option<&BTreeSet<String>>,
        tell: &mut (dyn FnMut(Change<'_>) + Send),
    ) -> Result<(), Fault> {
        let keys = match (touched, self.scope) {
            (Some(keys), _) => keys.clone(),
            (None, Scope::Key(key)) => BTreeSet::from([key.to_owned()]),
            (None, Scope::Prefix(prefix)) => {
                let mut found = inspect::find(&self.store, prefix).await?;
                found.extend(self.known.keys().cloned());
                found
            }
        };
        for lock in inspect::look_at(&self.store, &keys, Records::All).await? {
            self.compare(lock, tell);
        }
        self.begun = true;
        Ok(())
    }

    /// Tells what has changed of one lock.
    fn compare(&mut self, lock: LockSeen, tell: &mut (dyn FnMut(Change<'_>) + Send)) {
        let key = lock.names.key.clone();
        let before = self.known.remove(&key);
        let now = lock.contenders();
        let has_run_out = |gone: &Contender| {
            let seen = before.as_ref().map(|before| &before.seen);
            let end = seen.and_then(|seen| seen.ends_of(&gone.owner_key));
            end.is_some_and(|end| end <= Instant::now())
        };
        let old = before.as_ref().map(|before| before.contenders.iter());
        let old = old.map(Vec::from_iter);
        let old = old.or_else(|| self.begun.then(Vec::new));
        let all: Vec<_> = now.iter().collect();
        for (contender, what) in changes(old.as_deref(), &all, has_run_out) {
            tell(Change {
                key: &key,
                contender,
                what,
            });
        }
        if !now.is_empty() {
            let followed = Followed {
                contenders: now,
                seen: lock,
            };
            self.known.insert(key, followed);
        }
    }

    /// Ends when something may have happened: to which locks, or `None` for all. Many changes that come
    /// together are one look.
    async fn wait(&self, pause: Duration) -> Option<BTreeSet<String>> {
        let ends = self
            .known
            .values()
            .filter_map(|lock| lock.seen.holder_ends())
            .min();
        let end = ends.map(|end| end.left() + Duration::from_millis(1));
        let within = end
            .unwrap_or(LOOK_AGAIN)
            .clamp(pause.min(PAUSE), LOOK_AGAIN);
        let heard = timeout(within, self.listener.anything()).await;
        // Or all, if the connection broke.
        let keys = self.listener.take_keys()?;
        if heard.is_err() && keys.is_empty() {
            // A lock runs out, or nothing was said for long.
            let now = Instant::now();
            let over = self
                .known
                .iter()
                .filter(|(_, lock)| lock.seen.holder_ends().is_some_and(|end| end <= now));
            let over: BTreeSet<_> = over.map(|(key, _)| key.clone()).collect();
            return (!over.is_empty()).then_some(over);
        }
        let names = keys.iter().map(|key| String::from_utf8_lossy(key));
        let locks = names.map(|name| LockNames::of_any(&name).key);
        Some(locks.filter(|key| self.scope.contains(key)).collect())
    }
}

/// What the names of all keys of these locks begin with. Redis refuses prefixes of which one begins with
/// another.
fn prefixes(prefix: &str) -> Vec<String> {
    if prefix.chars().all(|c| c == '{') {
        return vec![prefix.to_owned()];
    }
    vec![prefix.to_owned(), format!("{{{prefix}")]
}
