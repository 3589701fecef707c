//! Limits on files: what genlock writes, and cannot, is an error and never its end.

use std::process::Command;

use rustix::process::geteuid;

use crate::genlock::{Store, output, under};

/// With at most so many bytes in a file.
fn limited(bytes: usize, command: &Command) -> Command {
    let limit = format!("--fsize={bytes}");
    under(&["prlimit", &limit], command)
}

#[test]
fn a_lock_file_that_cannot_be_written_is_an_error_and_hinders_nobody_later() {
    for bytes in [0, 10, 20, 21, 30] {
        let store = Store::files();
        for had_a_holder in [false, true] {
            if had_a_holder {
                output(store.run(&[], &["true"])).silent(0);
            }
            let failed = output(limited(bytes, &store.run(&[], &["true"])));
            assert_eq!(failed.status.code(), Some(69), "{bytes}: {failed:?}");
            let line = failed.one_line();
            let path = store.path("locks/k.lock").display().to_string();
            for part in [&*path, "file too large", "ulimit -f"] {
                assert!(line.contains(part), "{part} is not in {line}");
            }
            output(store.run(&["-n"], &["true"])).silent(0);
        }
    }
}

over_every_store! {
    a_stderr_at_its_limit_is_none;
}

/// A waiter that died of it would leave its place in the queue to its TTL.
fn a_stderr_at_its_limit_is_none(store: &Store) {
    const ROOM: usize = 5000;
    std::fs::write(store.path("full"), [b'.'; ROOM]).expect("a file");
    let holder = store.hold();
    let held = store.entries();
    let onto = ["sh", "-c", "exec \"$@\" 2>>full", "sh"];
    for options in [&["-w", "1"][..], &["-n", "-v"]] {
        let mut waiter = under(&onto, &limited(ROOM, &store.run(options, &["true"])));
        waiter.current_dir(store.directory());
        let ended = output(waiter);
        assert_eq!(ended.status.code(), Some(75), "{ended:?}");
        assert_eq!(store.entries(), held);
    }
    holder.end();
}

#[test]
fn a_file_system_that_is_full_or_read_only_is_an_error_and_hinders_nobody_later() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can mount a file system");
        return;
    }
    let store = Store::files();
    let mut run = store.run(&["-n"], &["true"]);
    run.env("LOCKS", store.path("locks"));
    let script = r#"
        mkdir -p "$LOCKS" && mount -t tmpfs -o size=4k,mode=700 none "$LOCKS" || exit 99
        try() { "$@"; echo "status $?"; }
        head -c 9000 /dev/zero >"$LOCKS"/filler
        try "$@"
        rm "$LOCKS"/filler
        try "$@"
        head -c 9000 /dev/zero >"$LOCKS"/filler
        try "$@"
        mount -o remount,ro "$LOCKS"
        try "$@"
        mount -o remount,rw "$LOCKS"
        try "$@"
    "#;
    let ran = output(under(&["unshare", "-m", "sh", "-c", script, "sh"], &run));
    if ran.status.code() == Some(99) {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    let statuses: Vec<_> = ran.text().lines().collect();
    // What has a page of the file system already needs no other.
    assert_eq!(
        statuses,
        ["status 69", "status 0", "status 0", "status 78", "status 0"],
        "{ran:?}"
    );
    let said: Vec<_> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("genlock: "))
        .collect();
    let path = store.path("locks/k.lock").display().to_string();
    for (line, why) in said
        .iter()
        .zip(["no space left on device", "read-only file system"])
    {
        assert!(line.contains(&path) && line.contains(why), "{line}");
    }
    assert_eq!(said.len(), 2, "{said:?}");
}
