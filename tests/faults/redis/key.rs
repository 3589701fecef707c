//! Somebody deletes the key of a lock, or writes to it: its holder hears of it at once.

use std::time::Duration;

use super::HeldLock;
use crate::genlock::within;
use crate::sections::Manners::Polite;
use crate::sections::now;
use crate::support::redis::RedisServer;
use crate::together;

/// So soon a holder is told.
const SOON: Duration = Duration::from_millis(300);

#[test]
fn what_others_do_to_the_key_is_told_at_once() {
    let deleted = "its key was deleted";
    let written = "somebody else wrote to its key";
    let cases: [(&[&str], &str); 6] = [
        (&["DEL", "/locks/k"], deleted),
        (&["FLUSHALL"], deleted),
        (&["PEXPIRE", "/locks/k", "1"], deleted),
        (&["SET", "/locks/k", "mine", "PX", "200"], written),
        (
            &[
                "EVAL",
                "redis.call('DEL', KEYS[1]); return redis.call('HSET', KEYS[1], 'a', 'b') + redis.call('PEXPIRE', KEYS[1], 200)",
                "1",
                "/locks/k",
            ],
            written,
        ),
        (&["RENAME", "/locks/k", "/locks/other"], deleted),
    ];
    together(cases, |(command, why)| {
        within(SOON, || {
            let lock = HeldLock::start(RedisServer::start(), Polite);
            // Its key is watched by then.
            std::thread::sleep(Duration::from_millis(300));
            lock.server.cli(command);
            lock.loses(why, now())
        });
    });
}

#[test]
fn before_it_is_watched_it_is_seen_with_the_first_look() {
    within(SOON, || {
        let lock = HeldLock::start(RedisServer::start(), Polite);
        lock.server.cli(&["DEL", "/locks/k"]);
        lock.loses("its key was deleted", now())
    });
}
