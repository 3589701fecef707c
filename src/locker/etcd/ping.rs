//! Pings of one lease, over keep-alive streams, and the reads that go with them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use etcd_client::{GetOptions, LeaseKeepAliveStream, LeaseKeeper, ResponseHeader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::dial::Client;
use super::fault::Fault;
use crate::clock::Instant;

/// The newest term that was heard over each connection: its member knows that one at least.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Term>>>);

/// A term, and the connection over which it was heard.
type Term = (Weak<etcd_client::Client>, u64);

impl Heard {
    /// An answer over this connection was of that term.
    pub(super) fn note(&self, client: &Client, header: Option<&ResponseHeader>) {
        let term = header.map_or(0, ResponseHeader::raft_term);
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|(client, _)| client.strong_count() > 0);
        let is_this = |(other, _): &&mut Term| Weak::as_ptr(other) == Arc::as_ptr(client);
        match heard.iter_mut().find(is_this) {
            Some((_, newest)) => *newest = term.max(*newest),
            None => heard.push((Arc::downgrade(client), term)),
        }
    }

    /// The newest term over this connection; 0 if nothing was heard.
    fn of(&self, client: &Client) -> u64 {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = heard.iter();
        let found = heard.find(|(other, _)| Weak::as_ptr(other) == Arc::as_ptr(client));
        found.map_or(0, |(_, term)| *term)
    }
}

/// A ping that was answered.
pub(super) struct Pinged {
    /// When it began to leave.
    pub(super) sent: Instant,
    /// A term that the member knew before it renewed.
    pub(super) term: u64,
}

/// A stream that was opened, which pings once.
pub(super) struct Opened {
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
    /// The client library does not show the answer: the term is one that was heard before.
    pub(super) pinged: Pinged,
}

/// Opens a stream.
pub(super) async fn open(
    client: Client,
    lease: i64,
    heard: Heard,
) -> Result<Opened, etcd_client::Error> {
    let pinged = Pinged {
        term: heard.of(&client),
        sent: Instant::now(),
    };
    let (keeper, answers) = client.lease_client().keep_alive(lease).await?;
    Ok(Opened {
        keeper,
        answers,
        pinged,
    })
}

/// Reads what only a majority can answer: when that began to leave, and the term. The key is of no
/// concern: a user may be allowed to read no other.
pub(super) async fn read(
    client: Client,
    key: String,
    heard: Heard,
) -> Result<(u64, Instant), etcd_client::Error> {
    let sent = Instant::now();
    let count = GetOptions::new().with_count_only();
    let answer = client.kv_client().get(key, Some(count)).await?;
    heard.note(&client, answer.header());
    Ok((answer.header().map_or(0, ResponseHeader::raft_term), sent))
}

/// What is heard over a stream, which has a number.
pub(super) enum Word {
    Pinged(u64, Pinged),
    Ended(u64, Fault),
}

/// A stream on which several pings may be under way. They are answered in their order.
pub(super) struct Stream {
    pub(super) number: u64,
    keeper: LeaseKeeper,
    sendings: UnboundedSender<Instant>,
    pub(super) unanswered: usize,
}

impl Stream {
    /// Has what it says passed on by one of `tasks`. Dropped, it takes no more pings, but those
    /// under way are answered.
    pub(super) fn new<T: From<Word> + Send + 'static>(
        number: u64,
        opened: Opened,
        tasks: &mut JoinSet<()>,
        tell: UnboundedSender<T>,
    ) -> Self {
        let (sendings, sent) = unbounded_channel();
        tasks.spawn(listen(number, opened.answers, sent, tell));
        Self {
            number,
            keeper: opened.keeper,
            sendings,
            unanswered: 0,
        }
    }

    /// Pings. False if the stream has ended.
    pub(super) async fn ping(&mut self) -> bool {
        let sent = self.sendings.send(Instant::now());
        self.unanswered += 1;
        sent.is_ok() && self.keeper.keep_alive().await.is_ok()
    }
}

async fn listen<T: From<Word>>(
    number: u64,
    mut answers: LeaseKeepAliveStream,
    mut sent: UnboundedReceiver<Instant>,
    tell: UnboundedSender<T>,
) {
    let fault = loop {
        let answer = match answers.message().await {
            Ok(Some(answer)) if answer.ttl() > 0 => answer,
            Ok(Some(_)) => break Fault::LeaseNotFound,
            Ok(None) => break Fault::Broken("the stream was closed".to_owned()),
            Err(error) => break Fault::from(error),
        };
        let Some(sent) = sent.recv().await else {
            return;
        };
        // The term in the answer is from before the renewal (leaseKeepAlive,
        // server/etcdserver/api/v3rpc/lease.go).
        let term = answer.header().map_or(0, ResponseHeader::raft_term);
        let _ = tell.send(Word::Pinged(number, Pinged { sent, term }).into());
    };
    let _ = tell.send(Word::Ended(number, fault).into());
}
