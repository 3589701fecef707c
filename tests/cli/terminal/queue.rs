//! A wait at a terminal, in a queue that moves.

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll};
use crate::pty::{INTERRUPT, PROMPT, Shell};

/// So many genlocks in the queue, the holder first, each of them queued before the next.
fn queue(store: &Store, count: usize) -> Vec<Run> {
    let mut runs = vec![store.hold()];
    for count in 2..=count {
        runs.push(Run::start(store.run(&["-q"], &["sleep", "600"])));
        poll("a place in the queue", || store.entries().len() == count);
    }
    runs
}

/// Who leaves from the middle of the queue wakes nobody, and is seen to be gone all the same.
#[test]
fn the_live_line_follows_the_queue() {
    let store = Store::etcd();
    let mut runs = queue(&store, 3);
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run -w 600 {} echo fir''st", store.key));
    let line = shell.until("3 ahead");
    let holder = format!("(pid {}: sh -c ", runs[0].pid());
    for part in [
        &*store.key,
        "held for ",
        &holder,
        "waiting ",
        " left for ",
        "@",
    ] {
        assert!(line.contains(part), "{part}: {line:?}");
    }
    runs.remove(1).end();
    shell.until("2 ahead");
    runs.remove(0).end();
    let line = shell.until(&format!("(pid {}: sleep 600)", runs[0].pid()));
    // Whoever had to wait holds the lock since it was served, not since it came.
    assert!(
        line.contains("held for 0s") || line.contains("held for 1s"),
        "{line:?}"
    );
    runs.remove(0).end();
    let shown = shell.until("first\r\n");
    let last = shown.rsplit("\x1b[2K").next().expect("a part");
    assert_eq!(last.trim(), "first", "{shown:?}");
}

#[test]
fn ctrl_c_leaves_the_queue_and_a_clean_line() {
    let store = Store::etcd();
    let _runs = queue(&store, 1);
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run {} true", store.key));
    shell.until("held for");
    shell.send(INTERRUPT);
    let shown = shell.until(PROMPT);
    let last = shown.rsplit("\x1b[2K").next().expect("a part");
    assert!(!last.contains("waiting"), "{shown:?}");
    poll("an empty place", || store.entries().len() == 1);
    assert_eq!(shell.command("echo status:$?").trim(), "status:130");
}

/// No colour in any case, so that NO_COLOR has nothing to take away; and on a terminal that cannot
/// move its cursor a plain line.
#[test]
fn a_terminal_that_can_less_gets_less() {
    let store = Store::etcd();
    let runs = queue(&store, 1);
    for (variables, live) in [("TERM=dumb", false), ("NO_COLOR=1", true)] {
        let mut shell = Shell::start(&store);
        shell.line(&format!(
            "{variables} genlock run -w 1.5 {} true",
            store.key
        ));
        let shown = shell.prompt();
        assert_eq!(shown.contains("\x1b["), live, "{shown:?}");
        // SGR is what ends in m (console_codes(4)).
        let codes = shown.split("\x1b[").skip(1);
        for code in codes {
            let end = code
                .find(|c: char| c.is_ascii_alphabetic())
                .expect("an end");
            assert_ne!(code.as_bytes()[end], b'm', "{shown:?}");
        }
        assert!(shown.contains("not acquired within"), "{shown:?}");
    }
    runs[0].signal(Signal::TERM);
}
