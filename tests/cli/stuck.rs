//! A stderr that takes nothing: a pipe that nobody reads (`2>&1 | less`), a socket (a dead ssh), a
//! terminal that was stopped (Ctrl-S). Nothing that genlock says holds it up.

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use crate::genlock::{Run, Store, poll};
use crate::process::{is_dead, parent};
use crate::pty::Shell;

const STOP: &str = "\x13";
const GO_ON: &str = "\x11";

/// Both ends of what is full: one to read from, and one to write to.
struct Full(
    #[expect(dead_code, reason = "it stays open")] OwnedFd,
    OwnedFd,
);

impl Full {
    fn pipe() -> Self {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        Self::fill(ours, theirs)
    }

    fn socket() -> Self {
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .expect("a pair");
        Self::fill(ours, theirs)
    }

    fn fill(ours: OwnedFd, theirs: OwnedFd) -> Self {
        let flags = fcntl_getfl(&theirs).expect("flags");
        fcntl_setfl(&theirs, flags | OFlags::NONBLOCK).expect("flags");
        for size in [4096, 1] {
            while rustix::io::write(&theirs, &vec![b'x'; size]).is_ok() {}
        }
        fcntl_setfl(&theirs, flags).expect("flags");
        Self(ours, theirs)
    }

    fn stderr(&self) -> Stdio {
        self.1.try_clone().expect("a descriptor").into()
    }
}

#[test]
fn a_waiter_gets_its_turn() {
    for full in [Full::pipe(), Full::socket()] {
        let store = Store::etcd();
        let holder = store.hold();
        let genlock = store.run(&["-vv"], &["echo", "ran"]);
        let waiter = Run::start_on(genlock, full.stderr());
        poll("its place", || store.entries().len() == 2);
        // Long enough for a word of whom it waits for.
        std::thread::sleep(Duration::from_millis(300));
        holder.end();
        waiter.says("ran");
        let run = waiter.finish();
        assert_eq!(run.status.code(), Some(0));
    }
}

#[test]
fn a_holder_renews_and_ends() {
    let store = Store::etcd();
    let full = Full::pipe();
    let genlock = store.run(&["-vv", "--ttl", "2"], &["sleep", "5"]);
    let run = Run::start_on(genlock, full.stderr()).finish();
    assert_eq!(run.status.code(), Some(0));
    assert!(store.entries().is_empty());
}

#[test]
fn a_loss_ends_it_at_a_terminal_that_was_stopped() {
    let store = Store::etcd();
    let mut shell = Shell::start(&store);
    let key = &store.key;
    shell.line(&format!(
        "genlock run -vv {key} sh -c 'echo ready $$; exec sleep 600'"
    ));
    let command = shell.ready();
    let genlock = parent(parent(command));
    shell.send(STOP);
    let server = store.server().expect("an etcd");
    server.ctl(&["del", &format!("{key}/"), "--prefix"]);
    poll("genlock's end", || is_dead(genlock));
    assert!(is_dead(command));
    shell.send(GO_ON);
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:80");
}

#[test]
fn a_waiter_gets_its_turn_at_a_terminal_that_was_stopped() {
    let store = Store::etcd();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run {} touch ran", store.key));
    shell.until(" holds ");
    shell.send(STOP);
    // The live line is drawn anew every second.
    std::thread::sleep(Duration::from_millis(2500));
    holder.end();
    poll("its turn", || store.path("ran").exists());
    poll("a free lock", || store.entries().is_empty());
    shell.send(GO_ON);
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:0");
}
