//! The endpoints as one store: every call goes to the endpoint that answered last, and to the next
//! one too when that one fails or is silent.

mod attempt;
mod round;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::dialler::{Connection, Dialler};
use super::endpoint::Endpoint;
use super::liveness::Liveness;
use super::protocol::Protocol;
use super::random;
use crate::error::{Error, ErrorKind, Result, Setting, Subject};
use crate::locker::fault::Fault;
use crate::locker::{BoxFuture, Config, Options};
use round::Round;

/// What a member is asked, and gives a `T` for: one type for all such calls, since what asks is large
/// and is compiled for each type anew.
type MemberCall<D, T> = Arc<dyn Fn(Arc<<D as Dialler>::Client>) -> MemberReply<D, T> + Send + Sync>;

type MemberReply<D, T> = BoxFuture<'static, Result<T, <D as Dialler>::Error>>;

fn member_call<D, T, F, Fut>(op: F) -> MemberCall<D, T>
where
    D: Dialler,
    F: Fn(Arc<D::Client>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, D::Error>> + Send + 'static,
{
    Arc::new(move |client| Box::pin(op(client)))
}

/// The endpoints of one store.
pub(crate) struct Members<D: Dialler> {
    members: Vec<MemberState<D::Client>>,
    dialler: D,
    /// The member that answered last.
    current: AtomicUsize,
    /// Counts the times that `current`, or its connection, was given up.
    moved: watch::Sender<u64>,
    heard: AtomicBool,
    dial_timeout: Duration,
    pub(crate) command_timeout: Duration,
    retry_interval: Duration,
}

struct MemberState<C> {
    endpoint: Endpoint,
    liveness: Liveness,
    /// Locked while it is dialled, so that several calls share one connection.
    connection: Mutex<Option<Connection<C>>>,
    /// Locked while another one is dialled because that one is silent.
    dialling_beside: Mutex<()>,
}

impl<D: Dialler> Members<D> {
    /// The endpoints of `config`. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the endpoint at fault.
    pub(crate) fn new(dialler: D, config: &Config, options: &Options) -> Result<Self> {
        let endpoints = config.servers(D::PROTOCOL)?.into_iter();
        let members: Vec<_> = endpoints
            .map(|endpoint| MemberState {
                endpoint,
                liveness: Liveness::default(),
                connection: Mutex::new(None),
                dialling_beside: Mutex::new(()),
            })
            .collect();
        // Each client begins with a random one, so that they spread their load.
        let start = random::random()? as usize % members.len();
        Ok(Self {
            members,
            dialler,
            current: AtomicUsize::new(start),
            moved: watch::Sender::new(0),
            heard: AtomicBool::new(false),
            dial_timeout: config.dial_timeout,
            command_timeout: config.command_timeout,
            retry_interval: options.retry_interval,
        })
    }

    /// Changes whenever streams should be opened anew: another member is the current one, or its
    /// connection was given up.
    #[cfg(any(test, feature = "etcd"))]
    pub(crate) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Whether any member ever answered.
    pub(crate) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Runs `op` until it succeeds at some member, the store refuses it, or `within` is over; before
    /// any member has shown a sign of life the bound is the time to dial. `op` may reach the store
    /// more than once.
    ///
    /// Dropping the future abandons the attempts; the store may still carry them out.
    pub(crate) async fn call<T, F, Fut>(
        self: &Arc<Self>,
        within: Duration,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<D::Client>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, D::Error>> + Send + 'static,
    {
        self.call_in_rounds(within, member_call::<D, _, _, _>(op))
            .await
    }

    async fn call_in_rounds<T: Send + 'static>(
        self: &Arc<Self>,
        within: Duration,
        op: MemberCall<D, T>,
    ) -> Result<T, Fault> {
        let bound = Bound::new(self, within, within / 4);
        // What came of each member: nothing yet, or why it failed.
        let mut faults: Vec<Option<Fault>> = vec![None; self.members.len()];
        loop {
            if let Some(result) = self.round(&bound, &mut faults, &op).await {
                return result;
            }
            // Every member has failed. If none will ever do, waiting does not help.
            let lasting = |fault: &Option<Fault>| matches!(fault, Some(Fault::Misfit(..)));
            let pause_ends = Instant::now() + self.retry_interval;
            if faults.iter().all(lasting) || pause_ends >= bound.end() {
                return Err(self.unreachable(&faults));
            }
            sleep(self.retry_interval).await;
        }
    }

    /// The same, but after a shorter silence another connection is dialled, and there is no further
    /// round when every endpoint has failed: for callers that ask again by themselves.
    pub(crate) async fn ask<T, F, Fut>(
        self: &Arc<Self>,
        within: Duration,
        op: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(Arc<D::Client>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, D::Error>> + Send + 'static,
    {
        self.ask_in_one_round(within, member_call::<D, _, _, _>(op))
            .await
    }

    async fn ask_in_one_round<T: Send + 'static>(
        self: &Arc<Self>,
        within: Duration,
        op: MemberCall<D, T>,
    ) -> Result<T, Fault> {
        let bound = Bound::new(self, within, within / 8);
        let mut faults: Vec<Option<Fault>> = vec![None; self.members.len()];
        match self.round(&bound, &mut faults, &op).await {
            Some(result) => result,
            None => Err(self.unreachable(&faults)),
        }
    }

    /// One round; `None` if every endpoint has failed.
    async fn round<T: Send + 'static>(
        self: &Arc<Self>,
        bound: &Bound<'_, D>,
        faults: &mut Vec<Option<Fault>>,
        op: &MemberCall<D, T>,
    ) -> Option<Result<T, Fault>> {
        let mut round = Round::new(self, bound, faults);
        let ended = {
            let mut run = pin!(round.run(op));
            loop {
                let end = bound.end();
                match timeout_at(end, &mut run).await {
                    Ok(ended) => break Ok(ended),
                    Err(_) if bound.end() > end => {}
                    Err(_) => break Err(bound.time()),
                }
            }
        };
        match ended {
            Ok(result) => result,
            Err(within) => {
                round.give_up_silent(within);
                Some(Err(self.unreachable(faults)))
            }
        }
    }

    /// Gives a connection up: TCP takes long to find out that a network was cut and is back.
    fn forget(&self, index: usize) {
        // Where this is locked the member is being dialled: there is no old connection.
        if let Ok(mut connection) = self.members[index].connection.try_lock()
            && connection.take().is_some()
        {
            self.note_move(index);
        }
    }

    /// A member's connection was given up.
    fn note_move(&self, index: usize) {
        if index == self.current.load(Ordering::Relaxed) {
            self.moved.send_modify(|moves| *moves += 1);
        }
    }

    /// How often anything was heard of any member.
    pub(crate) fn signs_of_life(&self) -> usize {
        self.members
            .iter()
            .map(|member| member.liveness.count())
            .sum()
    }

    /// The fault where no member has answered for so long.
    pub(crate) fn silent(&self, within: Duration) -> Fault {
        self.unreachable(&vec![Some(Fault::silent(within)); self.members.len()])
    }

    /// The fault where all have failed: every endpoint with its reason.
    fn unreachable(&self, faults: &[Option<Fault>]) -> Fault {
        let mut misfits = faults.iter().map(|fault| match fault {
            Some(Fault::Misfit(error)) => Some(error.kind()),
            _ => None,
        });
        let first = misfits.next().flatten();
        let kind = first.filter(|_| misfits.all(|kind| kind.is_some()));
        let errors = self.members.iter().zip(faults).map(|(member, fault)| {
            let not_asked = || Error::new(ErrorKind::Unavailable, "not asked");
            let error = fault.clone().map_or_else(not_asked, Error::from);
            error.of(Subject::Endpoint(member.endpoint.to_string()))
        });
        match kind {
            Some(kind) => Fault::Misfit(Error::joined(kind, errors)),
            None => {
                let all = Error::joined(ErrorKind::Unavailable, errors);
                Fault::Broken(all.context(format!("cannot reach {}", D::PROTOCOL.store)))
            }
        }
    }
}

impl Config {
    /// The endpoints, as the protocol's clients read them: one at least.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], with the endpoint at fault.
    pub(crate) fn servers(&self, protocol: &Protocol) -> Result<Vec<Endpoint>> {
        let tls = self.tls.is_wanted();
        let endpoints = match &self.endpoints {
            Some(endpoints) => Endpoint::all(endpoints, tls, protocol)?,
            None => Endpoint::all(&[protocol.default_endpoint.to_owned()], tls, protocol)?,
        };
        if endpoints.is_empty() {
            let error = Error::new(ErrorKind::InvalidConfig, "there is no endpoint");
            return Err(error.about([Setting::Endpoints]));
        }
        Ok(endpoints)
    }
}

/// When a call ends.
struct Bound<'a, D: Dialler> {
    store: &'a Members<D>,
    start: Instant,
    within: Duration,
    /// After so long without any sign of life of a member another connection to it is dialled.
    silence: Duration,
    /// How often anything had been heard of each member at the start.
    counts: Vec<usize>,
}

impl<'a, D: Dialler> Bound<'a, D> {
    fn new(store: &'a Members<D>, within: Duration, silence: Duration) -> Self {
        Self {
            store,
            start: Instant::now(),
            within,
            silence,
            counts: store.members.iter().map(|m| m.liveness.count()).collect(),
        }
    }

    /// How long it may take: the time to dial, or `within` after the first sign of life.
    fn time(&self) -> Duration {
        let mut members = self.store.members.iter().zip(&self.counts);
        if self.store.heard() || members.any(|(member, &count)| member.liveness.beats_since(count))
        {
            self.within
        } else {
            self.within.min(self.store.dial_timeout)
        }
    }

    fn end(&self) -> Instant {
        self.start + self.time()
    }
}
