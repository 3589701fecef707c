//! Waiting for a lock at a terminal.

use std::fs;
use std::time::Duration;

use crate::genlock::{Store, poll};
use crate::process::is_dead;
use crate::pty::{ERASE, INTERRUPT, Shell};

#[test]
fn ctrl_c_ends_a_wait() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo ran; echo not reached");
    shell.until("holds k for");
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
    shell.until("holds k for");
    holder.end();
    let shown = shell.until("first\r\n");
    // What a terminal shows of it: the line was erased, and is not drawn again.
    let (_, last) = shown.rsplit_once(ERASE).expect("erased");
    let lines: Vec<_> = last.lines().collect();
    assert!(
        lines[0].starts_with("genlock: k: acquired after "),
        "{shown:?}"
    );
    assert_eq!(lines[1..], ["first"], "{shown:?}");
    shell.prompt();
}

/// The cursor stays at the line's beginning, whatever the terminal makes of a line that has become
/// too long, and what is behind it is erased.
#[test]
fn a_resize_leaves_nothing_of_the_live_line() {
    let mut store = Store::files();
    store.key = format!("/locks/{}/12345", "long".repeat(10));
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run {} echo fir''st", store.key));
    let shown = shell.until(&format!("holds {} for", store.key));
    assert!(shown.contains(ERASE), "{shown:?}");
    for columns in [70, 30, 50] {
        shell.resize(24, columns);
        poll("a line that fits", || {
            shell.until(ERASE);
            let line = shell.until("\r");
            let line = line.trim_end_matches('\r');
            assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
            line.chars().count() < columns.into()
        });
    }
    holder.end();
    shell.until("first\r\n");
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
