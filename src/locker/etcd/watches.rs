//! One stream for all the watches over a connection. A server limits the streams of a connection
//! (--max-concurrent-streams), and every call needs one while it lasts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_client::{
    Client as EtcdClient, Error as EtcdError, WatchOptions, WatchRequestSender, WatchResponse,
    WatchResponseStream,
};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answer::LARGEST;

/// Locked while a stream is opened, so that others share it.
pub(super) type Slot = AsyncMutex<Option<Arc<WatchStream>>>;

type WatchAnswer = Result<WatchResponse, EtcdError>;

/// One watch over a shared stream. Its drop cancels it.
pub(super) struct SharedWatch {
    stream: Arc<WatchStream>,
    /// Its number on the stream, once etcd has given it.
    id: Option<i64>,
    answers: UnboundedReceiver<WatchAnswer>,
}

pub(super) struct WatchStream(Mutex<StreamState>);

struct StreamState {
    /// To send by; `None` once the stream has ended.
    orders: Option<UnboundedSender<StreamOrder>>,
    /// Whether it takes no further watch.
    retired: bool,
    /// Watches that etcd has not answered yet, in the order in which it will.
    asked: VecDeque<UnboundedSender<WatchAnswer>>,
    /// Watches that it has begun, by their numbers.
    open: HashMap<i64, UnboundedSender<WatchAnswer>>,
}

enum StreamOrder {
    Watch(Vec<u8>, WatchOptions),
    Cancel(i64),
}

/// Begins a watch over a connection, whose stream is in the slot, and gives its first answer, which
/// says that it is there.
pub(super) async fn open(
    client: &EtcdClient,
    slot: &Slot,
    key: Vec<u8>,
    options: WatchOptions,
) -> Result<(SharedWatch, Option<WatchResponse>), EtcdError> {
    loop {
        let (mut watch, fresh) = {
            let mut stream = slot.lock().await;
            let shared = stream.as_ref().and_then(|one| one.watch(&key, &options));
            let fresh = shared.is_none();
            let watch = match shared {
                Some(watch) => watch,
                None => {
                    let watch = WatchStream::open(client, key.clone(), options.clone()).await?;
                    *stream = Some(watch.stream.clone());
                    watch
                }
            };
            (watch, fresh)
        };
        let first = watch.message().await;
        let there = matches!(&first, Ok(Some(first)) if !first.canceled());
        if !there && !fresh {
            // The stream's login may be no longer valid: its watches are refused then.
            watch.stream.retire();
            continue;
        }
        let first = first?;
        // A watch that was refused has no number.
        let given = first.as_ref().filter(|_| there);
        watch.id = given.map(WatchResponse::watch_id);
        return Ok((watch, first));
    }
}

impl SharedWatch {
    /// The next answer; `None` when the stream has ended. Cancel-safe.
    pub(super) async fn message(&mut self) -> Result<Option<WatchResponse>, EtcdError> {
        self.answers.recv().await.transpose()
    }
}

impl Drop for SharedWatch {
    fn drop(&mut self) {
        // A watch that has no number yet is cancelled when etcd gives it one, which may be here unread.
        self.answers.close();
        let come = || {
            let first = self.answers.try_recv().ok()?.ok()?;
            (!first.canceled()).then(|| first.watch_id())
        };
        if let Some(id) = self.id.or_else(come) {
            self.stream.cancel(id);
        }
    }
}

impl WatchStream {
    /// Opens a stream along with its first watch.
    async fn open(
        client: &EtcdClient,
        key: Vec<u8>,
        options: WatchOptions,
    ) -> Result<SharedWatch, EtcdError> {
        let watches = client.watch_client();
        let mut watches = watches.max_decoding_message_size(LARGEST);
        let opened = watches.watch(key, Some(options)).await?;
        let (requests, responses) = opened.split();
        let (orders, ordered) = unbounded_channel();
        let (tell, answers) = unbounded_channel();
        let stream = Arc::new(Self(Mutex::new(StreamState {
            orders: Some(orders),
            retired: false,
            asked: VecDeque::from([tell]),
            open: HashMap::new(),
        })));
        tokio::spawn(send(requests, ordered));
        tokio::spawn(receive(Receiving(stream.clone()), responses));
        Ok(SharedWatch {
            stream,
            id: None,
            answers,
        })
    }

    /// Asks for another watch; `None` if the stream takes nothing more.
    fn watch(self: &Arc<Self>, key: &[u8], options: &WatchOptions) -> Option<SharedWatch> {
        let (tell, answers) = unbounded_channel();
        let mut state = self.state();
        if state.retired {
            return None;
        }
        let order = StreamOrder::Watch(key.to_vec(), options.clone());
        state.orders.as_ref()?.send(order).ok()?;
        state.asked.push_back(tell);
        Some(SharedWatch {
            stream: self.clone(),
            id: None,
            answers,
        })
    }

    fn cancel(&self, id: i64) {
        let mut state = self.state();
        if state.open.remove(&id).is_some() {
            state.order_cancel(id);
        }
    }

    /// Takes no further watch. Those that are there go on.
    fn retire(&self) {
        let mut state = self.state();
        state.retired = true;
    }

    /// Passes an answer on to its watch.
    fn note(&self, response: WatchResponse) {
        let (id, ended) = (response.watch_id(), response.canceled());
        let mut state = self.state();
        let tell = if response.created() {
            state.asked.pop_front()
        } else {
            state.open.remove(&id)
        };
        let Some(tell) = tell else {
            return;
        };
        let heard = tell.send(Ok(response)).is_ok();
        if ended {
            state.end_if_idle();
        } else if heard {
            state.open.insert(id, tell);
        } else {
            state.order_cancel(id);
        }
    }

    /// The stream has ended. The first watch gets the error itself, the others its text.
    fn over(&self, error: Option<EtcdError>) {
        let mut state = self.state();
        state.orders = None;
        let StreamState { asked, open, .. } = &mut *state;
        let told: Vec<_> = asked
            .drain(..)
            .chain(open.drain().map(|(_, tell)| tell))
            .collect();
        drop(state);
        let Some(error) = error else {
            return;
        };
        let text = error.to_string();
        let mut told = told.into_iter();
        if let Some(first) = told.next() {
            let _ = first.send(Err(error));
        }
        for other in told {
            let _ = other.send(Err(EtcdError::WatchError(text.clone())));
        }
    }

    fn state(&self) -> MutexGuard<'_, StreamState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamState {
    fn order_cancel(&mut self, id: i64) {
        self.end_if_idle();
        if let Some(orders) = &self.orders {
            // Fails if the sending task has ended, and with it the stream and all its watches.
            let _ = orders.send(StreamOrder::Cancel(id));
        }
    }

    /// The stream ends with its last watch.
    fn end_if_idle(&mut self) {
        if self.asked.is_empty() && self.open.is_empty() {
            self.orders = None;
        }
    }
}

/// Ends with the orders, and the stream with it.
async fn send(mut requests: WatchRequestSender, mut orders: UnboundedReceiver<StreamOrder>) {
    while let Some(order) = orders.recv().await {
        let sent = match order {
            StreamOrder::Watch(key, options) => requests.watch(key, Some(options)).await,
            StreamOrder::Cancel(id) => requests.cancel(id).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What the receiving task owns. Its drop, at the task's end or the runtime's, ends every watch.
struct Receiving(Arc<WatchStream>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.over(None);
    }
}

async fn receive(receiving: Receiving, mut responses: WatchResponseStream) {
    loop {
        match responses.message().await {
            Ok(Some(response)) => receiving.0.note(response),
            Ok(None) => return,
            Err(error) => return receiving.0.over(Some(error)),
        }
    }
}
