//! The lock that is held around us: by a genlock that runs us, by the keeper that `genlock acquire` has left,
//! or by nobody who lives. It is neither renewed nor released here. The store is asked again and again
//! whether it is still ours, and its answers move the deadline.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Locking;
use super::joined::{JoinedKeeper, KeepersWord, told};
use crate::cli::environment::{self, Around};
use crate::cli::question::{self, Joining};
use crate::clock::Instant;
use crate::events::{EventKind, Observer};
use crate::locker::kind::StoreClient;
use crate::locker::operator::Remaining;
use crate::locker::{
    BoxFuture, Claim, Claims, Grant, Held, Loss, Options, Owner, Possession, Request, grace,
    renewed_every,
};
use crate::{Error, ErrorKind};

/// How often it is asked, however long the TTL is: an operator may have taken the lock away.
const OFTEN: Duration = Duration::from_secs(5);

/// How often where locks do not expire: that is a look at a file of this host.
const OF_NO_END: Duration = Duration::from_millis(250);

/// A tenth of the TTL, and so much at least, lies between two questions.
const PACE: u32 = 10;
const LEAST_PACE: Duration = Duration::from_millis(100);

impl Locking<'_> {
    /// Gives the lock that is held around us, if the store says that it still is.
    ///
    /// # Errors
    /// [`ErrorKind::OwnershipLost`] if it is not, [`ErrorKind::Unavailable`] where it might end before we knew, and
    /// what the store answers.
    pub(super) async fn adopt(&self, around: &Around) -> crate::Result<Held> {
        let key = &around.key;
        // First of all: a keeper that is about to let go waits for those who have joined.
        let joining = question::join(around);
        let has_keeper = !matches!(joining, Joining::NoKeeper);
        let joined = JoinedKeeper::of(joining, around)?;
        let asked = Instant::now();
        let left = left(&self.store, around).await;
        let deadline = match left.map_err(|error| error.of_key(key))? {
            Remaining::Nothing => return Err(around.lost()),
            // From when it was asked: whatever the answer took, it was not later.
            Remaining::AtLeast(left) => Some(asked + left),
            // It would be another's at once if its holder were killed, before we could see that.
            Remaining::NoEnd if has_keeper && !holds(joined.as_deref()) => {
                return Err(without_lock(around, joined.as_deref()));
            }
            Remaining::NoEnd => None,
        };
        let owner = Owner::new(deadline);
        let look = AroundLook {
            store: self.store.clone(),
            around: around.clone(),
            ttl: self.options.ttl,
            grace: grace(self.options.ttl, self.options.kill_after),
            owner: owner.clone(),
            events: self.events.observer(),
            joined: joined.clone(),
        };
        let mut looking = JoinSet::new();
        looking.spawn(look.on(deadline));
        let claim = Claims::default().claim(&Request::new(key)).await?;
        let mut grant = Grant::new(key, around.token).with_owner_key(&around.owner_key);
        grant.index = around.index;
        let possession = AroundUs {
            looking,
            claim,
            joined,
        };
        let mut held = Held::new(grant, [], owner, Box::new(possession));
        if deadline.is_some() {
            held = held.with_ttl(self.options.ttl);
        }
        for (name, value) in environment::of_store_around() {
            held = held.with_variable(name, value);
        }
        Ok(held.told(&self.without_release()))
    }

    /// Our observer for a lock whose release is not ours, and is no event here.
    fn without_release(&self) -> Options {
        let events = self.events.observer();
        let key = self.options.key.clone();
        let observer = Observer::new(move |event| {
            if !matches!(event.what, EventKind::Released) {
                events.tell(Some(&key), event.what.clone());
            }
        });
        Options {
            observer: Some(observer),
            ..Options::default()
        }
    }
}

/// Whether the lock itself came from its keeper, so that we hold it too.
fn holds(joined: Option<&JoinedKeeper>) -> bool {
    joined.is_some_and(JoinedKeeper::has_lock)
}

/// The error where the lock ends with its holder, who does not let us keep it as well.
fn without_lock(around: &Around, joined: Option<&JoinedKeeper>) -> Error {
    let why = match (joined, &around.socket) {
        (Some(_), _) => {
            "the genlock that holds the lock did not hand it on: too many files may be open"
        }
        (None, None) => "$GENLOCK_HELD_SOCKET does not say which genlock holds the lock",
        (None, Some(_)) => {
            "the genlock that holds the lock does not answer: it is frozen, or in another network namespace"
        }
    };
    Error::new(ErrorKind::Unavailable, why).of_key(&around.key)
}

/// What is left of the lock: of its keys, which are asked about at once, the one with the least.
async fn left(store: &Arc<dyn StoreClient>, around: &Around) -> crate::Result<Remaining> {
    let token = around.token;
    let mut others = JoinSet::new();
    for owner_key in around.other_owner_keys.clone() {
        let store = store.clone();
        others.spawn(async move { store.left(&owner_key, token).await });
    }
    let mut least = store.left(&around.owner_key, token).await?;
    while let Some(asked) = others.join_next().await {
        let left = asked.unwrap_or(Ok(Remaining::Nothing))?;
        least = match (least, left) {
            (Remaining::Nothing, _) | (_, Remaining::Nothing) => Remaining::Nothing,
            (Remaining::AtLeast(one), Remaining::AtLeast(other)) => {
                Remaining::AtLeast(one.min(other))
            }
            (Remaining::NoEnd, left) | (left, Remaining::NoEnd) => left,
        };
    }
    Ok(least)
}

/// Our side of it: it stays as it is when the command has ended.
struct AroundUs {
    looking: JoinSet<()>,
    claim: Claim,
    /// Open until nothing of the command lives: then the keeper may let go.
    joined: Option<Arc<JoinedKeeper>>,
}

impl Possession for AroundUs {
    fn release(self: Box<Self>) -> BoxFuture<'static, crate::Result<()>> {
        drop(self.looking);
        Box::pin(std::future::ready(Ok(())))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.joined.as_ref().map(|joined| joined.descriptor())
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

/// What is asked of the store, and where the answers go.
struct AroundLook {
    store: Arc<dyn StoreClient>,
    around: Around,
    ttl: Duration,
    /// How long the command may take to end.
    grace: Duration,
    owner: Owner,
    events: Observer,
    joined: Option<Arc<JoinedKeeper>>,
}

impl AroundLook {
    /// Asks until the lock is lost. Its deadline is this by now; `None` where it does not expire.
    async fn on(mut self, mut deadline: Option<Instant>) {
        let within = renewed_every(self.ttl);
        let mut pause = self.pause(deadline);
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                // Told to end, or the keeper is gone, which the store knows more of.
                told = told(self.joined.as_deref()) => match told {
                    Some(word) => return self.told(word),
                    None => self.joined = None,
                },
            }
            let asked = Instant::now();
            let left = timeout(within, left(&self.store, &self.around)).await;
            let trouble = match left {
                Ok(Ok(Remaining::Nothing)) => return self.gone().await,
                Ok(Ok(Remaining::AtLeast(left))) => {
                    deadline = Some(asked + left);
                    self.owner.extend(asked + left);
                    pause = self.pause(deadline);
                    continue;
                }
                Ok(Ok(Remaining::NoEnd)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the store does not answer".to_owned(),
            };
            self.events.tell(None, EventKind::Retrying(trouble));
            pause = self.pace();
        }
    }

    /// The store says that it is not ours any more: an operator who took it away is named there for as long as
    /// the keeper waits for us.
    async fn gone(self) {
        let look = timeout(LEAST_PACE, self.store.glance(&self.around.key)).await;
        let queue = look.ok().and_then(Result::ok);
        let by = queue.and_then(|queue| {
            let mut contenders = queue.contenders.into_iter();
            let us = contenders.find(|one| one.token == Some(self.around.token))?;
            us.record?.taken_away
        });
        self.told(by.map_or(KeepersWord::LetGo, KeepersWord::TakenAway));
    }

    /// The command has to end.
    fn told(self, word: KeepersWord) {
        match word {
            KeepersWord::LetGo => self.owner.lose(Loss::NotOurs),
            KeepersWord::TakenAway(by) => {
                self.events.tell(None, EventKind::TakenAway(by));
                self.owner.lose(Loss::TakenAway);
            }
        }
    }

    /// How long to wait before the next question: a third of what is left before the command would have to be
    /// stopped. Who renews the lock does so at every third of its TTL, and the answer may have come just
    /// before.
    fn pause(&self, deadline: Option<Instant>) -> Duration {
        let Some(deadline) = deadline else {
            return OF_NO_END;
        };
        let room = (deadline - self.grace).left();
        (room / 3)
            .clamp(self.pace(), renewed_every(self.ttl).max(self.pace()))
            .min(OFTEN)
    }

    fn pace(&self) -> Duration {
        (self.ttl / PACE).clamp(LEAST_PACE, OFTEN)
    }
}
