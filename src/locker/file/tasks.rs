//! The tasks of one client that wait for the same lock, in the order of their calls, which flock(2)
//! does not keep. Only the first of them has the file open and tries to lock it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync;

/// By key. A queue is there for as long as somebody is in it.
#[derive(Default)]
pub(super) struct TaskQueues(Mutex<HashMap<String, Weak<sync::Mutex<()>>>>);

/// The first place of a queue, until dropped.
pub(super) struct FirstPlace {
    _place: sync::OwnedMutexGuard<()>,
}

impl TaskQueues {
    /// Queues up when it is first polled, and waits for the first place. Cancel-safe: dropping it
    /// leaves the queue.
    pub(super) async fn first(&self, key: &str) -> FirstPlace {
        let queue = self.of(key);
        // tokio's mutex is fair: first come, first served.
        let _place = queue.lock_owned().await;
        FirstPlace { _place }
    }

    /// Whether nobody waits for this lock.
    pub(super) fn is_empty(&self, key: &str) -> bool {
        let queues = self.queues();
        queues
            .get(key)
            .is_none_or(|queue| queue.strong_count() == 0)
    }

    fn of(&self, key: &str) -> Arc<sync::Mutex<()>> {
        let mut queues = self.queues();
        if let Some(queue) = queues.get(key).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::default();
        queues.insert(key.to_owned(), Arc::downgrade(&queue));
        queue
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<String, Weak<sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
