//! A wait at a terminal, in a queue that moves.

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll};
use crate::pty::{ERASE, INTERRUPT, PROMPT, Shell};

/// So many genlocks in the queue, the holder first, each of them queued before the next.
fn queue(store: &Store, count: usize) -> Vec<Run> {
    let mut runs = vec![store.hold()];
    for count in 2..=count {
        runs.push(Run::start(store.run(&["-q"], &["sleep", "600"])));
        poll("a place in the queue", || store.entries().len() == count);
    }
    runs
}

fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// Who leaves from the middle of the queue wakes nobody, and is seen to be gone all the same.
#[test]
fn the_live_line_follows_the_queue() {
    let store = Store::etcd();
    let mut runs = queue(&store, 3);
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run -w 600 {} echo fir''st", store.key));
    let line = shell.until(&format!(" · pid {}: sh -c ", runs[0].pid()));
    for part in [
        &*format!("@{} holds {} for ", host(), store.key),
        "s of 10m · ",
        " · 3rd in line",
    ] {
        assert!(line.contains(part), "{part}: {line:?}");
    }
    runs.remove(1).end();
    shell.until(" · 2nd in line");
    runs.remove(0).end();
    let line = shell.until(&format!(
        " · next in line · pid {}: sleep 600",
        runs[0].pid()
    ));
    // Whoever had to wait holds the lock since it was served, not since it came.
    assert!(
        line.contains(" for 0s") || line.contains(" for 1s"),
        "{line:?}"
    );
    runs.remove(0).end();
    let shown = shell.until("first\r\n");
    let (_, last) = shown.rsplit_once(ERASE).expect("erased");
    assert!(last.starts_with("genlock: /locks/"), "{shown:?}");
    assert!(last.ends_with("s\r\nfirst\r\n"), "{shown:?}");
}

#[test]
fn ctrl_c_leaves_the_queue_and_a_clean_line() {
    let store = Store::etcd();
    let _runs = queue(&store, 1);
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run {} true", store.key));
    shell.until(" holds ");
    shell.send(INTERRUPT);
    let shown = shell.until(PROMPT);
    let (_, last) = shown.rsplit_once(ERASE).expect("erased");
    assert!(!last.contains(" holds "), "{shown:?}");
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
