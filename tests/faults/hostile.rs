//! Another client writes whatever it likes under the lock's name: nothing breaks, and what is
//! shown of it is harmless.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Finished, Run, Store, genlock, output};
use crate::sections::Manners::Polite;
use crate::sections::Sections;
use crate::support::etcd::Server;
use crate::{WITH_TTL, next, together};

/// Writes a value that is too long for a command line, or not text.
fn put(server: &Server, key: &str, value: &[u8], lease: Option<&str>) {
    let mut args = vec!["put", key];
    if value.is_empty() {
        // What is read from stdin cannot be nothing.
        args.push("");
    }
    let option = lease.map(|lease| format!("--lease={lease}"));
    args.extend(option.as_deref());
    let mut command = server.ctl_command(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("etcdctl");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(value).expect("a reader");
    drop(stdin);
    assert!(child.wait().expect("an end").success(), "{key:?}");
}

/// A lease of somebody else's, in hex.
fn grant(server: &Server) -> String {
    let printed = server.ctl(&["lease", "grant", "600"]);
    // etcdctl pads it with zeros, which no key of a queue is.
    let lease = printed.split(' ').nth(1).expect("a lease");
    lease.trim_start_matches('0').to_owned()
}

/// One line that genlock wrote, which shows what another wrote.
#[track_caller]
fn harmless(line: &str) {
    assert!(line.starts_with("genlock: "), "{line:?}");
    harmless_text(line);
}

/// The same on stdout, without genlock's name.
#[track_caller]
fn harmless_text(line: &str) {
    // Those too that turn the direction of writing.
    let strange = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!line.contains(strange), "{line:?}");
    // A reason is longer than all else.
    assert!(line.chars().count() < 1_100, "{} characters", line.len());
}

/// What each verb of an operator shows of the lock.
fn look(store: &Store) {
    let show = |verb: &[&str]| {
        let mut command = genlock();
        command.args(verb).args(["--endpoints", &store.endpoints]);
        output(command)
    };
    for (verb, status) in [
        (&["status", &store.key][..], 0),
        (&["ls"], 0),
        (&["break", &store.key], 64),
        (&["break", "--waiters", &store.key], 0),
    ] {
        let shown = show(verb).silent(status);
        shown.text().lines().for_each(harmless_text);
    }
    for verb in [&["status", "--json", &store.key][..], &["ls", "--json"]] {
        let shown = show(verb).silent(0);
        // JSON escapes what cannot be seen but for a few; it is for machines.
        assert!(
            !shown.text().contains(|c: char| c.is_ascii_control()),
            "{shown:?}"
        );
        serde_json::from_str::<serde_json::Value>(shown.text()).expect("JSON");
    }
    let mut watch = genlock();
    watch.args(["watch", "--endpoints", &store.endpoints]);
    let watch = Run::start(watch);
    watch.says("\n");
    watch.signal(Signal::TERM);
    watch.finish().text().lines().for_each(harmless_text);
}

/// Who is named as the holder when this is the record.
fn shown(server: &Server, lease: &str, value: &[u8]) -> Finished {
    let store = Store::at(server.endpoint());
    put(
        server,
        &format!("{}/{lease}", store.key),
        value,
        Some(lease),
    );
    let tried = output(store.run(&["-n"], &["echo", "ran"]));
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    assert_eq!(tried.stdout, b"");
    harmless(tried.one_line());
    // On a loaded machine the first limit may be over before the wait has begun.
    let waited = ["0.3", "5"].map(|limit| store.run(&["-w", limit], &["echo", "ran"]));
    let mut waited = waited.into_iter().map(output);
    let waited = waited
        .find(|run| run.stderr.lines().count() > 1)
        .expect("a wait");
    assert_eq!(waited.status.code(), Some(75), "{waited:?}");
    assert_eq!(waited.stdout, b"");
    assert_eq!(waited.stderr.lines().count(), 2, "{waited:?}");
    for line in waited.stderr.lines() {
        harmless(line);
    }
    look(&store);
    tried
}

#[test]
fn whatever_a_holder_wrote_is_shown_harmlessly() {
    let server = Server::start();
    let lease = grant(&server);
    let long = "x".repeat(1_000_000);
    let half = &long[..500_000];
    let unknown = "left no record";
    for (value, expected) in [
        (b"not JSON".to_vec(), unknown),
        (b"\xff\xfe\x00\x1b]0;title\x07".to_vec(), unknown),
        (b"[]".to_vec(), unknown),
        (br#"{"pid":-1,"host":7}"#.to_vec(), unknown),
        (b"[".repeat(100_000), unknown),
        (long.clone().into_bytes(), unknown),
        (b"{}".to_vec(), unknown),
        (
            br#"{"mode":"m","user":"\u001b[2J\u001b]0;x\u0007","host":"a\r\nb","command":"\u202e\u009b31m"}"#
                .to_vec(),
            r"\u{1b}[2J",
        ),
        (
            format!(r#"{{"mode":"m","user":"{half}","host":"{half}"}}"#).into_bytes(),
            "xxx…",
        ),
        (
            format!(r#"{{"mode":"m","command":"{long}","since":"\n","labels":{{"\n":"\u001b"}}}}"#)
                .into_bytes(),
            r"xxx…) since \n (\n=\u{1b})",
        ),
        (
            format!(r#"{{"mode":"m","reason":"\u001b[2J{half}","labels":{{"{half}":"\r"}}}}"#)
                .into_bytes(),
            r": \u{1b}[2Jxxx",
        ),
    ] {
        let tried = shown(&server, &lease, &value);
        assert!(tried.stderr.contains(expected), "{}", tried.stderr);
    }
}

/// 500 keys without a lease below this one.
fn many_strays(server: &Server, key: &str) {
    let value = "y".repeat(500);
    let puts = (0..500).map(|n| format!("put {key}/stray-{n} {value}"));
    // All in one transaction would be too many for etcd.
    for puts in puts.collect::<Vec<_>>().chunks(100) {
        let mut command = server.ctl_command(&["txn"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("etcdctl");
        let mut stdin = child.stdin.take().expect("a pipe");
        let text = format!("\n{}\n\n\n", puts.join("\n"));
        stdin.write_all(text.as_bytes()).expect("a reader");
        drop(stdin);
        assert!(child.wait().expect("an end").success());
    }
}

#[test]
fn stray_keys_are_in_nobodys_way() {
    let server = Server::start();
    let lease = grant(&server);
    let other = grant(&server);
    let store = Store::at(server.endpoint());
    let log = Sections::new(store.directory());
    let stray = |name: &str, value: &[u8], lease: Option<&str>| {
        put(&server, &format!("{}/{name}", store.key), value, lease);
    };
    let plant = || {
        stray("no lease", b"x", None);
        stray("6a7f", b"{}", None);
        stray("new\nline\x1b[31m", b"", None);
        stray("", b"", Some(&lease));
        stray("a strange name", b"", Some(&lease));
        // The lease of one, the name of the other; and with zeroes in front.
        stray(&other, b"{}", Some(&lease));
        stray(&format!("0{lease}"), b"{}", Some(&lease));
        stray(&format!("{lease}/{lease}"), b"{}", Some(&lease));
        stray("long", &vec![b'x'; 1_000_000], Some(&lease));
        put(&server, &store.key, b"the name itself", Some(&lease));
        many_strays(&server, &store.key);
    };
    plant();
    output(store.run(&["-n"], &["true"])).silent(0);
    output(store.run(&WITH_TTL, &["true"])).silent(0);
    let holder = Run::start(store.sh(&WITH_TTL, &log.beats("first", Polite)));
    holder.ready();
    // Once more while it is held: they are younger than the holder then. But not what was no place
    // from its beginning, and would look like one now that was written over.
    server.ctl(&["del", "--prefix", &format!("{}/stray", store.key)]);
    server.ctl(&["del", &format!("{}/{other}", store.key)]);
    plant();
    let tried = output(store.run(&["-n"], &["true"]));
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    harmless(tried.one_line());
    look(&store);
    let next = next(&store, &log, "next");
    holder.end();
    let next = next.finish();
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    next.waited();
    next.stderr.lines().for_each(harmless);
    log.check(2);
    // What was not ours is still there.
    assert!(server.keys().len() > 500);
    assert_eq!(server.leases().len(), 2);
}

#[test]
fn a_key_with_anything_in_it_is_shown_harmlessly() {
    let server = Server::start();
    together(
        ["a\nb\x1b[2J", "\u{202e}cod", "…/\u{1f512} '\"\\"],
        |name| {
            let mut store = Store::at(server.endpoint());
            store.key = format!("/locks/{name}");
            let holder = store.hold();
            let tried = output(store.run(&["-n"], &["true"]));
            assert_eq!(tried.status.code(), Some(75), "{tried:?}");
            harmless(tried.one_line());
            look(&store);
            let verbose = Run::start(store.run(&["-vv", "--ttl", "5"], &["true"]));
            verbose.complains("waiting");
            std::thread::sleep(Duration::from_millis(50));
            holder.end();
            let verbose = verbose.finish();
            assert_eq!(verbose.status.code(), Some(0), "{verbose:?}");
            verbose.stderr.lines().for_each(harmless);
        },
    );
}
