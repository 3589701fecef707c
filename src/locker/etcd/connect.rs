//! The endpoints as one store: every call goes to the endpoint that answered last, and to the next
//! one too when that one fails or is silent.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Config;
use super::dial::{Client, Connection, Dialler};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::pulse::Pulse;
use crate::error::{Error, ErrorKind, Result, Setting};

/// After so long a silence the next endpoint is asked as well. The first goes on: a slow answer
/// from it is as good. One that is slow, but shows signs of life, has a share of the bound: where
/// all are slow because they have much to do, to ask every one of them makes it more.
const SILENCE: Duration = Duration::from_millis(100);

/// This share, for the first that is slow; each further one has twice as much.
const SLOW: u32 = 4;

/// The endpoints of one etcd.
pub(super) struct Store {
    members: Vec<Member>,
    dialler: Dialler,
    /// The member that answered last.
    current: AtomicUsize,
    /// Counts the times that `current`, or its connection, was given up.
    moved: watch::Sender<u64>,
    heard: AtomicBool,
    dial_timeout: Duration,
    pub(super) command_timeout: Duration,
    retry_interval: Duration,
}

struct Member {
    endpoint: Endpoint,
    pulse: Pulse,
    /// Locked while it is dialled, so that several calls share one connection.
    connection: Mutex<Option<Connection>>,
}

impl Store {
    pub(super) fn new(config: &Config, retry_interval: Duration) -> Result<Self> {
        let endpoints = Endpoint::all(config)?.into_iter();
        let members: Vec<_> = endpoints
            .map(|endpoint| Member {
                endpoint,
                pulse: Pulse::default(),
                connection: Mutex::new(None),
            })
            .collect();
        if members.is_empty() {
            let error = Error::new(ErrorKind::InvalidConfig, "there is no endpoint");
            return Err(error.about([Setting::Endpoints]));
        }
        // Clients that start anywhere spread their load.
        let start = super::random()? as usize % members.len();
        Ok(Self {
            members,
            dialler: Dialler::new(config)?,
            current: AtomicUsize::new(start),
            moved: watch::Sender::new(0),
            heard: AtomicBool::new(false),
            dial_timeout: config.dial_timeout,
            command_timeout: config.command_timeout,
            retry_interval,
        })
    }

    /// Changes whenever a stream that was opened before should be opened anew.
    pub(super) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Whether the current member is spoken to over TLS.
    pub(super) fn is_secure(&self) -> bool {
        let current = self.current.load(Ordering::Relaxed);
        self.members[current].endpoint.is_secure()
    }

    /// Whether any member ever answered.
    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Runs `op`, which may therefore reach etcd more than once, until it succeeds somewhere, etcd
    /// refuses it, or `within` is over; until first contact, or a sign of life, the bound is the
    /// time to dial.
    ///
    /// Dropping the future abandons the attempts; etcd may still carry them out.
    pub(super) async fn call<T, F, Fut>(
        self: &Arc<Self>,
        within: Duration,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Client) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, etcd_client::Error>> + Send + 'static,
    {
        let start = Instant::now();
        let pulses: Vec<_> = self.members.iter().map(|m| m.pulse.count()).collect();
        let bound = || {
            let mut pulses = self.members.iter().zip(&pulses);
            if self.heard() || pulses.any(|(member, &count)| member.pulse.beats_since(count)) {
                within
            } else {
                within.min(self.dial_timeout)
            }
        };
        // What came of each member: nothing yet, or why it failed.
        let mut faults: Vec<Option<Fault>> = vec![None; self.members.len()];
        loop {
            let first = self.current.load(Ordering::Relaxed);
            let mut round = Round {
                store: self,
                first,
                asked: 0,
                slow: within / SLOW,
                before: faults.clone(),
                faults: &mut faults,
            };
            let ended = {
                let mut run = pin!(round.run(&op));
                loop {
                    let within = bound();
                    match timeout_at(start + within, &mut run).await {
                        Ok(ended) => break Ok(ended),
                        Err(_) if bound() > within => {}
                        Err(_) => break Err(within),
                    }
                }
            };
            match ended {
                Ok(Some(result)) => return result,
                Ok(None) => {}
                Err(within) => {
                    round.give_up_silent(within);
                    return Err(self.unreachable(&faults));
                }
            }
            // Nobody works for us. If that is for good everywhere, waiting does not help.
            let lasting = |fault: &Option<Fault>| matches!(fault, Some(Fault::Misfit(..)));
            let end = start + bound();
            if faults.iter().all(lasting) || Instant::now() + self.retry_interval >= end {
                return Err(self.unreachable(&faults));
            }
            sleep(self.retry_interval).await;
        }
    }

    /// One attempt at one member: dialling, if need be, and the answer.
    async fn attempt<T, F, Fut>(self: Arc<Self>, index: usize, op: F) -> Result<T, Fault>
    where
        F: Fn(Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let pulse = &self.members[index].pulse;
        let count = pulse.count();
        let work = async {
            let connection = self.connection(index).await?;
            match connection.run(&self.dialler, &op).await {
                // The login itself has gone stale: a fresh connection logs in anew.
                Err(Fault::StaleToken(_)) => {
                    self.forget(index);
                    let connection = self.connection(index).await?;
                    connection.run(&self.dialler, &op).await
                }
                result => result,
            }
        };
        let mut work = pin!(work);
        match timeout(self.dial_timeout, &mut work).await {
            Ok(answer) => answer,
            // The call's own bound ends it.
            Err(_) if pulse.beats_since(count) => work.await,
            Err(_) => Err(Fault::silent(self.dial_timeout)),
        }
    }

    async fn connection(&self, index: usize) -> Result<Connection, Fault> {
        let member = &self.members[index];
        let mut connection = member.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let dialled = Box::pin(self.dialler.dial(&member.endpoint, &member.pulse)).await?;
        Ok(connection.insert(dialled).clone())
    }

    /// Throws a connection away: TCP takes long to find out that a network was cut and is back.
    fn forget(&self, index: usize) {
        // A member that is locked is being dialled, so its connection is no old one.
        if let Ok(mut connection) = self.members[index].connection.try_lock()
            && connection.take().is_some()
            && index == self.current.load(Ordering::Relaxed)
        {
            self.moved.send_modify(|moves| *moves += 1);
        }
    }

    /// The store did not work for us: every endpoint with its reason.
    fn unreachable(&self, faults: &[Option<Fault>]) -> Fault {
        let mut lines = Vec::new();
        let mut misfits = Vec::new();
        for (member, fault) in self.members.iter().zip(faults) {
            let reason = fault.as_ref().map_or("not asked", Fault::reason);
            lines.push(format!("{}: {reason}", member.endpoint));
            if let Some(Fault::Misfit(kind, _)) = fault {
                misfits.push(*kind);
            }
        }
        let lines = lines.join("; ");
        match misfits.first() {
            Some(kind) if misfits.len() == faults.len() => Fault::Misfit(*kind, lines),
            _ => Fault::Broken(format!("cannot reach etcd: {lines}")),
        }
    }
}

/// One pass over the members, beginning with the current one.
struct Round<'a> {
    store: &'a Arc<Store>,
    first: usize,
    asked: usize,
    /// How long one that is slow goes on before the next is asked.
    slow: Duration,
    /// What came of each member in the round before.
    before: Vec<Option<Fault>>,
    faults: &'a mut Vec<Option<Fault>>,
}

impl Round<'_> {
    /// The member that is asked as number `turn`.
    fn member(&self, turn: usize) -> usize {
        (self.first + turn) % self.store.members.len()
    }

    /// Whether there was a sign of life of the one asked last since its pulse counted so much.
    fn lives_since(&self, count: usize) -> bool {
        let last = &self.store.members[self.member(self.asked - 1)];
        last.pulse.beats_since(count)
    }

    /// The first success or last word; `None` when every member failed.
    async fn run<T, F, Fut>(&mut self, op: &F) -> Option<Result<T, Fault>>
    where
        T: Send + 'static,
        F: Fn(Client) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, etcd_client::Error>> + Send + 'static,
    {
        let members = self.store.members.len();
        let mut attempts = JoinSet::new();
        let mut count = 0;
        loop {
            if self.asked < members {
                let turn = self.asked;
                let index = self.member(turn);
                count = self.store.members[index].pulse.count();
                let attempt = Box::pin(self.store.clone().attempt(index, op.clone()));
                self.faults[index] = None;
                attempts.spawn(async move { (turn, attempt.await) });
                self.asked += 1;
            }
            let ended = if self.asked < members {
                match timeout(SILENCE, attempts.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) if self.lives_since(count) => {
                        let slow = self.slow.saturating_sub(SILENCE);
                        self.slow *= 2;
                        match timeout(slow, attempts.join_next()).await {
                            Ok(ended) => ended,
                            Err(_) => continue,
                        }
                    }
                    Err(_) => continue,
                }
            } else {
                attempts.join_next().await
            };
            let Some(ended) = ended else {
                // All have failed, or are not even there to be asked.
                return None;
            };
            // An attempt ends otherwise only when its runtime does.
            let Ok((turn, result)) = ended else {
                continue;
            };
            match result {
                Err(fault @ (Fault::Broken(_) | Fault::Misfit(..))) => {
                    let index = self.member(turn);
                    self.store.forget(index);
                    self.faults[index] = Some(fault);
                }
                last_word => {
                    self.settle(turn);
                    return Some(last_word);
                }
            }
        }
    }

    /// The member asked as number `turn` answered: it is the current one from now on, and those
    /// that were asked before it and are still silent are given up.
    fn settle(&mut self, turn: usize) {
        let (store, winner) = (self.store, self.member(turn));
        store.heard.store(true, Ordering::Relaxed);
        for turn in 0..turn {
            let index = self.member(turn);
            if self.faults[index].is_none() {
                store.forget(index);
            }
        }
        if store.current.swap(winner, Ordering::Relaxed) != winner {
            store.moved.send_modify(|moves| *moves += 1);
        }
    }

    /// The time is over: who has not answered by now is given up. One that failed before had no
    /// time to answer since, and that is the better reason.
    fn give_up_silent(&mut self, within: Duration) {
        for turn in 0..self.asked {
            let index = self.member(turn);
            if self.faults[index].is_none() {
                self.store.forget(index);
                let before = self.before[index].take();
                self.faults[index] = before.or_else(|| Some(Fault::silent(within)));
            }
        }
    }
}
