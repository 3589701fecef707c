//! Servers that end by themselves, as a fault of theirs has them: each is told of at once and at the end. The
//! locks have to be right all the same.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::history::History;
use crate::sections::now;
use crate::support::server_process::OwnEnd;

/// One that ends again so soon after it was started, and so often, is not started again.
const SOON: Duration = Duration::from_secs(10);
const OFTEN: usize = 10;

/// So many lines at the end of a log are read for what it says of the end, and a line so far.
const LINES: usize = 1000;
const LENGTH: usize = 300;

/// What stands in the lines that say why: of etcd and Go, of Redis, of ZooKeeper and Java.
const WHY: [&str; 7] = [
    "panic",
    "SIG",
    "fatal",
    "crashed by signal",
    "ASSERTION FAILED",
    "OutOfMemoryError",
    "unrecoverable",
];

/// Those of each server, by its name.
#[derive(Default)]
pub(super) struct OwnEnds(BTreeMap<String, Ends>);

#[derive(Default)]
struct Ends {
    count: usize,
    /// How many of them came soon after the one before.
    in_a_row: usize,
    last: Duration,
    /// How long its log was then.
    logged: usize,
    how: String,
}

impl OwnEnds {
    /// Tells of one, keeps the server's log beside the history, and gives how it ended.
    pub(super) fn add(&mut self, server: String, end: &OwnEnd, history: &History) -> String {
        let ends = self.0.entry(server.clone()).or_default();
        let new = end.log.get(ends.logged..).unwrap_or(&end.log);
        let how = format!("{}: {}", end.status, words(new));
        println!("soak: {server} ended by itself, {how}");
        let log = format!("{}.log", server.replace([' ', '\''], "-"));
        fs::write(history.keep().join(log), &end.log).expect("a file");
        let is_soon = ends.count > 0 && now() - ends.last < SOON;
        ends.in_a_row = if is_soon { ends.in_a_row + 1 } else { 1 };
        assert!(ends.in_a_row < OFTEN, "{server} ends on and on, {how}");
        ends.count += 1;
        ends.logged = end.log.len();
        ends.last = now();
        ends.how.clone_from(&how);
        how
    }

    /// A line for each server that did.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.0.iter().map(|(server, ends)| {
            let (count, how) = (ends.count, &ends.how);
            format!("{server} ended by itself, {count} ×, the last time with {how}")
        });
        lines.collect()
    }
}

/// What the end of a log says of why: the first lines that do, and the last ones.
fn words(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = &lines[lines.len().saturating_sub(LINES)..];
    let says_why = |line: &&&str| WHY.iter().any(|word| line.contains(word));
    let why = lines.iter().filter(says_why).take(2);
    let last = &lines[lines.len().saturating_sub(2)..];
    let mut all: Vec<String> = Vec::new();
    for line in why.chain(last) {
        let line: String = line.trim().chars().take(LENGTH).collect();
        if !all.contains(&line) {
            all.push(line);
        }
    }
    all.join(" | ")
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::genlock::poll;
    use crate::process::is_dead;
    use crate::support::redis::RedisServer;

    #[test]
    fn the_reason_is_found_in_a_long_log() {
        let trace = "goroutine 1 [running]:\n".to_owned() + &"\tmain.go:1\n".repeat(50);
        let log = "started\n".repeat(500) + "panic: no sense\n\n" + &trace + "exit\n";
        assert_eq!(words(&log), "panic: no sense | main.go:1 | exit");
    }

    /// As a fault of its own would.
    fn crash(pid: i32) {
        let process = Pid::from_raw(pid).expect("a process");
        kill_process(process, Signal::SEGV).expect("a signal");
        poll("its end", || is_dead(pid));
    }

    #[test]
    fn one_that_ends_by_itself_is_told_of_and_started_again() {
        let mut server = RedisServer::start();
        assert!(server.revive().is_none());
        server.kill();
        assert!(server.revive().is_none(), "it was killed");
        server.restart();
        assert!(server.serves());
        let pid = server.pid() as i32;
        crash(pid);
        let mut end = None;
        // Its last threads may take a moment longer than its first one.
        poll("an end", || {
            end = server.revive();
            end.is_some()
        });
        let end = end.expect("an end");
        assert!(
            words(&end.log).contains("crashed by signal"),
            "{}",
            words(&end.log)
        );
        assert_ne!(server.pid() as i32, pid);
        assert!(server.revive().is_none(), "it was told of");
        assert!(server.serves());
        // One whose end nobody saw before it was killed.
        let pid = server.pid() as i32;
        crash(pid);
        server.kill();
        assert!(server.revive().is_some());
        assert!(server.revive().is_none());
        assert_ne!(server.cli(&["PING"]), "PONG", "it is down by our hand");
    }
}
