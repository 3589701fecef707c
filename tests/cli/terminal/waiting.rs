//! Waiting for a lock at a terminal.

use std::fs;
use std::time::Duration;

use crate::genlock::{Store, poll};
use crate::process::is_dead;
use crate::pty::{INTERRUPT, Shell};

#[test]
fn ctrl_c_ends_a_wait() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo ran; echo not reached");
    shell.until("held for");
    shell.send(INTERRUPT);
    let shown = shell.prompt();
    assert!(!shown.contains("ran"), "{shown:?}");
    assert_eq!(shell.command("echo status:$?").trim(), "status:130");
    assert!(!is_dead(holder.pid()));
}

#[test]
fn the_live_line_of_a_wait_is_gone_before_the_command_speaks() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo fir''st");
    let waiting = shell.until("held for");
    assert!(waiting.contains("waiting"), "{waiting:?}");
    holder.end();
    let shown = shell.until("first\r\n");
    // What a terminal shows of it: the line was erased, and is not drawn again.
    let last = shown.rsplit("\x1b[2K").next().expect("a part");
    assert!(
        !last.contains("waiting") && !last.contains("held for"),
        "{shown:?}"
    );
    assert!(shown.contains("\x1b[2K"), "{shown:?}");
    let line = last.trim_start_matches('\r').trim_end();
    assert_eq!(line, "first", "{shown:?}");
    shell.prompt();
}

#[test]
fn a_short_wait_shows_nothing() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    let shown = shell.command("genlock run k echo fir''st");
    assert_eq!(shown, "first\r\n");
}

#[test]
fn a_wait_with_stderr_elsewhere_is_told_there() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo fir''st 2>err");
    poll("the line", || {
        fs::read_to_string(store.path("err")).is_ok_and(|text| text.ends_with('\n'))
    });
    holder.end();
    assert_eq!(shell.prompt(), "first\r\n");
}

#[test]
fn a_wait_in_the_background_does_not_draw() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo r''an & wait; echo is:$((1+1))");
    shell.until("genlock: waiting for k: held by");
    // Longer than a live line waits to be drawn.
    std::thread::sleep(Duration::from_millis(300));
    holder.end();
    let shown = shell.until("is:2");
    assert!(shown.contains("ran"), "{shown:?}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
}
