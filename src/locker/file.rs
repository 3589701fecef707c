//! Locks in files, for the processes of one host: no server, and no lease, since the kernel lets
//! go of a lock when its holder ends.
//!
//! One file a key, locked with flock(2), so `flock(1)` on the same file excludes too. It is not
//! first come first served, but for the tasks of one client. A lock file is never removed.

mod counter;
mod diagnose;
mod directory;
mod examine;
mod history;
mod holders;
mod holding;
mod kind;
mod lockfile;
mod marks;
mod name;
mod operator;
mod own;
mod probe;
mod refusal;
mod sharers;
mod tasks;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch::Sender;

use self::directory::LockDirectory;
use self::holding::{FileHolding, HeldFile};
pub(crate) use self::kind::KIND;
use self::lockfile::LockFile;
use self::sharers::Sharers;
use self::tasks::{FirstPlace, TaskQueues};
use self::watch::FileWatch;
use super::claims::{Claim, Claims};
use super::deadline::Deadline;
use super::ownership::Owner;
use super::{BoxFuture, Capabilities, Grant, Held, Locker, Loss, Mode, Options, Record, Request};
use crate::clock::Instant;
use crate::error::Result;
use crate::events::EventKind;

/// The pause after the first attempt; it doubles up to [`Options::retry_interval`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// What the file store's locks can do.
pub(crate) static CAPABILITIES: Capabilities = {
    let assumption = "all that lock run on this host and see one directory, on a local file system";
    let mut able = Capabilities::new("file", assumption);
    able.shared = true;
    able.marks = true;
    able.history = true;
    able
};

/// Locks in the files of one directory, which has to be on a local file system. A clone is the same
/// client.
///
/// A lock lives as long as a process has its [descriptor](Held::descriptor) open, so it needs no
/// renewal, and has neither TTL nor deadline. Only without [`Options::auto_renew`] it ends at its
/// TTL; but a lock whose descriptor was given out ends only when that is closed everywhere, the
/// held lock dropped included.
///
/// The [token](Held::token) is one more than the last one, which the lock file has, and at least the
/// time in microseconds since 1970: so it does not go back when the file is removed, which is also a
/// loss for its holder ([`Loss::KeyDeleted`]), nor with a directory in memory, such as `/run`, when
/// the host boots; unless the clock is set back as well.
#[derive(Clone)]
pub struct FileStore {
    directory: Arc<LockDirectory>,
    options: Options,
    claims: Claims,
    /// What is held, for [`Locker::close`].
    held: Arc<Mutex<Vec<Weak<FileHolding>>>>,
    closed: Sender<bool>,
    watch: Arc<FileWatch>,
    tasks: Arc<TaskQueues>,
}

/// The record of the holder who was told of last; it has none itself if it is another tool's.
type LastTold = Option<Option<Record>>;

impl FileStore {
    /// Keeps locks in the directory of this name. If it is absent it is made, with mode 0700; its
    /// parent has to be there.
    ///
    /// Its mode and group decide who else may lock in it. Where a group may write to it the lock
    /// files are that group's (0660), and where all users may (mode 1777) they are everybody's
    /// (0666). All who may can hold up any lock there for as long as they like, and write to its
    /// file.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if it is no directory, or everyone may write
    /// to it and it has no sticky bit; [`Denied`](crate::ErrorKind::Denied);
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    pub fn open(directory: impl Into<PathBuf>, options: Options) -> Result<Self> {
        Ok(Self::new(LockDirectory::named(directory.into())?, options))
    }

    /// Keeps locks in the directory that belongs to the user who runs, in which no other can write;
    /// hence different users do not meet on a lock there. See [`FileStore::own_directory`].
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if it is a link, or no directory, or another
    /// user can write in it or replace it; [`Denied`](crate::ErrorKind::Denied);
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    pub fn own(options: Options) -> Result<Self> {
        Ok(Self::new(LockDirectory::own()?, options))
    }

    /// Where [`FileStore::own`] keeps locks: root in `/run/genlock`, others in
    /// `/run/user/UID/genlock`, or else `$XDG_RUNTIME_DIR/genlock`, or else `/tmp/genlock-UID`;
    /// which, once it was made, goes before both, so that what runs before a login meets what runs
    /// after it. Where there is neither of the first and the last, those whose `XDG_RUNTIME_DIR`
    /// differs do not meet.
    pub fn own_directory() -> PathBuf {
        own::path()
    }

    fn new(directory: LockDirectory, options: Options) -> Self {
        Self {
            directory: Arc::new(directory),
            options,
            claims: Claims::default(),
            held: Arc::default(),
            closed: Sender::new(false),
            watch: Arc::default(),
            tasks: Arc::default(),
        }
    }

    /// Takes the lock, now or when it is free. Nothing is left behind when this is dropped: while
    /// it waits it has only the file open.
    async fn take(&self, request: &Request) -> Result<Option<Held>> {
        request.check(&CAPABILITIES, &self.options)?;
        let (key, wait) = (request.key(), request.waits());
        let shared = request.mode() == Mode::Shared;
        let claim = self.claims.claim(request).await?;
        let name = name::of(key);
        let mut told = None;
        if !wait && !self.tasks.is_empty(key) {
            self.look(key, &name, &mut told).await;
            return Ok(None);
        }
        let _first = match wait {
            true => Some(self.until_first(key, &name, &mut told).await?),
            false => None,
        };
        loop {
            let file = LockFile::open(&self.directory, &name)
                .await
                .map_err(|error| error.of_key(key))?;
            let Some(taken) = self.acquire(key, &file, (shared, wait), &mut told).await? else {
                return Ok(None);
            };
            if file.place().is_current() {
                return self.hold(request, claim, file, taken).await.map(Some);
            }
            // It was removed or replaced meanwhile: others lock the file that the name leads to now.
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }

    /// Queues up behind the tasks of this client, and waits until it is the first of them.
    async fn until_first(&self, key: &str, name: &str, told: &mut LastTold) -> Result<FirstPlace> {
        let looking = async {
            self.look(key, name, told).await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            () = self.until_closed() => Err(Claims::closed(key)),
            first = self.tasks.first(key) => Ok(first),
            never = looking => never,
        }
    }

    /// Sends the event of who holds the lock, and closes the file again.
    async fn look(&self, key: &str, name: &str, told: &mut LastTold) {
        // What is wrong with the file is the error of the call that takes the lock.
        if let Ok(file) = LockFile::open(&self.directory, name).await {
            self.tell(key, &file, told).await;
        }
    }

    /// Locks the file. Gives the instant just before; `None` if another has locked it and this is not
    /// to `wait`.
    async fn acquire(
        &self,
        key: &str,
        file: &LockFile,
        (shared, wait): (bool, bool),
        told: &mut LastTold,
    ) -> Result<Option<Instant>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let taken = Instant::now();
            if file.try_lock(shared).map_err(|error| error.of_key(key))? {
                return Ok(Some(taken));
            }
            self.tell(key, file, told).await;
            if !wait {
                // It may have been an operator's look, which holds a lock for a moment (probe.rs).
                tokio::time::sleep(FIRST_PAUSE).await;
                let taken = Instant::now();
                let free = file.try_lock(shared).map_err(|error| error.of_key(key))?;
                return Ok(free.then_some(taken));
            }
            // inotify's event of a closed descriptor comes just before the kernel lets go of the lock:
            // hence short pauses again.
            tokio::select! {
                biased;
                () = self.until_closed() => return Err(Claims::closed(key)),
                () = self.watch.changed(file) => pause = FIRST_PAUSE,
                () = tokio::time::sleep(pause) => {
                    pause = (pause * 2).min(self.options.retry_interval).max(FIRST_PAUSE);
                }
            }
        }
    }

    /// Sends the event of who holds the lock, unless nobody does by now, or the last event said it. The
    /// record in the file may be an earlier holder's.
    async fn tell(&self, key: &str, file: &LockFile, told: &mut LastTold) {
        let record = file.record();
        if told.as_ref() == Some(&record) {
            return;
        }
        let look = || holders::holders(file);
        let found = Self::sure(look, |all: &Vec<_>| holders::has_foreign(all)).await;
        let (holder, owner_key) = match found.map(|all| all.into_iter().next()) {
            Ok(Some(holder)) => (holder.record, Some(holder.owner_key)),
            Ok(None) => return,
            Err(_) => (record.clone(), None),
        };
        *told = Some(record);
        let what = EventKind::Waiting {
            holder,
            owner_key,
            ahead: None,
            token: None,
        };
        self.options.notify(Some(key), what);
    }

    /// Makes a held lock of the locked file.
    async fn hold(
        &self,
        request: &Request,
        claim: Claim,
        file: LockFile,
        taken: Instant,
    ) -> Result<Held> {
        let (key, ttl) = (request.key(), request.ttl(&self.options));
        let record = request.holder(&self.options).to_json();
        let shared = request.mode() == Mode::Shared;
        let sharers = shared.then(|| Sharers::of(&file));
        let signed = match &sharers {
            Some(sharers) => sharers.sign(&file, &record).await,
            None => file.sign(&record),
        };
        let signed = signed.map_err(|error| {
            file.unlock();
            error.of_key(key)
        })?;
        let token = signed.token;
        let deadline = (!self.options.auto_renew).then(|| Deadline::granted(taken, ttl));
        let owner = Owner::new(deadline.map(|deadline| deadline.instant()));
        let grant = Grant::new(key, token).with_owner_key(file.owner_key(token));
        let holding = Arc::new(FileHolding::new(
            key,
            file,
            signed,
            record,
            sharers,
            owner.clone(),
        ));
        let registered = Arc::downgrade(&holding);
        let end = deadline.map(|_| taken + ttl);
        let kept = HeldFile::keep(holding, claim, end, self.options.clone());
        let mut held = Held::new(grant, [], owner, Box::new(kept));
        if deadline.is_some() {
            held = held.with_ttl(ttl);
        }
        let mut all = self.all();
        if *self.closed.borrow() {
            return Err(Claims::closed(key));
        }
        all.retain(|other| other.strong_count() > 0);
        all.push(registered);
        drop(all);
        Ok(held.told(&self.options))
    }

    async fn until_closed(&self) {
        // It fails only when the sender is gone, which is this client's.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<FileHolding>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("FileStore");
        shown
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Locker for FileStore {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
        Box::pin(async move { self.take(&request).await })
    }

    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { held.release(&self.claims).await })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.claims.close();
            let held = {
                let mut all = self.all();
                self.closed.send_replace(true);
                std::mem::take(&mut *all)
            };
            for holding in held.iter().filter_map(Weak::upgrade) {
                holding.let_go(Some(Loss::Closed));
            }
            Ok(())
        })
    }
}
