//! The task of a session: dials a server, and the next one when a connection breaks.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::connection::ZkConnection;
use super::served::Served;
use super::{SessionState, ZkPending};
use crate::error::{Error, ErrorKind};
use crate::locker::fault::Fault;
use crate::locker::zookeeper::calls::ZkFailure;
use crate::locker::zookeeper::ensemble::{Dialled, named};

/// The task of one session.
pub(super) struct ZkDriver {
    state: Arc<SessionState>,
    calls: mpsc::UnboundedReceiver<ZkPending>,
    /// Not sent yet.
    waiting: VecDeque<ZkPending>,
}

impl ZkDriver {
    pub(super) fn new(state: Arc<SessionState>, calls: mpsc::UnboundedReceiver<ZkPending>) -> Self {
        Self {
            state,
            calls,
            waiting: VecDeque::new(),
        }
    }

    /// Until the session has ended, or nobody has it any more.
    pub(super) async fn run(mut self) {
        let ensemble = self.state.ensemble.clone();
        let mut faults = Vec::new();
        let begun = Instant::now();
        // Before those who ask give up, so that they are told why.
        let patience = ensemble.dial_timeout.min(ensemble.command_timeout / 5 * 4);
        loop {
            let Some(dialled) = self.dial().await else {
                return;
            };
            match dialled {
                Ok((dialled, login)) => {
                    let server = dialled.server.clone();
                    let connection = ZkConnection::new(self.state.clone(), login);
                    let (calls, waiting) = (&mut self.calls, &mut self.waiting);
                    match connection.serve(dialled, calls, waiting).await {
                        Served::Dropped => return,
                        Served::Ended(fault) => return self.end(fault),
                        Served::Broken { opened: true, .. } => faults.clear(),
                        Served::Broken { fault, .. } => faults.push(named(fault, &server)),
                    }
                }
                Err(Fault::Refused(error)) => return self.end(Fault::Refused(error)),
                Err(fault) => faults.push(fault),
            }
            let all_asked = faults.len() >= ensemble.count();
            let has_session = self.state.known().id != 0;
            if all_asked {
                let joined = joined(std::mem::take(&mut faults));
                if has_session {
                    self.fail(&ZkFailure::Other(joined));
                } else if !may_pass(&joined) || begun.elapsed() >= patience {
                    return self.end(joined);
                }
            }
            if (has_session || all_asked) && self.pause().await.is_none() {
                return;
            }
        }
    }

    /// The next server; `None` if nobody has the session any more.
    async fn dial(&mut self) -> Option<Result<(Dialled, Option<String>), Fault>> {
        let ensemble = self.state.ensemble.clone();
        let dialled = async {
            let login = ensemble.login().await?;
            Ok((ensemble.dial().await?, login))
        };
        tokio::pin!(dialled);
        loop {
            tokio::select! {
                dialled = &mut dialled => return Some(dialled),
                pending = self.calls.recv() => self.waiting.push_back(pending?),
            }
        }
    }

    /// Waits a moment; `None` if nobody has the session any more.
    async fn pause(&mut self) -> Option<()> {
        let paused = sleep(self.state.ensemble.pause);
        tokio::pin!(paused);
        loop {
            tokio::select! {
                () = &mut paused => return Some(()),
                pending = self.calls.recv() => self.waiting.push_back(pending?),
            }
        }
    }

    /// Answers all that was not sent.
    fn fail(&mut self, failure: &ZkFailure) {
        for pending in self.waiting.drain(..) {
            // Who waits no more does not want to know.
            let _ = pending.reply.send(Err(failure.clone()));
        }
    }

    fn end(mut self, fault: Fault) {
        self.state.end(fault.clone());
        self.calls.close();
        while let Ok(pending) = self.calls.try_recv() {
            self.waiting.push_back(pending);
        }
        self.fail(&ZkFailure::Other(fault));
    }
}

/// Whether servers that fail so may be about to start.
fn may_pass(fault: &Fault) -> bool {
    matches!(fault, Fault::Broken(_))
}

/// The fault to tell where no server could be reached: that of each, if there are several.
fn joined(faults: Vec<Fault>) -> Fault {
    if let [only] = &faults[..] {
        return only.clone();
    }
    let misfit = faults.iter().all(|fault| matches!(fault, Fault::Misfit(_)));
    let errors = faults.into_iter().map(Error::from);
    if misfit {
        return Fault::Misfit(Error::joined(ErrorKind::InvalidConfig, errors));
    }
    Fault::Broken(Error::joined(ErrorKind::Unavailable, errors))
}
