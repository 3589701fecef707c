//! At a terminal, under a real shell with job control: the command behaves as it would without
//! genlock.

mod detached;
mod modes;
mod pipelines;
mod programs;
mod queue;
mod shells;
mod stops;
mod waiting;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::genlock::{Store, poll, send};
use crate::process::{is_dead, is_stopped};
use crate::pty::{INTERRUPT, QUIT, SUSPEND, Shell};

/// A shell command line that says its number, then reads lines and says them.
const READS: &str = "genlock run k sh -c 'echo ready $$; while read x; do echo got:$x:; done'";

/// One that says its number, then does nothing.
const SLEEPS: &str = "genlock run k sh -c 'echo ready $$; exec sleep 600'";

#[test]
fn the_command_reads_from_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(READS);
    shell.ready();
    shell.line("hello");
    shell.until("got:hello:");
    shell.send("\x04");
    assert_eq!(shell.prompt().trim(), "");
    assert_eq!(shell.command("echo status:$?").trim(), "status:0");
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(
        "genlock run k sh -c 'trap \"echo told:INT\" INT; echo ready $$;
         for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done; echo over:$((1+1)); exit 6'",
    );
    shell.ready();
    shell.send(INTERRUPT);
    let shown = shell.until("over:2");
    assert_eq!(shown.matches("told:INT\r").count(), 1, "{shown:?}");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:6");
}

#[test]
fn ctrl_c_ends_a_loop() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("for i in 1 2 3; do genlock run k sh -c 'echo ready $$; exec sleep 600'; done");
    shell.ready();
    shell.send(INTERRUPT);
    let shown = shell.prompt();
    assert!(!shown.contains("ready"), "{shown:?}");
    assert_eq!(shell.command("echo status:$?").trim(), "status:130");
    assert!(store.is_free());
}

/// Writes an executable script into the test's directory, which is the shell's.
fn script(store: &Store, text: &str) {
    let path = store.path("script");
    fs::write(&path, text).expect("a script");
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode");
}

#[test]
fn ctrl_c_ends_a_script() {
    for interpreter in ["/bin/bash", "/bin/sh"] {
        let store = Store::files();
        let line = "genlock run k sh -c 'echo ready $$; exec sleep 600'";
        script(&store, &format!("#!{interpreter}\n{line}\n{line}\n"));
        let mut shell = Shell::start(&store);
        shell.line("./script");
        shell.ready();
        shell.send(INTERRUPT);
        let shown = shell.prompt();
        assert!(!shown.contains("ready"), "{interpreter}: {shown:?}");
        assert!(store.is_free());
    }
}

#[test]
fn ctrl_backslash_gives_131() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.command("ulimit -c 0");
    shell.line("genlock run k sh -c 'echo ready $$; exec sleep 600'");
    shell.ready();
    shell.send(QUIT);
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:131");
}

#[test]
fn started_in_the_background_it_does_not_take_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k sh -c 'echo ready $$; exec sleep 600' &");
    let command = shell.ready();
    assert_eq!(shell.foreground(), shell.pid());
    assert!(shell.command("jobs").contains("Running"));
    assert_eq!(shell.foreground(), shell.pid());
    assert!(!is_stopped(command));
    shell.command("kill %1");
    poll("the command's end", || is_dead(command));
}

#[test]
fn it_may_write_from_the_background() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.command("stty tostop");
    // genlock's own lines are no reason to be stopped; the command's are, as without genlock.
    shell.line("genlock run -n k true; genlock run k /no/such/program & wait $!; echo status:$?");
    shell.until("status:127");
}

#[test]
fn an_inner_shell_has_job_control() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("PS1='INNER# ' genlock run k bash --norc --noprofile --noediting -i");
    shell.until("INNER# ");
    shell.line("sh -c 'echo ready $$; exec sleep 600'");
    let sleep = shell.ready();
    shell.until_foreground(sleep);
    shell.send(SUSPEND);
    let shown = shell.until("INNER# ");
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(sleep);
    shell.send(INTERRUPT);
    shell.until("INNER# ");
    assert!(is_dead(sleep));
    shell.line("exit 5");
    shell.prompt();
    assert_eq!(shell.foreground(), shell.pid());
    assert_eq!(shell.command("echo status:$?").trim(), "status:5");
}

#[test]
fn a_command_under_a_killed_genlock_does_not_keep_the_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(READS);
    let command = shell.ready();
    let watchdog = crate::process::parent(command);
    send(crate::process::parent(watchdog), Signal::KILL);
    shell.prompt();
    poll("the command's end", || is_dead(command));
    assert_eq!(shell.command("echo status:$?").trim(), "status:137");
}

#[test]
fn a_hang_up_ends_the_command_and_frees_the_lock() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(READS);
    let command = shell.ready();
    drop(shell);
    poll("the command's end", || is_dead(command));
    poll("the lock to be free", || store.is_free());
}
