//! Once over all hosts: by the script that people write, and by what takes its place.

use std::fs;

use super::{Newcomer, block};
use crate::genlock::{Run, poll};
use crate::support::etcd::Server;

/// Notes that it runs, until it is let go; fails where there is a file `fails`.
const JOB: &str = "#!/bin/sh
echo run >>runs
echo \"ready $$\"
while [ ! -e go ]; do sleep 0.02; done
[ ! -e fails ]
";

/// All hosts have one home here.
fn hosts(server: &Server, job: &str) -> Newcomer {
    let mut newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.set("ETCDCTL_ENDPOINTS", &server.endpoint());
    newcomer.set("ETCDCTL_API", "3");
    newcomer.program(job);
    fs::write(newcomer.path(job), JOB).expect("a program");
    newcomer
}

fn runs(newcomer: &Newcomer) -> usize {
    let text = fs::read_to_string(newcomer.path("runs")).unwrap_or_default();
    text.lines().count()
}

fn touch(newcomer: &Newcomer, name: &str) {
    fs::write(newcomer.path(name), "").expect("a file");
}

/// Waits until so many hold the lock or wait for it.
fn until_queued(server: &Server, key: &str, count: usize) {
    let own = format!("{key}/");
    poll("a place in the queue", || {
        let keys = server.keys();
        keys.iter().filter(|key| key.starts_with(&own)).count() == count
    });
}

#[test]
fn the_script_by_hand_runs_twice_on_one_day_and_not_at_all_on_another() {
    let server = Server::start();
    let newcomer = hosts(&server, "nightly.sh");
    newcomer.program("bin/date");
    let today = |day: &str| {
        fs::write(
            newcomer.path("bin/date"),
            format!("#!/bin/sh\necho {day}\n"),
        )
        .expect("a date");
    };
    today("2026-01-05");
    let script = block("# by hand");
    let both = [(); 2].map(|()| Run::start(newcomer.types(&script)));
    for host in &both {
        host.ready();
    }
    touch(&newcomer, "go");
    for host in both {
        assert!(host.finish().status.success());
    }
    assert_eq!(runs(&newcomer), 2, "on one day");
    fs::remove_file(newcomer.path("go")).expect("a file");
    today("2026-01-06");
    let late = Run::start(newcomer.types(&script));
    late.ready();
    today("2026-01-07");
    touch(&newcomer, "go");
    assert!(late.finish().status.success());
    newcomer.typed(&script).silent(0);
    assert_eq!(runs(&newcomer), 3, "none on the last day");
}

#[test]
fn one_host_does_it_and_the_next_where_it_fails_or_dies() {
    let server = Server::start();
    let newcomer = hosts(&server, "nightly.sh");
    let line = block("genlock run -q --once-per day");
    let line = format!("exec {}", line.replace(" -q ", " -q --ttl 4s -k 500ms "));
    let start = || Run::start(newcomer.types(&line));
    let pair = || {
        let first = start();
        first.ready();
        let second = start();
        until_queued(&server, "/locks/nightly", 2);
        (first, second)
    };
    // It dies with its command: the next one runs it when the lock has run out.
    let (first, second) = pair();
    drop(first);
    second.ready();
    touch(&newcomer, "fails");
    touch(&newcomer, "go");
    second.finish().silent(1);
    assert_eq!(runs(&newcomer), 2);
    fs::remove_file(newcomer.path("go")).expect("a file");
    // Nor is what failed done.
    let (first, second) = pair();
    fs::remove_file(newcomer.path("fails")).expect("a file");
    touch(&newcomer, "go");
    first.finish().silent(0);
    assert_eq!(second.finish().silent(0).text(), "");
    // Nor does one that comes later.
    assert_eq!(newcomer.typed(&line).silent(0).text(), "");
    assert_eq!(runs(&newcomer), 3);
    let done = newcomer.typed("genlock status /locks/nightly");
    assert!(done.text().contains(", done by "), "{done:?}");
    assert!(
        newcomer
            .typed("genlock forget /locks/nightly")
            .status
            .success()
    );
    newcomer.typed(&line).silent(0);
    assert_eq!(runs(&newcomer), 4);
}

#[test]
fn what_has_a_name_is_done_once() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("cleanup.sh");
    let script = block("genlock run --once OPS-17");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "cleanup.sh");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "");
}

/// One of three replicas migrates; all of them start.
#[test]
fn a_version_is_migrated_to_once() {
    let server = Server::start();
    let mut newcomer = hosts(&server, "migrate");
    newcomer.program("start.sh");
    newcomer.set("VERSION", "v42");
    let script = block("genlock run --once \"$VERSION\"");
    let first = Run::start(newcomer.types(&script));
    first.ready();
    let others = [(); 2].map(|()| Run::start(newcomer.types(&script)));
    until_queued(&server, "/locks/migrate", 3);
    touch(&newcomer, "go");
    assert!(first.finish().text().ends_with("\nstart.sh"));
    for other in others {
        assert_eq!(other.finish().text(), "start.sh");
    }
    assert_eq!(runs(&newcomer), 1);
}
