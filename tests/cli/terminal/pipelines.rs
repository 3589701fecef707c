//! Pipelines and redirections: the terminal is for whoever in them reads from it.

use std::fmt::Write;
use std::fs;

use crate::genlock::{Store, poll};
use crate::process::{is_dead, is_stopped};
use crate::pty::{INTERRUPT, Shell};

/// Types a pipeline, of which genlock's command begins when all others are executed: until then a
/// shell's child heeds no signal, and puts the pipeline into the foreground. `first` writes to `one`.
fn pipeline(shell: &mut Shell, first: &str, script: &str) {
    shell.command("mkfifo one two");
    shell.line(&format!(
        "{first} | genlock run k sh -c 'read x <one; read x <two; {script}' |
         sh -c 'echo >two; exec cat'"
    ));
}

/// Ctrl-C ends the command in the foreground, and nothing is left of its job and its lock.
#[track_caller]
fn ends_by_ctrl_c(shell: &mut Shell, command: i32, store: &Store) {
    shell.send(INTERRUPT);
    shell.prompt();
    assert_eq!(shell.command("jobs").trim(), "");
    assert!(is_dead(command));
    assert!(store.is_free());
}

/// A pipeline that begins with this, stopped, in the foreground again, and interrupted.
#[track_caller]
fn ctrl_z_and_fg_and_ctrl_c(first: &str) {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    pipeline(&mut shell, first, "echo ready $$ >&2; exec cat");
    let command = shell.ready();
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    poll("the command to go on", || !is_stopped(command));
    ends_by_ctrl_c(&mut shell, command, &store);
}

#[test]
fn ctrl_z_and_fg_and_ctrl_c_of_a_pipeline() {
    ctrl_z_and_fg_and_ctrl_c("sh -c 'echo >one; exec sleep 600'");
}

#[test]
fn ctrl_c_of_a_pipeline_with_a_subshell() {
    ctrl_z_and_fg_and_ctrl_c("(sh -c 'echo >one; exec sleep 600'; echo)");
}

#[test]
fn a_command_that_asks_for_the_terminal_gets_it() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    pipeline(
        &mut shell,
        "sh -c 'echo >one; exec sleep 600'",
        "echo ready $$ >&2; read x </dev/tty; echo got:$x: >&2; exec cat",
    );
    let command = shell.ready();
    shell.until_foreground(command);
    shell.line("hello");
    shell.until("got:hello:");
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(command);
    poll("the command to go on", || !is_stopped(command));
    ends_by_ctrl_c(&mut shell, command, &store);
}

#[test]
fn a_pager_behind_genlock_has_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k sh -c 'echo ready $$ >&2; seq 1000; exec sleep 600' | less");
    let command = shell.ready();
    shell.until("23\r\n");
    shell.until_raw();
    shell.send(" ");
    shell.until("46\r\n");
    let pager = shell.job("less");
    let shown = shell.suspend_pager(pager);
    assert!(shown.contains("Stopped"), "{shown:?}");
    poll("the command's stop", || is_stopped(command));
    shell.line("fg");
    poll("the command to go on", || !is_stopped(command));
    shell.until_raw();
    shell.send(" ");
    shell.until("69\r\n");
    shell.send("q");
    shell.until_cooked();
    ends_by_ctrl_c(&mut shell, command, &store);
}

#[test]
fn a_pager_at_the_end_under_genlock_has_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("seq 1000 | genlock run k less");
    shell.until("23\r\n");
    shell.until_raw();
    shell.send("G");
    shell.until("1000\r\n");
    let pager = shell.supervised();
    let shown = shell.suspend_pager(pager);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_raw();
    shell.send("q");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:0");
}

#[test]
fn all_of_it_comes_through() {
    let store = Store::files();
    let mut text = String::new();
    for number in 0..100_000 {
        writeln!(text, "line {number}").expect("text");
    }
    fs::write(store.path("from"), &text).expect("a file");
    let mut shell = Shell::start(&store);
    let shown = shell.command(
        "cat from | genlock run k sh -c 'cat; exit 5' | tee to | wc -l; echo ${PIPESTATUS[*]}",
    );
    assert_eq!(shown.trim().replace("\r\n", " "), "100000 0 5 0 0");
    assert!(fs::read_to_string(store.path("to")).expect("a file") == text);
}

#[test]
fn ctrl_c_with_stdout_elsewhere_reaches_the_command_once() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(
        "genlock run k sh -c 'trap \"echo told:INT\" INT; echo ready $$ >&2;
         for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done; exit 6' >out",
    );
    shell.ready();
    shell.send(INTERRUPT);
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:6");
    let told = fs::read_to_string(store.path("out")).expect("a file");
    assert_eq!(told, "told:INT\n");
}
