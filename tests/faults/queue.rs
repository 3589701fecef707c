//! A lock with a holder and two waiters, of whom a fault hits the first.

use std::time::Duration;

use crate::genlock::{Run, Store, poll};
use crate::proxy::{Proxy, Way};
use crate::sections::Manners::Polite;
use crate::sections::Sections;
use crate::{WITH_TTL, next};

/// The lock, whose server the test has for itself.
pub(crate) struct Queue<S> {
    pub(crate) server: S,
    pub(crate) proxy: Proxy,
    store: Store,
    pub(crate) log: Sections,
    pub(crate) holder: Run,
    pub(crate) hit: Run,
    pub(crate) other: Run,
}

impl<S> Queue<S> {
    /// The first waiter is the one that the fault hits; it comes through the proxy. The other one
    /// holds the lock for so long.
    pub(crate) fn start(server: S, endpoint: &str, time: Duration) -> Self {
        let proxy = Proxy::before(endpoint);
        let store = Store::at(endpoint);
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("holder", Polite)));
        holder.ready();
        let hit = next(&Store::at(proxy.endpoint()), &log, "hit");
        let other = Run::start(store.sh(&WITH_TTL, &log.beats_for("other", time)));
        other.complains("waiting for");
        Self {
            server,
            proxy,
            store,
            log,
            holder,
            hit,
            other,
        }
    }

    /// Does this to all that flows between the first waiter and the store.
    pub(crate) fn hold_up(&self, change: impl Fn(&Proxy, Way)) {
        for way in [Way::Requests, Way::Answers] {
            change(&self.proxy, way);
        }
    }

    /// Ends the holder; then those in `order` run, after one another, and leave nothing behind.
    pub(crate) fn check(self, order: &[&str], is_empty: impl Fn(&S) -> bool) {
        self.holder.end();
        let other = self.other.finish();
        assert_eq!(other.status.code(), Some(0), "{other:?}");
        other.waited();
        if order.contains(&"hit") {
            let hit = self.hit.finish();
            assert_eq!(hit.status.code(), Some(0), "{hit:?}");
            let lost = hit.stderr.lines().find(|line| line.contains("lost the"));
            println!("{}", lost.expect("a line that says so"));
            assert!(hit.stderr.contains("queueing anew"), "{hit:?}");
        }
        let sections = self.log.check(order.len());
        let runs: Vec<_> = sections.iter().map(|section| &*section.run).collect();
        assert_eq!(runs, order);
        poll("an empty store", || is_empty(&self.server));
        assert!(self.store.is_free());
    }
}
