//! What an operator may ask of the lock files. A holder is known by its lock and by the record in
//! the file; who waits is not known, since the kernel keeps no queue of them that others can read.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use super::holders::{has_foreign, holders};
use super::lockfile::LockFile;
use super::sharers::Sharers;
use super::{FIRST_PAUSE, FileStore, name};
use crate::error::{Error, ErrorKind, Result};
use crate::locker::limits::check_key;
use crate::locker::operator::{
    Change, ChangeKind, Contender, Operator, Queue, Remaining, Removal, Scope,
};
use crate::locker::{BoxFuture, Mode, TakenAway};

/// The pause between two looks at all files where no event of inotify(7) comes first.
const LOOK: Duration = Duration::from_millis(250);

/// How many times to look again at a lock without a record, and the pause before each.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Who holds which lock, with its key, by the name of its file and the owner key.
type HeldFiles = BTreeMap<(String, String), (String, Contender)>;

impl FileStore {
    fn find(&self, key: &str) -> Result<Option<LockFile>> {
        check_key(key)?;
        let found = LockFile::find(&self.directory, &name::of(key), false);
        found.map_err(|error| error.of_key(key))
    }

    /// Every lock in the directory that is held and whose key is in the scope, by its file's name.
    fn held_in(&self, scope: Scope<'_>) -> Result<HeldFiles> {
        let mut found = HeldFiles::new();
        for name in self.directory.names()? {
            let key = name::key_of(&name).filter(|key| scope.contains(key));
            // What is no lock file, or cannot be read, is passed over.
            if let Some(key) = key
                && let Ok(Some(file)) = LockFile::find(&self.directory, &name, false)
                && let Ok(holders) = holders(&file)
            {
                for holder in holders {
                    let of = (name.clone(), holder.owner_key.clone());
                    found.insert(of, (key.clone(), holder));
                }
            }
        }
        Ok(found)
    }

    /// Looks until it is sure whose a lock is: without a record it may be held by a genlock that has
    /// just taken it, or is about to let go, and not by another tool.
    pub(super) async fn sure<T>(
        look: impl Fn() -> Result<T> + Send,
        has_foreign: impl Fn(&T) -> bool + Send,
    ) -> Result<T>
    where
        T: Send,
    {
        for _ in 0..LOOKS {
            let seen = look()?;
            if !has_foreign(&seen) {
                return Ok(seen);
            }
            sleep(BETWEEN_LOOKS).await;
        }
        look()
    }

    /// Ends when the lock has no holder that `is_waited_for`.
    async fn until_not(
        &self,
        key: &str,
        is_waited_for: impl Fn(&Contender) -> bool + Send,
    ) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        while let Some(file) = self.find(key)? {
            // The file stays open meanwhile: every close of it wakes all who wait like this.
            while file.place().is_current() {
                if !holders(&file)?.iter().any(&is_waited_for) {
                    return Ok(());
                }
                tokio::select! {
                    () = self.watch.changed(&file) => pause = FIRST_PAUSE,
                    () = sleep(pause) => {
                        pause = (pause * 2).min(self.options.retry_interval).max(FIRST_PAUSE);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Operator for FileStore {
    fn queue<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        Box::pin(async move {
            let look = || match self.find(key)? {
                Some(file) => holders(&file),
                None => Ok(Vec::new()),
            };
            let found = Self::sure(look, |all: &Vec<_>| has_foreign(all)).await?;
            Ok(Queue::new(key, found))
        })
    }

    fn glance<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Queue>> {
        self.queue(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Queue>>> {
        Box::pin(async move {
            let look = || self.held_in(Scope::Prefix(prefix));
            let foreign = |all: &HeldFiles| all.values().any(|(_, holder)| holder.is_foreign());
            let found = Self::sure(look, foreign).await?;
            let mut queues = BTreeMap::<String, Queue>::new();
            for (key, holder) in found.into_values() {
                let queue = queues.entry(key.clone());
                let queue = queue.or_insert_with(|| Queue::new(key, Vec::new()));
                queue.contenders.push(holder);
            }
            Ok(queues.into_values().collect())
        })
    }

    fn until_free<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.until_not(key, |_| true))
    }

    fn left<'a>(&'a self, owner_key: &'a str, token: u64) -> BoxFuture<'a, Result<Remaining>> {
        Box::pin(async move {
            let (path, _) = owner_key.rsplit_once(':').unwrap_or((owner_key, ""));
            let name = path.rsplit('/').next().unwrap_or(path);
            if self.directory.path_of(name) != Path::new(path) {
                let why = "is not among the locks of this store: is it the one that holds it?";
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    format!("{owner_key}: {why}"),
                ));
            }
            let Some(file) = LockFile::find(&self.directory, name, false)? else {
                return Ok(Remaining::Nothing);
            };
            let mine = |holder: &Contender| holder.token == Some(token) && !holder.is_taken_away();
            Ok(if holders(&file)?.iter().any(mine) {
                Remaining::NoEnd
            } else {
                Remaining::Nothing
            })
        })
    }

    /// Takes away a genlock's lock only: flock(2) has no way to take one from another process.
    fn take_away<'a>(
        &'a self,
        key: &'a str,
        token: u64,
        by: &'a TakenAway,
        force: bool,
    ) -> BoxFuture<'a, Result<Removal>> {
        Box::pin(async move {
            let refused = |kind, why: String| Error::new(kind, why).of_key(key);
            if force {
                let why =
                    "a lock of file: lives as long as its holder, and cannot be taken by force";
                return Err(refused(ErrorKind::InvalidConfig, why.to_owned()));
            }
            let nobody = || {
                let why = format!("nobody holds it with token {token}");
                refused(ErrorKind::NotHeld, why)
            };
            check_key(key)?;
            let name = name::of(key);
            let file = LockFile::find(&self.directory, &name, true)?.ok_or_else(nobody)?;
            let all = holders(&file)?.into_iter();
            let mut of_token = all.filter(|holder| holder.token == Some(token));
            let holder = of_token.next().ok_or_else(nobody)?;
            match holder.locks() {
                Mode::Shared => Sharers::of(&file).take_away(token, by).await?,
                _ => file.take_away(token, by)?,
            }
            Ok(Removal::Told)
        })
    }

    /// There is nothing to clear: a waiter that dies leaves nothing behind.
    fn clear_dead<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Contender>>> {
        Box::pin(async move { check_key(key).map(|()| Vec::new()) })
    }

    fn until_gone<'a>(&'a self, key: &'a str, token: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.until_not(key, move |holder| holder.token == Some(token)))
    }

    fn follow<'a>(
        &'a self,
        scope: Scope<'a>,
        tell: &'a mut (dyn FnMut(Change<'_>) + Send),
    ) -> BoxFuture<'a, Result<Infallible>> {
        Box::pin(async move {
            let mut known: Option<HeldFiles> = None;
            // Locks without a record that were not held before: they count if they are so at the next
            // look too.
            let mut doubtful = BTreeSet::new();
            loop {
                let mut now = self.held_in(scope)?;
                let mut doubted = BTreeSet::new();
                now.retain(|of, (_, holder)| {
                    let known = known.as_ref();
                    let there =
                        known.is_some_and(|known| known.keys().any(|(name, _)| *name == of.0));
                    let sure = !holder.is_foreign() || there || doubtful.contains(&of.0);
                    if !sure {
                        doubted.insert(of.0.clone());
                    }
                    sure
                });
                doubtful = doubted;
                match &known {
                    Some(before) => self.tell_changes(before, &now, tell),
                    None => {
                        for (key, contender) in now.values() {
                            let what = ChangeKind::Holds;
                            tell(Change {
                                key,
                                contender,
                                what,
                            });
                        }
                    }
                }
                known = Some(now);
                if doubtful.is_empty() {
                    tokio::select! {
                        () = self.watch.written(&*self.directory) => sleep(FIRST_PAUSE).await,
                        () = sleep(LOOK) => {}
                    }
                } else {
                    sleep(LOOK).await;
                }
            }
        })
    }
}

impl FileStore {
    /// Tells of what has changed between two looks. A holder is known by its owner key: it stays the
    /// same when a genlock that lets go has removed its record already.
    fn tell_changes(
        &self,
        before: &HeldFiles,
        now: &HeldFiles,
        tell: &mut (dyn FnMut(Change<'_>) + Send),
    ) {
        for (of, (key, contender)) in before {
            let what = match now.get(of) {
                Some((_, same)) => {
                    if same.is_taken_away() && !contender.is_taken_away() {
                        let (contender, what) = (same, ChangeKind::TakenAway);
                        tell(Change {
                            key,
                            contender,
                            what,
                        });
                    }
                    continue;
                }
                None if now.keys().all(|(name, _)| *name != of.0) && self.died(of, contender) => {
                    ChangeKind::Expired
                }
                None => ChangeKind::Released,
            };
            tell(Change {
                key,
                contender,
                what,
            });
        }
        for (of, (key, contender)) in now {
            if !before.contains_key(of) {
                let what = ChangeKind::Acquired;
                tell(Change {
                    key,
                    contender,
                    what,
                });
            }
        }
    }

    /// Whether the last holder ended without removing its record.
    fn died(&self, (name, _): &(String, String), holder: &Contender) -> bool {
        let file = LockFile::find(&self.directory, name, false);
        file.is_ok_and(|file| {
            file.is_some_and(|file| match holder.locks() {
                Mode::Shared => {
                    let all = Sharers::of(&file).all();
                    all.iter().any(|one| Some(one.token) == holder.token)
                }
                _ => file.record().is_some(),
            })
        })
    }
}
