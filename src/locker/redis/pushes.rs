//! What Redis says without having been asked: messages, and that a key has changed which was read. It
//! goes to whoever listens for that name, from every connection of the client. All of it is a hint: the
//! store is asked what there is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::reply::Reply;

/// The message to who waited, with its ticket behind: it holds the lock.
const HELD: &[u8] = b"held ";

/// So many keys are kept for one who listens to all; with more, any may have changed.
const MOST: usize = 10_000;

/// All who listen. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct Pushes(Arc<Mutex<ListenersByName>>);

#[derive(Default)]
struct ListenersByName {
    next: u64,
    by_name: HashMap<Vec<u8>, Vec<(u64, Arc<HeardPushes>)>>,
}

#[derive(Default)]
struct HeardPushes {
    anything: Notify,
    /// The ticket of the newest message that it is held; 0 if there was none.
    held: AtomicU64,
    /// The keys that were named, where all are listened for.
    keys: Mutex<Vec<Vec<u8>>>,
    /// Whether any other may have changed too.
    everything: AtomicBool,
}

/// Who listens for some names, until dropped.
pub(super) struct Listener {
    pushes: Pushes,
    number: u64,
    names: Vec<Vec<u8>>,
    heard: Arc<HeardPushes>,
}

/// By this name everything is listened for.
const ALL: &[u8] = b"";

impl Pushes {
    /// Listens for these keys and channels.
    pub(super) fn listen(&self, names: impl IntoIterator<Item = String>) -> Listener {
        self.listen_for(names.into_iter().map(String::into_bytes).collect())
    }

    /// Listens for every key.
    pub(super) fn listen_to_all(&self) -> Listener {
        self.listen_for(vec![ALL.to_vec()])
    }

    fn listen_for(&self, names: Vec<Vec<u8>>) -> Listener {
        let heard = Arc::new(HeardPushes::default());
        let mut listeners = self.listeners();
        listeners.next += 1;
        let number = listeners.next;
        for name in &names {
            let of_name = listeners.by_name.entry(name.clone()).or_default();
            of_name.push((number, heard.clone()));
        }
        drop(listeners);
        Listener {
            pushes: self.clone(),
            number,
            names,
            heard,
        }
    }

    /// Passes on what was pushed.
    pub(super) fn pass_on(&self, push: &[Reply]) {
        let named = |at: usize| push.get(at).map(Reply::text).unwrap_or_default();
        match named(0) {
            b"message" => self.wake(named(1), ticket(named(2))),
            b"invalidate" => match push.get(1) {
                Some(Reply::List(keys)) => {
                    for key in keys {
                        self.wake(key.text(), 0);
                    }
                }
                // All of them: the database was emptied.
                _ => self.wake_all(),
            },
            _ => {}
        }
    }

    /// Something may have been said that nobody heard.
    pub(super) fn wake_all(&self) {
        for (_, heard) in self.listeners().by_name.values().flatten() {
            heard.everything.store(true, Ordering::Release);
            heard.anything.notify_one();
        }
    }

    fn wake(&self, name: &[u8], held: u64) {
        let listeners = self.listeners();
        let of_name = listeners.by_name.get(name);
        for (_, heard) in of_name.into_iter().flatten() {
            heard.held.fetch_max(held, Ordering::AcqRel);
            heard.anything.notify_one();
        }
        for (_, heard) in listeners.by_name.get(ALL).into_iter().flatten() {
            let mut keys = heard.keys();
            if keys.len() < MOST {
                keys.push(name.to_vec());
            } else {
                heard.everything.store(true, Ordering::Release);
            }
            drop(keys);
            heard.anything.notify_one();
        }
    }

    fn listeners(&self) -> MutexGuard<'_, ListenersByName> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeardPushes {
    fn keys(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Ends when something was heard since the last call. Cancel-safe.
    pub(super) async fn anything(&self) {
        self.heard.anything.notified().await;
    }

    /// Whether it was ever said that the lock is held by this ticket.
    pub(super) fn holds(&self, ticket: u64) -> bool {
        self.heard.held.load(Ordering::Acquire) == ticket
    }

    /// The keys that were named since the last call; `None` where any may have changed.
    pub(super) fn take_keys(&self) -> Option<Vec<Vec<u8>>> {
        let keys = std::mem::take(&mut *self.heard.keys());
        let everything = self.heard.everything.swap(false, Ordering::AcqRel);
        (!everything).then_some(keys)
    }
}

/// The ticket in a message that says so; 0 is nobody's.
fn ticket(message: &[u8]) -> u64 {
    let ticket = message.strip_prefix(HELD).map(std::str::from_utf8);
    let ticket = ticket.and_then(|ticket| ticket.ok()?.parse().ok());
    ticket.unwrap_or(0)
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = self.pushes.listeners();
        for name in &self.names {
            if let Some(of_name) = listeners.by_name.get_mut(name) {
                of_name.retain(|(number, _)| *number != self.number);
                if of_name.is_empty() {
                    listeners.by_name.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, timeout};

    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    async fn heard(listener: &Listener) -> bool {
        let soon = timeout(Duration::from_millis(1), listener.anything());
        soon.await.is_ok()
    }

    #[tokio::test]
    async fn who_listens_hears_of_its_names_only() {
        let pushes = Pushes::default();
        let one = pushes.listen(["k".to_owned(), "c".to_owned()]);
        let all = pushes.listen_to_all();
        pushes.pass_on(&[text("invalidate"), Reply::List(vec![text("other")])]);
        assert!(!heard(&one).await && heard(&all).await);
        assert_eq!(all.take_keys().expect("keys"), [b"other"]);
        pushes.pass_on(&[text("invalidate"), Reply::List(vec![text("k")])]);
        assert!(heard(&one).await && !one.holds(17));
        pushes.pass_on(&[text("message"), text("c"), text("held 17")]);
        assert!(heard(&one).await && one.holds(17) && !one.holds(18));
        // It may be all, though some are named.
        pushes.pass_on(&[text("invalidate"), Reply::Null]);
        pushes.pass_on(&[text("invalidate"), Reply::List(vec![text("k")])]);
        assert!(heard(&one).await && heard(&all).await);
        assert_eq!(all.take_keys(), None);
        assert_eq!(all.take_keys(), Some(Vec::new()));
        for _ in 0..=MOST {
            pushes.pass_on(&[text("invalidate"), Reply::List(vec![text("k")])]);
        }
        assert_eq!(all.take_keys(), None, "more than are kept");
        drop(one);
        assert_eq!(pushes.listeners().by_name.len(), 1);
    }
}
