//! At a terminal, under a real shell with job control: the command behaves as it would without
//! genlock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Store, poll, send};
use crate::process::{is_dead, is_stopped};
use crate::pty::{INTERRUPT, QUIT, Shell};

/// A shell command line that says its number, then reads lines and says them.
const READS: &str = "genlock run k sh -c 'echo ready $$; while read x; do echo got:$x:; done'";

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
fn ctrl_z_and_fg_and_ctrl_c_of_a_pipeline() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("sleep 600 | genlock run k sh -c 'echo ready $$ >&2; exec cat' | cat");
    let command = shell.ready();
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(command);
    poll("the command to go on", || !is_stopped(command));
    shell.send(INTERRUPT);
    shell.prompt();
    assert_eq!(shell.command("jobs").trim(), "");
    assert!(is_dead(command));
    assert!(store.is_free());
}

#[test]
fn ctrl_c_of_a_pipeline_with_a_subshell() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("(sleep 600; echo) | genlock run k sh -c 'echo ready $$ >&2; exec cat' | cat");
    let command = shell.ready();
    let shown = shell.suspend(command);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(command);
    shell.send(INTERRUPT);
    shell.prompt();
    assert_eq!(shell.command("jobs").trim(), "");
    assert!(store.is_free());
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
fn an_inner_shell_has_job_control() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("PS1='INNER# ' genlock run k bash --norc --noprofile --noediting -i");
    shell.until("INNER# ");
    shell.line("sh -c 'echo ready $$; exec sleep 600'");
    let sleep = shell.ready();
    shell.until_foreground(sleep);
    shell.send(crate::pty::SUSPEND);
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
fn a_killed_command_leaves_a_usable_terminal() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    // Within a script: an interactive shell would set the terminal right by itself.
    script(
        &store,
        "#!/bin/sh\ngenlock run k sh -c 'stty raw -echo; kill -9 $$'\nstty -a; echo is:$((1+1))\n",
    );
    shell.line("./script");
    let shown = shell.until("is:2");
    assert!(!shown.contains("-icanon"), "{shown}");
    assert!(!shown.contains("-echo "), "{shown}");
    assert!(shown.contains("icanon"), "{shown}");
}

#[test]
fn what_the_command_sets_on_purpose_stays() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    script(
        &store,
        "#!/bin/sh\ngenlock run k stty -echo\nstty -a; echo is:$((1+1)); stty echo\n",
    );
    shell.line("./script");
    let shown = shell.until("is:2");
    assert!(shown.contains("-echo "), "{shown}");
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
fn a_change_of_the_windows_size_reaches_the_command() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k sh -c 'trap \"stty size; exit\" WINCH; echo ready $$; while :; do sleep 0.02; done'");
    shell.ready();
    shell.resize(33, 99);
    shell.until("33 99");
    shell.prompt();
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
