//! The terminal's modes and size.

use super::script;
use crate::genlock::{Store, send};
use crate::pty::Shell;
use rustix::process::Signal;

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
fn a_killed_editor_or_pager_leaves_a_usable_terminal() {
    for program in ["vim -n -u NONE -i NONE text", "less text"] {
        let store = Store::files();
        std::fs::write(store.path("text"), "some text\n").expect("a file");
        // Within a script: an interactive shell would set the terminal right by itself.
        script(
            &store,
            &format!("#!/bin/sh\ngenlock run k {program}\nstty -a; echo is:$((1+1))\n"),
        );
        let mut shell = Shell::start(&store);
        shell.line("./script");
        shell.until("some text");
        shell.until_raw();
        send(shell.supervised(), Signal::KILL);
        let shown = shell.until("is:2");
        assert!(shown.contains(" icanon"), "{program}: {shown}");
        assert!(shown.contains(" echo "), "{program}: {shown}");
        assert!(store.is_free());
    }
}

#[test]
fn why_it_was_stopped_is_said_again_when_its_screen_is_gone() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(
        "genlock run --max-runtime 0.2 -k 10 k sh -c 'stty -icanon;
         trap \"read x; echo screen:gone; stty icanon; exit\" TERM; while :; do sleep 0.02; done'",
    );
    shell.until("genlock: k: --max-runtime is over: stopping the command");
    shell.send("\n");
    shell.until("screen:gone");
    let shown = shell.prompt();
    assert!(
        shown.contains("genlock: k: --max-runtime is over: the command was stopped"),
        "{shown:?}"
    );
    assert_eq!(shell.command("echo status:$?").trim(), "status:124");
}
