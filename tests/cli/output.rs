//! stdout and stderr belong to the command.

use crate::genlock::{Run, Store, genlock, output};

over_every_store! {
    nothing_is_said_on_success;
    a_wait_is_told_when_it_begins_and_when_it_is_over;
    quiet_says_nothing_of_waiting;
}

fn nothing_is_said_on_success(store: &Store) {
    let run = output(store.sh(&[], "echo out; echo err >&2"));
    assert_eq!(run.stdout, b"out\n");
    assert_eq!(run.stderr, "err\n");
    let run = output(store.run(&[], &["true"])).silent(0);
    assert_eq!(run.stdout, b"");
}

#[test]
fn verbose_says_what_happens_on_stderr() {
    let store = Store::files();
    let run = output(store.run(&["-v"], &["true"]));
    assert_eq!(run.stdout, b"");
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("genlock: k: acquired after "),
        "{lines:?}"
    );
    let released = "genlock: k: released after ";
    assert!(lines[1].starts_with(released), "{lines:?}");
    assert!(
        lines[1].ends_with("; the command exited with 0"),
        "{lines:?}"
    );
    let run = output(store.sh(&["-v"], "kill -KILL $$"));
    let last = run.stderr.lines().last().expect("a line");
    assert!(last.ends_with("; the command died of signal 9"), "{last}");
}

#[test]
fn help_and_version_are_on_stdout() {
    for (arguments, part) in [
        (&["--help"][..], "Usage: genlock"),
        (&["-h"], "Usage: genlock"),
        (&["run", "--help"], "Usage: genlock run"),
        (&["run", "-h"], "--max-runtime"),
        (&["help", "connection"], "--endpoints <LIST>"),
        (&["help", "run"], "Exit status:"),
        (
            &["--version"],
            concat!("genlock ", env!("CARGO_PKG_VERSION")),
        ),
        (&["-V"], "genlock "),
    ] {
        let mut genlock = genlock();
        genlock.args(arguments);
        let run = output(genlock).silent(0);
        assert!(run.text().contains(part), "{arguments:?}: {}", run.text());
    }
}

/// Usage, examples, arguments, options; and the connection elsewhere.
#[test]
fn short_help_and_the_next_prompt_fit_a_screen() {
    for verb in [
        "run", "status", "ls", "watch", "wait", "check", "acquire", "renew", "release", "history",
        "forget", "break", "doctor",
    ] {
        let mut help = genlock();
        help.args([verb, "-h"]).env("COLUMNS", "80");
        let help = output(help).silent(0);
        let lines: Vec<_> = help.text().lines().collect();
        assert!(
            lines.len() <= 23,
            "{verb}: {}\n{}",
            lines.len(),
            help.text()
        );
        for line in &lines {
            assert!(line.chars().count() < 80, "{verb}: {line}");
        }
        let at = |start: &str| lines.iter().position(|line| line.starts_with(start));
        let order = [at("Usage:"), at("Examples:"), at("Options:")];
        assert!(
            order.is_sorted() && order[0].is_some() && order[1].is_some(),
            "{order:?}"
        );
        assert_eq!(help.text().matches("--endpoints").count(), 0, "{verb}");
        let mut long = genlock();
        long.args(["help", verb]);
        let long = output(long).silent(0);
        assert!(
            long.text().contains("and so on: genlock help"),
            "{}",
            long.text()
        );
        assert!(!long.text().contains("--endpoints <"), "{verb}");
    }
}

#[test]
fn help_to_a_closed_stdout_is_no_crash() {
    let mut run = crate::genlock::under(&["sh", "-c", "exec \"$@\" >&-", "sh"], &genlock());
    run.arg("--help");
    output(run).silent(0);
}

fn a_wait_is_told_when_it_begins_and_when_it_is_over(store: &Store) {
    let holder = store.hold();
    let waiter = Run::start(store.sh(&[], "echo got it"));
    waiter.complains("\n");
    holder.end();
    let run = waiter.finish();
    assert_eq!(run.text(), "got it");
    run.waited();
    let lines: Vec<_> = run.stderr.lines().collect();
    let start = format!("genlock: waiting for {}: held by ", store.key);
    assert!(lines[0].starts_with(&start), "{lines:?}");
    assert!(lines[0].contains("sleep 600"), "{lines:?}");
    let over = format!("genlock: {}: acquired after ", store.key);
    assert!(lines[1].starts_with(&over), "{lines:?}");
}

fn quiet_says_nothing_of_waiting(store: &Store) {
    let holder = store.hold();
    let waiter = Run::start(store.sh(&["-q"], "echo got it"));
    // Whatever it would say it says before it gives up.
    let given_up = output(store.run(&["-q", "-w", "0.3"], &["true"])).silent(75);
    assert_eq!(given_up.stdout, b"");
    holder.end();
    assert_eq!(waiter.finish().silent(0).text(), "got it");
}
