//! Renewing one lease. Where answers take long, more is asked while they are under way: the time that
//! is left is the bound, and the newest sending that is confirmed counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;
use super::ping::{self, Heard, Opened, Stream, Word};
use super::proof::Proof;
use crate::clock::{self, Instant};
use crate::locker::deadline::Deadline;

/// This share of a TTL, and so much at least, lies between two attempts.
const PACE: u32 = 16;
const LEAST_PACE: Duration = Duration::from_millis(100);

/// So many attempts of a kind are under way at most: those of three quarters of a TTL.
const MOST: usize = 12;

/// So many streams are opened beside one that does not answer.
const SPARE: usize = 3;

/// After this share of a TTL without an answer it is told.
const SILENT: u32 = 4;

/// The renewals of one lease.
pub(super) struct Renewals {
    store: Arc<Store>,
    lease: i64,
    /// The key that is attached to the lease.
    own: String,
    heard: Heard,
    proof: Proof,
    /// The stream that was opened last, and how many were.
    stream: Option<Stream>,
    streams: u64,
    /// When something was asked last, and when the last read left.
    asked: Option<Instant>,
    read: Option<Instant>,
    /// Since when the lease is known to be there: what left before may not have found it.
    granted: Option<Instant>,
    /// How many are under way.
    opening: usize,
    reading: usize,
    /// It was told that there is no answer.
    told: bool,
    news: UnboundedReceiver<News>,
    tell: UnboundedSender<News>,
    tasks: JoinSet<()>,
}

/// What came of an attempt.
enum News {
    /// When it began to leave, too.
    Opened(Instant, Result<Box<Opened>, Fault>),
    Read(Result<(u64, Instant), Fault>),
    Word(Word),
}

impl From<Word> for News {
    fn from(word: Word) -> Self {
        Self::Word(word)
    }
}

impl Renewals {
    pub(super) fn new(store: &Arc<Store>, lease: i64, own: String) -> Self {
        let (tell, news) = unbounded_channel();
        Self {
            store: store.clone(),
            lease,
            own,
            heard: Heard::default(),
            proof: Proof::default(),
            stream: None,
            streams: 0,
            asked: None,
            read: None,
            granted: None,
            opening: 0,
            reading: 0,
            told: false,
            news,
            tell,
            tasks: JoinSet::new(),
        }
    }

    /// What was heard of terms, for those who hear more.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// The lease is there.
    pub(super) fn granted(&mut self) {
        self.granted = Some(Instant::now());
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
                return Ok(sent);
            }
            let now = Instant::now();
            if now >= due + ttl / SILENT && !self.told {
                self.told = true;
                return Err(self.store.silent(ttl / SILENT));
            }
            let next = self.asked.map_or(due, |asked| due.max(asked + pace));
            tokio::select! {
                biased;
                Some(news) = self.news.recv() => self.note(news, deadline).await?,
                () = clock::sleep_until(next) => {
                    let late = self.are_under_way() || Instant::now() >= due + pace;
                    self.ask(deadline, late).await;
                }
            }
        }
    }

    fn are_under_way(&self) -> bool {
        let pings = self.stream.as_ref().is_some_and(|one| one.unanswered > 0);
        pings || self.opening > 0 || self.reading > 0
    }

    /// Pings. If it is late the read that goes with it does not wait for the answer.
    async fn ask(&mut self, deadline: &Deadline, late: bool) {
        self.asked = Some(Instant::now());
        while self.tasks.try_join_next().is_some() {}
        let unanswered = self.ping_over_stream().await;
        let most = match unanswered {
            None => MOST,
            Some(0) => 0,
            Some(_) => SPARE,
        };
        if self.opening < most {
            self.open(deadline);
        }
        if late {
            self.read(deadline);
        }
    }

    /// Pings over the stream; gives how many pings it had not answered. `None` without a stream.
    async fn ping_over_stream(&mut self) -> Option<usize> {
        let stream = self.stream.as_mut()?;
        let unanswered = stream.unanswered;
        if unanswered < MOST && !stream.ping().await {
            self.stream = None;
            return None;
        }
        Some(unanswered)
    }

    /// Opens a stream. What is confirmed a TTL after its sending is of no use.
    fn open(&mut self, deadline: &Deadline) {
        let (lease, heard) = (self.lease, self.heard.clone());
        let op = move |client: Client| ping::open(client, lease, heard.clone());
        let (store, tell, within) = (self.store.clone(), self.tell.clone(), deadline.ttl());
        self.opening += 1;
        self.tasks.spawn(async move {
            let sent = Instant::now();
            let opened = Box::pin(store.ask(within, op)).await;
            let _ = tell.send(News::Opened(sent, opened.map(Box::new)));
        });
    }

    fn read(&mut self, deadline: &Deadline) {
        if self.reading >= MOST {
            return;
        }
        let (own, heard) = (self.own.clone(), self.heard.clone());
        let op = move |client: Client| ping::read(client, own.clone(), heard.clone());
        let (store, tell, within) = (self.store.clone(), self.tell.clone(), deadline.ttl());
        self.read = Some(Instant::now());
        self.reading += 1;
        self.tasks.spawn(async move {
            let read = Box::pin(store.ask(within, op)).await;
            let _ = tell.send(News::Read(read));
        });
    }

    async fn note(&mut self, news: News, deadline: &Deadline) -> Result<(), Fault> {
        match news {
            News::Opened(sent, opened) => {
                self.opening -= 1;
                match opened {
                    Err(Fault::LeaseNotFound) if self.granted.is_none_or(|at| sent < at) => {}
                    opened => self.take_up(*opened?, deadline).await,
                }
            }
            News::Word(Word::Pinged(number, pinged)) => {
                if let Some(stream) = self.stream.as_mut().filter(|one| one.number == number) {
                    stream.unanswered -= 1;
                }
                self.proof.pinged(pinged.term, pinged.sent);
                self.confirm(pinged.sent, deadline);
            }
            News::Word(Word::Ended(number, fault)) => {
                let ended = self.stream.take_if(|one| one.number == number);
                if ended.is_some() || matches!(fault, Fault::LeaseNotFound) {
                    return Err(fault);
                }
            }
            News::Read(read) => {
                self.reading -= 1;
                let (term, sent) = read?;
                self.proof.read(term, sent);
            }
        }
        Ok(())
    }

    /// From now on this is the stream.
    async fn take_up(&mut self, opened: Opened, deadline: &Deadline) {
        let (term, sent) = (opened.pinged.term, opened.pinged.sent);
        self.streams += 1;
        let (tasks, tell) = (&mut self.tasks, self.tell.clone());
        let stream = Stream::new(self.streams, opened, tasks, tell);
        self.stream = Some(stream);
        if term > 0 {
            self.proof.pinged(term, sent);
            self.confirm(sent, deadline);
        } else {
            // Nothing is known of its member: the next answer tells.
            self.ping_over_stream().await;
        }
    }

    /// Has a ping confirmed, unless a read that left as late does.
    fn confirm(&mut self, sent: Instant, deadline: &Deadline) {
        if self.read.is_none_or(|read| read < sent) {
            self.read(deadline);
        }
    }
}
