//! The lock that a verb takes: opened, waited for and released here, whatever is done while it is held.

mod around;
mod events;
mod in_the_way;
mod joined;
mod keeping;
mod lines;
mod not_acquired;
mod once;
mod release;
mod state;
mod waiting;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{LockOptions, Settings};
use super::store::Store;
use super::times;
use crate::clock::Instant;
use crate::events::{Event, EventKind};
use crate::locker::kind::StoreClient;
use crate::locker::{Capability, Options, Record};
use crate::progress::{self, Seen};
use crate::supervise::footprint;
pub(super) use events::EventStream;
pub(super) use keeping::{Keeping, say_unwritten};
use lines::LockLines;
pub(super) use once::Begun;
pub(super) use release::LettingGo;
pub(super) use state::FirstAhead;
pub(super) use waiting::NotHeld;

/// The lock of one verb, from the settings to the release. It knows nothing of a command: what is done
/// between [`Locking::wait`] and [`Locking::release`] is the verb's own.
pub(super) struct Locking<'a> {
    options: &'a LockOptions,
    store: Arc<dyn StoreClient>,
    endpoints: String,
    events: EventStream,
    seen: Seen,
    /// When the store is asked first.
    start: Instant,
    /// Who takes the lock, as others see it.
    holder: Record,
    /// The token under which a mark was set for a command that was not started since.
    unused: Cell<Option<u64>>,
}

/// The store that the options name.
///
/// # Errors
/// The store cannot be meant, or cannot do what is asked for, or its locks expire, and the TTL has no room
/// for the time between SIGTERM and SIGKILL. What does not go together.
pub(super) fn store(options: &LockOptions, settings: &Settings) -> anyhow::Result<Store> {
    options.check_modes()?;
    let store = Store::of(&options.connection)?;
    let able = store.kind.capabilities;
    if options.once.is_some() {
        able.check(&options.key, Capability::Marks)?;
    }
    options.request().check_capabilities(able)?;
    let runs_out = able.expires || options.no_renew;
    if let Some(grace) = options.kill_after.filter(|_| runs_out) {
        let origins = ["kill-after", "ttl"].map(|key| settings.origin(key));
        times::check(options.ttl, grace, !options.no_renew, origins)?;
    }
    Ok(store)
}

impl<'a> Locking<'a> {
    /// Opens the store, which sends nothing yet. It is asked after the `delay`, and the limit of the wait
    /// counts from then on. `command` is for the holder's record. `reader` is called with every event,
    /// after the verb's own state and the lines on stderr.
    pub(super) fn open(
        options: &'a LockOptions,
        store: Store,
        delay: Duration,
        command: String,
        reader: impl Fn(&Event) + Send + Sync + 'static,
    ) -> crate::Result<Self> {
        let (start, seen) = (Instant::now() + delay, Seen::default());
        let lines = LockLines::new(options, seen.clone(), start);
        let shown = seen.clone();
        let events = EventStream::new(&options.key, move |event| {
            shown.note(event);
            lines.read(event);
            reader(event);
            // Whoever renews has begun, and holds from then on.
            if let EventKind::Renewed(_) = event.what {
                footprint::give_back();
            }
        });
        let holder = Record {
            command,
            reason: options.notes.reason.clone(),
            labels: options.notes.labels.clone(),
            ..Record::of_this_process()
        };
        let holder = holder.locking(options.asked.mode, options.asked.queue);
        Ok(Self {
            options,
            endpoints: store.endpoints(),
            store: store.open(Options {
                ttl: options.ttl,
                retry_interval: options.retry_interval,
                auto_renew: !options.no_renew,
                grace: options.kill_after,
                follow_queue: !options.quiet && progress::is_live(),
                holder: holder.clone(),
                observer: Some(events.observer()),
            })?,
            events,
            seen,
            start,
            holder,
            unused: Cell::new(None),
        })
    }

    /// The store's client, for questions about the lock while it is held.
    pub(super) fn store(&self) -> &Arc<dyn StoreClient> {
        &self.store
    }

    /// Who takes the lock, as others see it.
    pub(super) fn holder(&self) -> &Record {
        &self.holder
    }

    /// Where the lock is kept, as `--endpoints` takes it, from any working directory.
    pub(super) fn endpoints(&self) -> &str {
        &self.endpoints
    }

    /// The events of the lock, to tell more of them and to decide by.
    pub(super) fn events(&self) -> &EventStream {
        &self.events
    }
}
