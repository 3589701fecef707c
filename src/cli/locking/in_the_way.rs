//! What stands in the way of a lock that was not acquired: each of its keys that is not free, and its holders.

use crate::cli::report::without_command;
use crate::cli::settings::LockOptions;
use crate::describe;
use crate::locker::operator::{Contender, Queue};
use crate::locker::{Mode, Operator};
use crate::progress::Seen;
use crate::report::BlockedKey;

/// So many keys are named, and so many holders of each.
const NAMED: usize = 3;

/// What is in the way of a lock.
pub(super) struct InTheWay<'a> {
    options: &'a LockOptions,
    /// Of each key that is not free.
    queues: Vec<Queue>,
}

impl<'a> InTheWay<'a> {
    /// Asks the store. If it does not answer, gives that in words.
    pub(super) async fn now(
        options: &'a LockOptions,
        seen: &Seen,
        store: &dyn Operator,
    ) -> Result<Self, String> {
        let request = options.request();
        let look = async {
            let mut queues = Vec::new();
            for key in request.keys() {
                let queue = store.glance(key).await?;
                let ahead = queue.contenders.iter().map(Contender::locks);
                if !request.mode().may_hold(ahead) {
                    queues.push(queue);
                }
            }
            Ok(queues)
        };
        let queues = seen.asked(look).await?;
        Ok(Self { options, queues })
    }

    /// By what the store has just said: that one of these holds the lock alone. `None` if it did not say so.
    pub(super) fn as_seen(options: &'a LockOptions, seen: &Seen) -> Option<Self> {
        let holder = seen.alone().filter(|_| options.asked.also.is_empty())?;
        let holder = Contender::new("").with_record(Some(holder));
        let queues = vec![Queue::new(&*options.key, vec![holder])];
        Some(Self { options, queues })
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.queues.is_empty()
    }

    /// On one line, behind the key that was asked for.
    pub(super) fn text(&self) -> String {
        let texts = self.queues.iter().take(NAMED).map(|queue| {
            let held = self.held(queue);
            match queue.key == self.options.key {
                true => held,
                false => format!("{}: {held}", describe::escape(&queue.key)),
            }
        });
        let mut text = texts.collect::<Vec<_>>().join("; ");
        match self.queues.len().saturating_sub(NAMED) {
            0 => {}
            1 => text.push_str("; and 1 more key"),
            more => text.push_str(&format!("; and {more} more keys")),
        }
        text
    }

    fn held(&self, queue: &Queue) -> String {
        let holders = queue.holders();
        let all = holders.len();
        let how = match holders.first().map(Contender::locks) {
            Some(Mode::OneOf(most)) if most as usize == all => format!("all {most} are taken:"),
            Some(Mode::OneOf(most)) => format!("held by {all} of {most}:"),
            Some(Mode::Shared) if all > 1 => format!("shared by {all}:"),
            _ => "held by".to_owned(),
        };
        let named = holders.iter().take(NAMED);
        let named = named.map(|holder| describe::holder(holder.record.as_ref()));
        let named = named.collect::<Vec<_>>().join(", ");
        let mut text = format!("{how} {named}");
        if let more @ 1.. = all.saturating_sub(NAMED) {
            text.push_str(&format!(", and {more} more"));
        }
        // Who could be beside those who hold does not pass one who waits and could not.
        let mode = self.options.request().mode();
        if mode.may_hold(holders.iter().map(Contender::locks)) {
            text.push_str(&format!(", and {} waiting", queue.waiters().len()));
        }
        if let [holder] = holders {
            text.push_str(&describe::notes(holder.record.as_ref()));
        }
        text
    }

    /// For the report: what its holders run is their own affair.
    pub(super) fn blocked_keys(&self) -> Vec<BlockedKey> {
        let blocked = self.queues.iter().map(|queue| {
            let holders = queue.holders();
            let named = holders.iter().take(NAMED);
            let named = named.filter_map(|holder| holder.record.as_ref());
            let named = named.map(without_command);
            BlockedKey::new(&*queue.key, holders.len(), named.collect())
        });
        blocked.collect()
    }
}
