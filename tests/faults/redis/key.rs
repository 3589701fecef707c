//! Somebody deletes the key of a lock, or writes to it: its holder hears of it at once.

use std::time::Duration;

use super::HeldLock;
use crate::genlock::{Store, output, within};
use crate::sections::Manners::Polite;
use crate::sections::now;
use crate::support::redis::RedisServer;
use crate::together;

/// So soon a holder is told.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn what_others_do_to_the_key_is_told_at_once() {
    let deleted = "its key was deleted";
    let written = "somebody else wrote to its key";
    let cases: [(&[&str], &str); 7] = [
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
        // As a request of its own would that came late, after another had held the lock.
        (
            &[
                "EVAL",
                "local token, id = string.match(redis.call('GET', KEYS[1]), '^genlock:(%d+):(%x+)$')
                 token = string.format('%.0f', token + 1)
                 return redis.call('SET', KEYS[1], 'genlock:' .. token .. ':' .. id, 'PX', 900)",
                "1",
                "/locks/k",
            ],
            deleted,
        ),
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

/// A proxy, or a user without the right: the next renewal tells of a loss then, and `-v` says so.
#[test]
fn where_redis_does_not_tell_of_it_that_is_said() {
    let server = RedisServer::start();
    let user = ["ACL", "SETUSER", "default", "-client|tracking"];
    assert_eq!(server.cli(&user), "OK");
    let store = Store::at(server.endpoint());
    let ended = output(store.run(&["-v"], &["true"]));
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let said = ended.stderr;
    assert!(
        said.contains("does not tell of keys that change (NOPERM"),
        "{said}"
    );
    output(store.run(&[], &["true"])).silent(0);
    let user = ["ACL", "SETUSER", "default", "+client|tracking"];
    assert_eq!(server.cli(&user), "OK");
    let said = output(store.run(&["-v"], &["true"])).stderr;
    assert!(!said.contains("does not tell"), "{said}");
}

#[test]
fn before_it_is_watched_it_is_seen_with_the_first_look() {
    within(SOON, || {
        let lock = HeldLock::start(RedisServer::start(), Polite);
        lock.server.cli(&["DEL", "/locks/k"]);
        lock.loses("its key was deleted", now())
    });
}
