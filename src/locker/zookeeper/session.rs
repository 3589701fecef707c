//! A session: what a lease is here. It goes on over connections, one at a time, to any of the servers;
//! with it ends all that was made to end with it.
//!
//! The protocol is spoken by ourselves, over connections that we dial: what the crate zookeeper-client
//! has of it pings each 0.15 of a timeout (which would take half of it off a lock's time, in place of a
//! third), needs a second thread for its sockets, and dials by itself, without our names, bounds and TLS.

mod connection;
mod driver;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod heartbeat;
mod packets;
mod served;
mod watches;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::calls::{ZkCall, ZkFailure};
use super::ensemble::Ensemble;
use crate::clock::Instant;
use crate::locker::fault::Fault;
use driver::ZkDriver;

/// A session, for as long as this lives: dropped, it is kept no more, and ends by itself.
pub(super) struct ZkSession {
    state: Arc<SessionState>,
    /// To the task that has the connection, once there is one.
    calls: Mutex<Option<mpsc::UnboundedSender<ZkPending>>>,
}

/// What is known of a session, whichever task has its connection.
struct SessionState {
    ensemble: Arc<Ensemble>,
    known: Mutex<ZkKnown>,
    /// The timeout that was granted, or why there is none.
    opened: watch::Sender<Option<Result<Duration, Fault>>>,
    /// Until when pings keep the session; `None` if they always do.
    kept_until: Mutex<Option<Instant>>,
    news: Option<mpsc::UnboundedSender<String>>,
}

#[derive(Clone)]
struct ZkKnown {
    /// 0 as long as there is none.
    id: i64,
    password: Vec<u8>,
    timeout: Duration,
    /// The newest transaction that was heard of: a server that does not know of it refuses the session.
    zxid: i64,
    /// Why there is nothing to be asked any more.
    ended: Option<Fault>,
}

/// A call on its way.
struct ZkPending {
    call: ZkCall,
    reply: oneshot::Sender<Result<ZkAnswer, ZkFailure>>,
}

/// What came of a call.
pub(super) struct ZkAnswer {
    pub(super) body: Vec<u8>,
    /// Ends when what was watched has happened, or may have.
    pub(super) news: Option<oneshot::Receiver<()>>,
}

/// A call whose answer is still to come.
pub(super) struct Asked {
    answer: oneshot::Receiver<Result<ZkAnswer, ZkFailure>>,
    state: Arc<SessionState>,
}

impl ZkSession {
    /// One that asks for this timeout, and pings for as long as `kept_until` says. Nothing is sent before
    /// the first call.
    pub(super) fn new(
        ensemble: &Arc<Ensemble>,
        asked: Duration,
        kept_until: Option<Instant>,
    ) -> Self {
        Self::with_news(ensemble, asked, kept_until, None)
    }

    /// The same, which passes on the paths of what [`ZkCall::watch_all`] tells.
    pub(super) fn with_news(
        ensemble: &Arc<Ensemble>,
        asked: Duration,
        kept_until: Option<Instant>,
        news: Option<mpsc::UnboundedSender<String>>,
    ) -> Self {
        let known = ZkKnown {
            id: 0,
            password: vec![0; 16],
            timeout: asked,
            zxid: 0,
            ended: None,
        };
        Self {
            state: Arc::new(SessionState {
                ensemble: ensemble.clone(),
                known: Mutex::new(known),
                opened: watch::Sender::new(None),
                kept_until: Mutex::new(kept_until),
                news,
            }),
            calls: Mutex::new(None),
        }
    }

    /// Its number; 0 as long as it has none.
    pub(super) fn id(&self) -> i64 {
        self.state.known().id
    }

    /// Whether it is gone for certain, or never came to be.
    pub(super) fn has_ended(&self) -> bool {
        self.state.known().ended.is_some()
    }

    /// The timeout that was granted. Bounded.
    pub(super) async fn opened(&self) -> Result<Duration, Fault> {
        let mut opened = self.state.opened.subscribe();
        let within = self.state.ensemble.command_timeout;
        let waited = timeout(within, opened.wait_for(Option::is_some)).await;
        match waited.ok().and_then(Result::ok).as_deref() {
            Some(Some(opened)) => opened.clone(),
            _ => Err(Fault::silent(within)),
        }
    }

    /// Pings keep the session until then.
    pub(super) fn keep_until(&self, until: Instant) {
        *self.state.kept() = Some(until);
    }

    /// Sends a call, behind those before it: what is asked first is done first.
    pub(super) fn submit(&self, call: ZkCall) -> Asked {
        let (reply, answer) = oneshot::channel();
        let asked = Asked {
            answer,
            state: self.state.clone(),
        };
        if self.has_ended() {
            // `reply` is dropped here, so that the answer will be why the session ended.
            return asked;
        }
        let calls = self.calls.lock();
        let mut calls = calls.unwrap_or_else(PoisonError::into_inner);
        let mut pending = ZkPending { call, reply };
        if let Some(sender) = &*calls {
            match sender.send(pending) {
                Ok(()) => return asked,
                // The task has ended with its runtime, or with the session.
                Err(mpsc::error::SendError(unsent)) => pending = unsent,
            }
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        // Cannot fail: the receiver is here.
        let _ = sender.send(pending);
        *calls = Some(sender);
        tokio::spawn(ZkDriver::new(self.state.clone(), receiver).run());
        asked
    }

    /// The answer to a call. Bounded.
    pub(super) async fn call(&self, call: ZkCall) -> Result<ZkAnswer, ZkFailure> {
        self.submit(call).answer().await
    }

    /// Ends it, and with it all that was made to end with it. Does nothing if there is none. Bounded.
    pub(super) async fn close(&self) -> Result<(), Fault> {
        if self.has_ended() {
            return Ok(());
        }
        self.keep_until(Instant::now());
        match self.call(ZkCall::close()).await {
            Ok(_) => {}
            Err(ZkFailure::Other(Fault::LeaseNotFound)) => {}
            Err(failure) => return Err(failure.into()),
        }
        self.state.end(Fault::LeaseNotFound);
        Ok(())
    }
}

impl Asked {
    /// The answer. Bounded.
    pub(super) async fn answer(self) -> Result<ZkAnswer, ZkFailure> {
        let within = self.state.ensemble.command_timeout;
        match timeout(within, self.answer).await {
            Ok(Ok(answer)) => answer,
            // The task has ended without a word.
            Ok(Err(_)) => {
                let ended = self.state.known().ended.clone();
                let gone = || Fault::broken("the connection broke");
                Err(ZkFailure::Other(ended.unwrap_or_else(gone)))
            }
            Err(_) => Err(ZkFailure::Other(Fault::silent(within))),
        }
    }
}

impl SessionState {
    fn known(&self) -> MutexGuard<'_, ZkKnown> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Instant>> {
        let kept = self.kept_until.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether pings keep the session at present.
    fn is_kept(&self) -> bool {
        self.kept().is_none_or(|until| Instant::now() < until)
    }

    /// There is nothing to be asked any more. The first reason stands.
    fn end(&self, fault: Fault) {
        let ended = self.known().ended.get_or_insert(fault).clone();
        self.opened.send_if_modified(|opened| {
            let news = opened.is_none();
            if news {
                *opened = Some(Err(ended));
            }
            news
        });
    }
}
