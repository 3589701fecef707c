//! The bench's own client of etcd: holds a lock that others queue for, and looks at the queue.

use std::thread::sleep;
use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions, SortOrder, SortTarget};
use tokio::runtime::Runtime;

use crate::floor::{acquire, connect, fresh_lease};

/// The bench's own locks are not renewed: longer than it takes, in seconds.
const TTL: i64 = 300;

pub(crate) struct Observer {
    runtime: Runtime,
    client: Client,
}

impl Observer {
    pub(crate) fn new(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(connect(address)).expect("etcd");
        Self { runtime, client }
    }

    /// Takes a free lock; gives its lease.
    pub(crate) fn hold(&self, key: &str) -> i64 {
        let lease = fresh_lease();
        let acquired = self
            .runtime
            .block_on(acquire(&self.client, key, lease, TTL));
        acquired.expect("the lock");
        lease
    }

    pub(crate) fn release(&self, lease: i64) {
        let mut leases = self.client.lease_client();
        let released = self.runtime.block_on(leases.revoke(lease));
        released.expect("a release");
    }

    /// The values of the keys in the queue, the oldest first.
    pub(crate) fn queue(&self, key: &str) -> Vec<Vec<u8>> {
        let all = GetOptions::new()
            .with_prefix()
            .with_sort(SortTarget::Create, SortOrder::Ascend);
        let mut kv = self.client.kv_client();
        let found = self.runtime.block_on(kv.get(format!("{key}/"), Some(all)));
        let kvs = found.expect("the queue").take_kvs();
        kvs.into_iter().map(|kv| kv.into_key_value().1).collect()
    }

    /// How many keys are in the queue.
    pub(crate) fn places(&self, key: &str) -> usize {
        let count = GetOptions::new().with_prefix().with_count_only();
        let mut kv = self.client.kv_client();
        let get = kv.get(format!("{key}/"), Some(count));
        self.runtime.block_on(get).expect("the queue").count() as usize
    }

    /// Waits until there are so many; false if that takes too long.
    pub(crate) fn until_queued(&self, key: &str, places: usize, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if self.places(key) >= places {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }
}
