//! Away from the terminal that it was started at: nohup(1), setsid(1), script(1), and at one of its
//! own, as a container has it.

use std::fs;

use rustix::process::Signal;

use crate::genlock::{Store, died_of, poll};
use crate::process::{children, is_dead};
use crate::pty::{INTERRUPT, SUSPEND, Shell};

#[test]
fn under_nohup_it_outlives_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.command("mkfifo go");
    shell.command("nohup genlock run k sh -c 'echo $$; read x <go; echo got:$x' >out 2>&1 &");
    let out = || fs::read_to_string(store.path("out")).unwrap_or_default();
    let mut command = 0;
    poll("the command's start", || {
        // After what nohup says of itself.
        command = out()
            .lines()
            .find_map(|line| line.parse().ok())
            .unwrap_or(0);
        command != 0
    });
    drop(shell);
    assert!(!is_dead(command));
    fs::write(store.path("go"), "on\n").expect("a reader");
    poll("the command's end", || out().ends_with("got:on\n"));
    poll("the lock", || store.is_free());
}

#[test]
fn under_setsid_it_has_no_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(
        "setsid --wait genlock run k sh -c 'echo tty:$(ps -o tty= -p $$):; read x; echo got:$x:;
         exit 3'",
    );
    shell.until("tty:?:");
    shell.line("hello");
    shell.until("got:hello:");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:3");
}

#[test]
fn under_script_it_has_a_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(
        "script -qec \"genlock run k sh -c 'trap \\\"echo told:INT\\\" INT; echo ready \\$\\$;
         until read x; do :; done; echo got:\\$x:; exit 6'\" /dev/null",
    );
    shell.ready();
    shell.send(INTERRUPT);
    shell.until("told:INT");
    shell.send("hello\n");
    let shown = shell.until("got:hello:");
    assert!(!shown.contains("told"), "{shown:?}");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:6");
}

#[test]
fn at_a_terminal_of_its_own() {
    let store = Store::files();
    let script = "echo ready $$; while read x; do echo got:$x:; done; exit 4";
    let run = ["genlock", "run", "k", "sh", "-c", script];
    // As in a container: nobody could continue what Ctrl-Z stops, so that it goes on.
    let mut terminal = Shell::of(&store, &run);
    let command = terminal.ready();
    terminal.until_foreground(command);
    terminal.send(SUSPEND);
    terminal.line("hello");
    terminal.until("got:hello:");
    terminal.until_foreground(command);
    terminal.send("\x04");
    assert_eq!(terminal.status().code(), Some(4));

    let mut terminal = Shell::of(&store, &run);
    let command = terminal.ready();
    terminal.until_foreground(command);
    terminal.send(INTERRUPT);
    died_of(terminal.status(), Signal::INT);
    assert!(store.is_free());
    assert!(children(command).is_empty());
}
