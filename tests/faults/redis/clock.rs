//! Somebody sets the server's clock, by which locks end there.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::HeldLock;
use crate::genlock::{Store, output};
use crate::sections::Manners::Polite;
use crate::sections::now;
use crate::support::redis::RedisServer;

/// A clock that is ahead of the real one by the seconds in a file. (libfaketime replaces more than that,
/// and Redis' allocator does not start under it.)
const CLOCK: &str = r#"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    char text[32] = {0};
    int file = open(getenv("CLOCK_AHEAD"), O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
        close(file);
    }
    struct timespec real;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec + atol(text);
    now->tv_usec = real.tv_nsec / 1000;
    return 0;
}
"#;

/// A Redis whose clock can be set; `None` where that cannot be built.
fn server(dir: &Path) -> Option<RedisServer> {
    let (source, built) = (dir.join("clock.c"), dir.join("clock.so"));
    std::fs::write(&source, CLOCK).expect("a file");
    set(dir, 0);
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&built).arg(&source);
    if !cc.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no C compiler here, to set Redis' clock");
        return None;
    }
    let built = built.to_str().expect("UTF-8").to_owned();
    let ahead = dir.join("ahead").to_str().expect("UTF-8").to_owned();
    let variables = [("LD_PRELOAD", built), ("CLOCK_AHEAD", ahead)];
    Some(RedisServer::with_variables(&variables))
}

/// Sets the server's clock to so many seconds from the real one.
fn set(dir: &Path, ahead: i64) {
    let new = dir.join("new");
    std::fs::write(&new, ahead.to_string()).expect("a file");
    std::fs::rename(new, dir.join("ahead")).expect("a rename");
}

/// What is assumed is broken: the lock has run out, and the next one has it. The holder is told as soon as
/// Redis deletes the key, and stopped; until then both run. The token orders them.
#[test]
fn set_forward_the_lock_is_given_to_the_next_and_its_holder_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(server) = server(dir.path()) else {
        return;
    };
    let lock = HeldLock::start(server, Polite);
    let first = token(&lock.server);
    // Its key is watched by then.
    std::thread::sleep(Duration::from_millis(300));
    let set_at = now();
    set(dir.path(), 61);
    crate::genlock::poll("the next one's lock", || token(&lock.server) > first);
    let took = lock.loses("its key was deleted", set_at);
    println!("told {took:?} after the clock was set");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// Nobody gets a lock too early, and tokens rise; a lock that nobody renews any more lasts longer.
#[test]
fn set_back_nothing_is_given_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(server) = server(dir.path()) else {
        return;
    };
    let store = Store::at(server.endpoint());
    let run = |script: &str| {
        // With a TTL that is renewed long after the clock was read.
        let ended = output(store.run(&["--try", "--ttl", "60s"], &["sh", "-c", script]));
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        ended.text().trim().parse::<u64>().expect("a token")
    };
    let first = run("echo $GENLOCK_HELD_TOKEN");
    set(dir.path(), -100);
    let second = run("echo $GENLOCK_HELD_TOKEN");
    assert!(second > first, "{second} after {first}");
    let held = format!(
        "echo -200 >{0}/new && mv {0}/new {0}/ahead && redis-cli -p {1} PTTL /locks/k >{0}/left; \
         redis-cli -p {1} SET /locks/k other NX >{0}/other; echo $GENLOCK_HELD_TOKEN",
        dir.path().display(),
        server.port(),
    );
    assert!(run(&held) > second);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("a file");
    assert_eq!(read("other").trim(), "");
    let left: u64 = read("left").trim().parse().expect("a number");
    assert!(left > 100_000, "{left}");
    assert_eq!(server.cli(&["EXISTS", "/locks/k"]), "0");
}

fn token(server: &RedisServer) -> u64 {
    let value = server.cli(&["GET", "/locks/k"]);
    let token = value.split(':').nth(1).unwrap_or_default();
    token.parse().unwrap_or(0)
}
