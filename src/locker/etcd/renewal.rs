//! Renewing one lease. Where answers take long, more is asked while they are under way: the time that
//! is left is the bound, and the newest sending that is confirmed counts.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use super::ping::{self, Pinged};
use super::proof::Proof;
use crate::clock::{self, Instant};
use crate::locker::deadline::Deadline;

/// This share of a TTL, and so much at least, lies between two attempts. Enough for a store that takes
/// six tenths of it for each answer; to ask more would make it slower where many do.
const PACE: u32 = 10;
const LEAST_PACE: Duration = Duration::from_millis(100);

/// So much at most lies between the first, which is answered at once most of the time, and the second.
const FIRST_PACE: Duration = Duration::from_millis(300);

/// So many attempts of a kind are under way at most.
const MOST: usize = 8;

/// So many other connections are tried beside one that does not answer.
const SPARE: usize = 1;

/// After this share of a TTL without an answer it is told.
const SILENT: u32 = 4;

/// The renewals of one lease.
pub(super) struct Renewals {
    store: Arc<Store>,
    lease: i64,
    /// The key that is attached to the lease.
    own: String,
    proof: Proof,
    /// The connection that has answered.
    over: Option<Over>,
    /// How many there were.
    found: u64,
    /// When something was asked last, and when the last read left.
    asked: Option<Instant>,
    read: Option<Instant>,
    /// How many are under way.
    searching: usize,
    reading: usize,
    /// How often the store had been heard of by then.
    pulse: usize,
    /// That this was when it was due, with nothing under way.
    in_time: bool,
    /// When something was asked first since the last sending was confirmed; and that it was told since
    /// that there is no answer.
    since: Option<Instant>,
    told: bool,
    news: UnboundedReceiver<News>,
    tell: UnboundedSender<News>,
    tasks: JoinSet<()>,
}

/// A connection over which pings go, as long as it answers.
struct Over {
    number: u64,
    client: Client,
    unanswered: usize,
}

/// What came of an attempt.
enum News {
    /// Over the connection of this number.
    Pinged(u64, Result<Box<Pinged>, Fault>),
    /// Over any.
    Found(Result<Box<Pinged>, Fault>),
    Read(Result<(u64, Instant), Fault>),
}

impl Renewals {
    pub(super) fn new(store: &Arc<Store>, lease: i64, own: String) -> Self {
        let (tell, news) = unbounded_channel();
        Self {
            store: store.clone(),
            lease,
            own,
            proof: Proof::default(),
            over: None,
            found: 0,
            asked: None,
            read: None,
            searching: 0,
            reading: 0,
            pulse: 0,
            in_time: false,
            since: None,
            told: false,
            news,
            tell,
            tasks: JoinSet::new(),
        }
    }

    /// Renews, from `due` on. Gives the next sending that is confirmed and newer than the one which
    /// `deadline` counts from. Cancel-safe.
    ///
    /// # Errors
    /// When the lease is gone. Any other fault is news: it goes on with the next call.
    pub(super) async fn next(
        &mut self,
        deadline: &Deadline,
        due: Instant,
    ) -> Result<Instant, Fault> {
        let ttl = deadline.ttl();
        let pace = (ttl / PACE).max(LEAST_PACE);
        loop {
            let confirmed = self.proof.confirmed();
            // What a new ping and the last one's read prove is no news.
            if let Some(sent) = confirmed.filter(|&sent| sent > deadline.sent() + pace / 2) {
                self.told = false;
                self.since = None;
                return Ok(sent);
            }
            // Answers that are slow, and come all the time, are no silence.
            let silent = |since| Instant::now() >= since + ttl / SILENT;
            if self.since.is_some_and(silent) && !self.told {
                self.told = true;
                return Err(self.store.silent(ttl / SILENT));
            }
            let next = self.next_at(deadline, due, pace);
            tokio::select! {
                biased;
                Some(news) = self.news.recv() => self.note(news, deadline)?,
                () = clock::sleep_until(next) => {
                    if self.next_at(deadline, due, pace) > Instant::now() {
                        continue;
                    }
                    let late = self.are_under_way() || Instant::now() >= due + LEAST_PACE;
                    self.ask(deadline, late);
                }
            }
        }
    }

    /// When to ask next. Who has just been heard of, though not with an answer, has much to do, and
    /// is asked again only at half of the TTL; who is silent may have heard nothing of us.
    fn next_at(&self, deadline: &Deadline, due: Instant, pace: Duration) -> Instant {
        let Some(asked) = self.asked else {
            return due;
        };
        let lives = self.since.is_some() && self.lives();
        if lives {
            let half = deadline.sent() + deadline.ttl() / 2;
            return due.max(asked + pace).max(half);
        }
        let pause = if self.in_time {
            pace.min(FIRST_PACE)
        } else {
            pace
        };
        due.max(asked + pause)
    }

    /// Whether there was a sign of life since something was asked last.
    fn lives(&self) -> bool {
        self.store.pulse() != self.pulse
    }

    fn are_under_way(&self) -> bool {
        let unanswered = self.over.as_ref().is_some_and(|over| over.unanswered > 0);
        unanswered || self.searching > 0 || self.reading > 0
    }

    /// Pings. If it is late the read that goes with it does not wait for the answer.
    fn ask(&mut self, deadline: &Deadline, late: bool) {
        let now = Instant::now();
        let silent = !self.lives();
        self.pulse = self.store.pulse();
        self.asked = Some(now);
        self.since.get_or_insert(now);
        self.in_time = !late;
        while self.tasks.try_join_next().is_some() {}
        let most = match self.over.as_ref().map(|over| over.unanswered) {
            None => MOST,
            Some(1..) if silent => SPARE,
            Some(_) => 0,
        };
        self.ping_as_before(deadline);
        if self.searching < most {
            self.ping_anywhere(deadline);
        }
        if late {
            self.read(deadline);
        }
    }

    /// Pings over the connection that has answered.
    fn ping_as_before(&mut self, deadline: &Deadline) {
        let Some(over) = self.over.as_mut().filter(|over| over.unanswered < MOST) else {
            return;
        };
        over.unanswered += 1;
        let (number, client, within) = (over.number, over.client.clone(), deadline.ttl());
        let (lease, own) = (self.lease, self.own.clone());
        self.spawn(async move {
            let pinged = timeout(within, ping::ping(client, lease, own)).await;
            let pinged = pinged.map_or(Err(Fault::silent(within)), |pinged| {
                pinged.map_err(Fault::from)
            });
            News::Pinged(number, pinged.map(Box::new))
        });
    }

    /// Pings over whichever connection answers. What is confirmed a TTL after its sending is of no
    /// use.
    fn ping_anywhere(&mut self, deadline: &Deadline) {
        let (lease, own) = (self.lease, self.own.clone());
        let op = move |client: Client| ping::ping(client, lease, own.clone());
        let (store, within) = (self.store.clone(), deadline.ttl());
        self.searching += 1;
        self.spawn(async move {
            let pinged = Box::pin(store.ask(within, op)).await;
            News::Found(pinged.map(Box::new))
        });
    }

    fn spawn(&mut self, news: impl Future<Output = News> + Send + 'static) {
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            let _ = tell.send(news.await);
        });
    }

    fn read(&mut self, deadline: &Deadline) {
        if self.reading >= MOST {
            return;
        }
        let own = self.own.clone();
        let op = move |client: Client| ping::read(client, own.clone());
        let (store, tell, within) = (self.store.clone(), self.tell.clone(), deadline.ttl());
        self.read = Some(Instant::now());
        self.reading += 1;
        self.tasks.spawn(async move {
            let read = Box::pin(store.ask(within, op)).await;
            let _ = tell.send(News::Read(read));
        });
    }

    fn note(&mut self, news: News, deadline: &Deadline) -> Result<(), Fault> {
        match news {
            News::Pinged(number, pinged) => {
                let over = self.over.as_mut().filter(|over| over.number == number);
                let is_now = over.map(|over| over.unanswered -= 1).is_some();
                match pinged {
                    Ok(pinged) => self.take(*pinged, deadline),
                    Err(fault) => {
                        self.over.take_if(|over| over.number == number);
                        if is_now || matches!(fault, Fault::LeaseNotFound) {
                            return Err(fault);
                        }
                    }
                }
            }
            News::Found(pinged) => {
                self.searching -= 1;
                let pinged = pinged?;
                self.found += 1;
                self.over = Some(Over {
                    number: self.found,
                    client: pinged.over.clone(),
                    unanswered: 0,
                });
                self.take(*pinged, deadline);
            }
            News::Read(read) => {
                self.reading -= 1;
                let (term, sent) = read?;
                self.proof.read(term, sent);
            }
        }
        Ok(())
    }

    /// Takes up an answer to a ping.
    fn take(&mut self, pinged: Pinged, deadline: &Deadline) {
        let (mut rest, within) = (pinged.rest, deadline.ttl());
        self.tasks.spawn(async move {
            // Its end: to drop it before would be to break it off.
            let _ = timeout(within, rest.message()).await;
        });
        self.proof.pinged(pinged.term, pinged.sent);
        self.confirm(pinged.sent, deadline);
    }

    /// Has a ping confirmed, unless a read that left as late does.
    fn confirm(&mut self, sent: Instant, deadline: &Deadline) {
        if self.read.is_none_or(|read| read < sent) {
            self.read(deadline);
        }
    }
}
