//! A genlock within another's command.

use crate::genlock::{Store, output};

const GENLOCK: &str = env!("CARGO_BIN_EXE_genlock");

over_every_store! {
    the_same_key_is_refused_through_any_depth;
    the_same_key_is_refused_below_who_empties_the_environment;
    a_wait_for_the_lock_around_us_is_refused;
    the_same_key_is_merely_taken_under_try;
    another_key_is_another_lock;
    once_released_the_key_is_free_for_what_was_left_behind;
}

/// A lock beside the store's own, which no other test takes.
fn other(store: &Store) -> String {
    format!("{}-other", store.key)
}

/// `genlock run` within the command of another, in a shell's words.
fn inner(store: &Store, options: &str, key: &str, command: &str) -> String {
    format!(
        "{GENLOCK} run --endpoints {} {options} {key} {command}",
        store.endpoints
    )
}

fn the_same_key_is_refused_through_any_depth(store: &Store) {
    let key = &store.key;
    let again = inner(store, "-w 60", key, "true");
    let between = inner(store, "", &other(store), &again);
    for script in [&again, &between] {
        let refused = output(store.sh(&[], script));
        assert_eq!(refused.status.code(), Some(64), "{}", refused.stderr);
        let line = refused.one_line();
        assert!(
            line.contains(key) && line.contains("wait for itself"),
            "{line}"
        );
        assert!(store.is_free());
    }
}

/// Neither env(1) nor sudo(8) leaves a word of what is held.
fn the_same_key_is_refused_below_who_empties_the_environment(store: &Store) {
    let key = &store.key;
    let again = inner(store, "--config /dev/null -w 60", key, "true");
    let again = format!("env -i {again}");
    let between = inner(store, "--config /dev/null", &other(store), &again);
    let away = format!("setsid --wait sh -c '{again}'");
    for script in [&again, &format!("env -i {between}"), &away] {
        // The command itself, or what it starts.
        for script in [format!("exec {script}"), format!("{script}; exit $?")] {
            let refused = output(store.sh(&[], &script));
            assert_eq!(
                refused.status.code(),
                Some(64),
                "{script}: {}",
                refused.stderr
            );
            // Another test may have had the lock in between.
            let line = refused.stderr.lines().last().expect("a line");
            assert!(
                line.contains(key) && line.contains("wait for itself"),
                "{line}"
            );
        }
    }
    assert!(store.is_free());
}

/// It would not be free before who waits has ended.
fn a_wait_for_the_lock_around_us_is_refused(store: &Store) {
    let (key, endpoints) = (&store.key, &store.endpoints);
    for prefix in ["", "env -i "] {
        for options in ["", "-w 60"] {
            let wait = format!(
                "{prefix}{GENLOCK} wait --config /dev/null --endpoints {endpoints} {options}"
            );
            let refused = output(store.sh(&[], &format!("{wait} {key}")));
            assert_eq!(refused.status.code(), Some(64), "{}", refused.stderr);
            assert!(refused.one_line().contains("wait for itself"));
            output(store.sh(&[], &format!("{wait} {}", other(store)))).silent(0);
        }
    }
}

fn the_same_key_is_merely_taken_under_try(store: &Store) {
    let again = inner(store, "-n", &store.key, "true");
    let refused = output(store.sh(&[], &again));
    assert_eq!(refused.status.code(), Some(75));
    assert!(refused.one_line().contains("held by"), "{}", refused.stderr);
}

fn another_key_is_another_lock(store: &Store) {
    let again = inner(store, "", &other(store), "env");
    let ran = output(store.sh(&[], &again)).silent(0);
    assert!(
        ran.text()
            .contains(&format!("GENLOCK_HELD_KEY={}\n", other(store))),
        "{}",
        ran.text()
    );
}

fn once_released_the_key_is_free_for_what_was_left_behind(store: &Store) {
    let done = store.path("done");
    let late = inner(store, "", &store.key, &format!("touch {}", done.display()));
    let script = format!(
        "(read x; {late}) >/dev/null 2>&1 <{} &",
        store.path("fifo").display()
    );
    let made = std::process::Command::new("mkfifo")
        .arg(store.path("fifo"))
        .status();
    assert!(made.expect("mkfifo").success());
    output(store.sh(&["--leave-descendants"], &script)).silent(0);
    std::fs::write(store.path("fifo"), "\n").expect("a reader");
    crate::genlock::poll("the run of what was left behind", || done.exists());
}

#[test]
fn long_keys_add_up_and_nothing_breaks() {
    let store = Store::files();
    let long = "k".repeat(4000);
    let mut script = "echo deep".to_owned();
    for depth in 0..12 {
        script = inner(&store, "", &format!("{long}{depth}"), &script);
    }
    let ran = output(store.sh(&[], &script)).silent(0);
    assert_eq!(ran.text(), "deep");
}

#[test]
fn the_command_is_kept_out_of_the_record_on_request() {
    let store = Store::files();
    let script = "cat \"$0\"/*.lock";
    let directory = store.endpoints.strip_prefix("file:").expect("a directory");
    let shown = output(store.run(&[], &["sh", "-c", script, directory])).silent(0);
    assert!(
        shown.text().contains("\"command\":\"sh -c cat"),
        "{}",
        shown.text()
    );
    for option in ["--no-record-command", "--record-command=none"] {
        let hidden = output(store.run(&[option], &["sh", "-c", script, directory])).silent(0);
        assert!(!hidden.text().contains("cat"), "{}", hidden.text());
        assert!(hidden.text().contains("\"host\":"), "{}", hidden.text());
    }
    let mut named = store.run(&[], &["sh", "-c", script, directory]);
    named.env("GENLOCK_RECORD_COMMAND", "name");
    let named = output(named).silent(0);
    assert!(
        named.text().contains("\"command\":\"sh\""),
        "{}",
        named.text()
    );
}
