//! The lines of `docs/recipes/from-*.md`: what other tools did, and what takes its place.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use super::{Newcomer, block};
use crate::docs::pages;
use crate::genlock::{Run, poll, send};
use crate::process::has;
use crate::support::etcd::Server;

const PROGRAMS: [&str; 7] = [
    "report.sh",
    "start-daemon",
    "a",
    "b",
    "collect",
    "daemon",
    "bin/systemctl",
];

/// A user who has all of them, and flock's directory.
fn newcomer(server: &Server) -> Newcomer {
    let mut newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.set("ETCDCTL_ENDPOINTS", &server.endpoint());
    newcomer.set("ETCDCTL_API", "3");
    PROGRAMS.iter().for_each(|name| newcomer.program(name));
    let locks = newcomer.path("lock");
    fs::create_dir(&locks).expect("a directory");
    fs::set_permissions(&locks, Permissions::from_mode(0o777)).expect("a mode");
    newcomer
}

/// What stands in the pages, with flock's files where this user may have some.
fn here(text: &str) -> String {
    text.replace("/run/lock/", "lock/")
}

/// Their line and ours, of each row of a page's tables.
fn rows(name: &str) -> Vec<(String, String)> {
    let mut pages = pages().into_iter();
    let page = pages
        .find(|page| page.path.ends_with(name))
        .expect("a page");
    let rows = page.text.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        // A bar within a cell is written so.
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, theirs, ours, _] = cells[..] else {
            panic!("{row}");
        };
        let line = |cell: &str| {
            let line = cell
                .strip_prefix('`')
                .and_then(|line| line.strip_suffix('`'));
            here(&line.expect("a line").replace('\u{1}', "|"))
        };
        (line(theirs), line(ours))
    });
    rows.collect()
}

#[test]
fn each_line_does_what_the_other_did() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    let pages = ["from-flock.md", "from-etcdctl.md", "from-consul.md"];
    let mut count = 0;
    for (theirs, ours) in pages.iter().flat_map(|page| rows(page)) {
        if !ours.starts_with("genlock run ") {
            continue;
        }
        let said = newcomer.typed(&ours);
        assert_eq!(said.status.code(), Some(0), "{ours}: {said:?}");
        let is_quiet = said.stderr.is_empty() || ours.contains(" -v ");
        assert!(!said.text().is_empty() && is_quiet, "{ours}: {said:?}");
        count += 1;
        // There is no consul here.
        if !theirs.starts_with("consul ") {
            let other = newcomer.typed(&format!("rm -f report.log; {theirs}"));
            assert_eq!(other.status.code(), Some(0), "{theirs}: {other:?}");
            let text = |text: &str| text.lines().next().map(str::to_owned);
            assert_eq!(text(other.text()), text(said.text()), "{theirs}");
        }
    }
    assert!(count > 20, "{count}");
}

/// What is typed to look at a lock and to take it away, while it is held.
#[test]
fn what_operators_type_reaches_the_same_lock() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    let rows = rows("from-etcdctl.md").into_iter();
    let mut count = 0;
    for (theirs, ours) in rows.filter(|(_, ours)| !ours.starts_with("genlock run ")) {
        for line in [theirs, ours] {
            let script = "exec genlock run /locks/report sh -c 'echo ready $$; exec sleep 600'";
            let holder = Run::start(newcomer.types(script));
            holder.ready();
            let status = newcomer
                .typed("genlock status --json /locks/report")
                .silent(0);
            let status: Value = serde_json::from_str(status.text()).expect("JSON");
            let (token, lease) = (&status["holder"]["token"], &status["holder"]["lease"]);
            let typed = line
                .replace("LEASE", lease.as_str().expect("a lease"))
                .replace("--token N", &format!("--token {token}"));
            let said = newcomer.typed(&typed);
            assert_eq!(said.status.code(), Some(0), "{typed}: {said:?}");
            if line.contains("revoke") || line.contains("break") {
                assert_eq!(holder.finish().status.code(), Some(80), "{typed}");
            } else {
                assert!(!said.text().is_empty(), "{typed}");
                holder.end();
            }
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

/// The one who comes second does nothing, and says nothing.
#[test]
fn a_script_that_locks_itself() {
    if !has("flock") {
        return;
    }
    let server = Server::start();
    let newcomer = newcomer(&server);
    for first in ["exec 9>/run/lock/collect", "# with genlock"] {
        newcomer.file("script", &here(&block(first)));
        let alone = newcomer.typed("sh ./script").silent(0);
        assert_eq!(alone.text(), "collect\nreport.sh", "{first}");
        let slow = "#!/bin/sh\necho ready $$\nexec sleep 600\n";
        fs::write(newcomer.path("collect"), slow).expect("a program");
        let one = Run::start(newcomer.types("exec sh ./script"));
        let collect = one.ready();
        assert_eq!(
            newcomer.typed("sh ./script").silent(0).text(),
            "",
            "{first}"
        );
        send(collect, Signal::TERM);
        assert!(one.finish().text().ends_with("\nreport.sh"), "{first}");
        newcomer.program("collect");
    }
    for first in ["(  # with flock", "genlock run -w 60 /locks/collect"] {
        let said = newcomer.typed(&here(&block(first))).silent(0);
        assert_eq!(said.text(), "collect\nreport.sh", "{first}");
    }
}

#[test]
fn a_lock_that_is_held_by_hand() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    let script = block("genlock run --reason 'moving the disks'");
    let holder = Run::start(newcomer.types(&format!("exec {script}")));
    poll("a holder", || server.keys().len() == 1);
    let tried = newcomer.typed("genlock run --try /locks/report ./report.sh");
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    assert!(
        tried.one_line().ends_with(": moving the disks"),
        "{tried:?}"
    );
    holder.end();
}

#[test]
fn a_loop_that_keeps_a_daemon_running() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    for first in [
        "while :; do etcdctl lock /locks/daemon",
        "while :; do genlock run -q /locks/daemon",
        "while :; do genlock run -q /locks/leader",
    ] {
        let script = block(first);
        // No seconds are waited.
        let script = script
            .replace("sleep 1", "sleep 0.1")
            .replace("sleep 5", "sleep 0.1");
        assert!(script.contains("sleep 0.1"), "{script}");
        let looping = Run::start(newcomer.types(&script));
        looping.says_times("daemon", 2);
    }
}
