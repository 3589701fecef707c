//! The faults over Redis: of the server, of its holder, of who waits.

mod by_hand;
mod clock;
mod holder;
mod key;
mod server;
mod waiter;

use std::time::Duration;

use crate::genlock::{Run, Store};
use crate::sections::{Manners, Sections};
use crate::support::redis::RedisServer;
use crate::{WITH_TTL, next};

/// A lock with a holder and somebody who waits, on a server of the test's own.
struct HeldLock {
    server: RedisServer,
    log: Sections,
    holder: Run,
    next: Run,
    store: Store,
}

impl HeldLock {
    fn start(server: RedisServer, manners: Manners) -> Self {
        let store = Store::at(server.endpoint());
        let log = Sections::new(store.directory());
        let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", manners)));
        holder.ready();
        let next = next(&store, &log, "next");
        Self {
            server,
            log,
            holder,
            next,
            store,
        }
    }

    /// Demands that the holder lost its lock, for this reason, and gives how long after `from` it was told
    /// of it; then the next one runs alone.
    fn loses(self, why: &str, from: Duration) -> Duration {
        let holder = self.holder.finish();
        assert_eq!(holder.status.code(), Some(80), "{holder:?}");
        let line = holder.one_line();
        assert!(line.contains(why), "{line}");
        let told = self.log.of("first").told.expect("a SIGTERM");
        let told = told.saturating_sub(from);
        println!("{why}: told after {told:?}");
        let next = self.next.finish();
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        drop((self.store, self.server));
        told
    }
}
