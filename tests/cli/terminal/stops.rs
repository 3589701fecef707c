//! Stopped and continued: Ctrl-Z, fg, bg, and what the kernel stops.

use std::time::Duration;

use rustix::process::Signal;

use super::{READS, SLEEPS, script};
use crate::genlock::{Store, poll, send};
use crate::process::{is_dead, is_stopped};
use crate::pty::{INTERRUPT, SUSPEND, Shell};

#[test]
fn ctrl_z_and_fg() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(READS);
    let command = shell.ready();
    for word in ["one", "two"] {
        let shown = shell.suspend(command);
        assert!(shown.contains("Stopped"), "{shown:?}");
        assert!(!store.is_free());
        shell.line("fg");
        shell.until_foreground(command);
        shell.line(word);
        shell.until(&format!("got:{word}:"));
    }
    shell.send(INTERRUPT);
    shell.prompt();
    assert!(!shell.command("jobs").contains("genlock"));
}

/// A lock that runs out is not renewed while genlock is stopped along with its command.
#[test]
fn ctrl_z_says_how_long_the_command_may_stay_stopped() {
    let store = Store::etcd();
    let mut shell = Shell::start(&store);
    shell.line(&READS.replace(" k ", &format!(" --ttl 60 {} ", store.key)));
    let command = shell.ready();
    let shown = shell.suspend(command);
    let line = format!(
        "genlock: {}: the command is stopped, and the lock not renewed: continue it within 4",
        store.key
    );
    let told = shown.find(&line).expect("a word of it");
    assert!(shown[told..].contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(command);
    shell.send(INTERRUPT);
    shell.prompt();
}

#[test]
fn ctrl_z_and_bg() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.command("mkfifo go");
    shell.line("genlock run k sh -c 'echo ready $$; read x <go; echo on:$((1+1))'");
    let command = shell.ready();
    shell.suspend(command);
    shell.command("bg");
    poll("the command to go on", || !is_stopped(command));
    assert!(shell.command("jobs").contains("Running"));
    assert_eq!(shell.foreground(), shell.pid());
    shell.line("echo >go; wait; echo all:$((1+1))");
    let shown = shell.until("all:2");
    assert!(shown.contains("on:2"), "{shown:?}");
    shell.prompt();
    assert_eq!(shell.command("jobs").trim(), "");
}

#[test]
fn a_killed_job_that_was_stopped() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(READS);
    let command = shell.ready();
    shell.suspend(command);
    shell.command("kill %1");
    poll("the command's end", || is_dead(command));
    poll("the lock to be free", || store.is_free());
}

#[test]
fn ctrl_z_stops_a_script() {
    let store = Store::files();
    script(
        &store,
        &format!("#!/bin/sh\n{READS}\necho after:$((1+1))\n"),
    );
    let mut shell = Shell::start(&store);
    shell.line("./script");
    let command = shell.ready();
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(command);
    shell.line("q");
    shell.until("got:q:");
    shell.send("\x04");
    shell.until("after:2");
    shell.prompt();
}

#[test]
fn a_background_job_that_reads_is_stopped() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(&format!("{READS} &"));
    let command = shell.ready();
    poll("the command's stop", || is_stopped(command));
    poll("the job's stop", || {
        shell.command("jobs").contains("Stopped")
    });
    shell.line("fg");
    shell.until_foreground(command);
    shell.line("zz");
    shell.until("got:zz:");
    shell.send(INTERRUPT);
    shell.prompt();
}

#[test]
fn an_orphan_that_reads_is_told_that_its_terminal_is_gone() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    // Its parent has gone, so that nobody could continue a stopped genlock. (A job without job
    // control has /dev/null in place of the terminal.)
    let told = store.path("told");
    let mark = told.display();
    shell.line(&format!(
        "(genlock run k sh -c 'trap \"touch {mark}; exit\" HUP; echo ready $$; read x' </dev/tty &)"
    ));
    let command = shell.ready();
    poll("the command's end", || is_dead(command) && told.exists());
    poll("the lock", || store.is_free());
}

#[test]
fn an_orphan_that_is_stopped_goes_on() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("(genlock run k sh -c 'echo ready $$; while :; do read x; done' </dev/zero &)");
    let command = shell.ready();
    send(command, Signal::TSTP);
    // Nothing to see of the stop but that it is over.
    std::thread::sleep(Duration::from_millis(200));
    poll("the command's going on", || !is_stopped(command));
    send(command, Signal::KILL);
    poll("the lock", || store.is_free());
}

#[test]
fn a_background_job_that_is_brought_back_while_it_runs() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.command("mkfifo go");
    shell.line("genlock run k sh -c 'echo ready $$; read x <go; read x; echo got:$x:' &");
    let command = shell.ready();
    // The shell sends no SIGCONT to what runs.
    shell.line("fg");
    poll("the terminal's leaving the shell", || {
        shell.foreground() != shell.pid()
    });
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    poll("the command to go on", || !is_stopped(command));
    std::fs::write(store.path("go"), "\n").expect("a reader");
    shell.until_foreground(command);
    shell.line("hello");
    shell.until("got:hello:");
    shell.prompt();
    assert_eq!(shell.command("jobs").trim(), "");
}

/// Under a lock that ends two seconds after it was taken: a command, and one that, told to end, wants
/// the terminal first and is stopped again; and what each shows when it runs.
const ENDS: [(&str, &str); 2] = [
    (
        "genlock run --no-renew --ttl 2 k sh -c 'echo ready $$; exec sleep 600'",
        "ready ",
    ),
    (
        "genlock run --no-renew --ttl 2 k vim -n -u NONE -i NONE text",
        "[New",
    ),
];

/// Why the command is gone.
const LOST: &str = "genlock: k: the lock is lost: its deadline passed";

/// Suspends this once it shows its mark, and waits until it is dead.
fn suspended_till_the_end(shell: &mut Shell, line: &str, mark: &str) {
    shell.line(line);
    shell.until(mark);
    let command = shell.supervised();
    shell.suspend(command);
    poll("the command's end", || is_dead(command));
}

#[test]
fn ctrl_z_past_the_deadline_and_fg_says_why() {
    for (line, mark) in ENDS {
        let store = Store::files();
        let mut shell = Shell::start(&store);
        suspended_till_the_end(&mut shell, line, mark);
        assert_eq!(shell.foreground(), shell.pid());
        let shown = shell.command("fg");
        assert!(shown.contains(LOST), "{shown:?}");
        assert!(!shown.contains("Stopped"), "{shown:?}");
        assert_eq!(shell.command("echo status:$?").trim(), "status:80");
        assert_eq!(shell.command("jobs").trim(), "");
        assert!(store.is_free());
    }
}

#[test]
fn ctrl_z_past_the_deadline_and_bg_says_why() {
    for (line, mark) in ENDS {
        let store = Store::files();
        let mut shell = Shell::start(&store);
        suspended_till_the_end(&mut shell, line, mark);
        let shown = shell.command("bg; wait %1; echo status:$?");
        assert!(shown.contains(LOST), "{shown:?}");
        assert!(shown.contains("status:80"), "{shown:?}");
        assert!(store.is_free());
    }
}

#[test]
fn past_the_deadline_in_the_background_it_says_why() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(ENDS[0].0);
    let command = shell.ready();
    shell.suspend(command);
    let shown = shell.command("bg; wait %1; echo status:$?");
    assert!(shown.contains(LOST), "{shown:?}");
    assert!(shown.contains("status:80"), "{shown:?}");
    assert!(is_dead(command));
}

#[test]
fn what_stays_stopped_past_the_deadline_is_in_nobodys_way() {
    let store = Store::etcd();
    let key = &store.key;
    let mut shell = Shell::start(&store);
    shell.line(&SLEEPS.replace(" k ", &format!(" --ttl 2 {key} ")));
    let command = shell.ready();
    shell.suspend(command);
    poll("the lock", || store.is_free());
    assert!(is_dead(command));
    let shown = shell.command("fg");
    let lost = format!("genlock: {key}: the lock is lost: ");
    assert!(shown.contains(&lost), "{shown:?}");
    assert_eq!(shell.command("echo status:$?").trim(), "status:80");
}

#[test]
fn a_stopped_wait_goes_on() {
    let store = Store::files();
    let holder = store.hold();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k echo r''an");
    shell.until(" holds ");
    shell.send(SUSPEND);
    let shown = shell.prompt();
    assert!(shown.contains("Stopped"), "{shown:?}");
    holder.end();
    let shown = shell.command("fg");
    assert!(shown.contains("ran"), "{shown:?}");
}
