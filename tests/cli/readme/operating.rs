//! What operators type.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Newcomer, block};
use crate::genlock::{Run, poll};
use crate::process::{children, has};
use crate::support::etcd::Server;

#[test]
fn when_locks_do_not_work() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let script = block("genlock doctor /locks/backup");
    let said = newcomer.typed(&script);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(server.keys().is_empty());
}

#[test]
fn see_who_holds_it_and_step_in() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let script = block("genlock status /locks/backup");
    let lines: Vec<_> = script.lines().collect();
    let [status, ls, watch, wait, breaking] = lines[..] else {
        panic!("{script}");
    };
    let watcher = Run::start(newcomer.types(&format!("exec {watch}")));
    let held = "genlock run /locks/backup sh -c 'echo ready $$; exec sleep 600'";
    let holder = Run::start(newcomer.types(&format!("exec {held}")));
    holder.ready();
    watcher.says("/locks/backup");
    watcher.signal(Signal::INT);
    watcher.finish();
    let said = newcomer.typed(status);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(said.text().contains("sleep 600"), "{said:?}");
    assert!(newcomer.typed(ls).text().contains("/locks/backup"));
    newcomer.typed(wait).silent(0);
    // The line that it shows takes the lock from the holder.
    let shown = newcomer.typed(breaking);
    let all = format!("{}\n{}", shown.text(), shown.stderr);
    let at = all
        .find("genlock break /locks/backup --token")
        .expect("the line");
    let line = all[at..].lines().next().unwrap_or_default();
    let taken = newcomer.typed(line);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    let holder = holder.finish();
    assert_eq!(holder.status.code(), Some(80), "{holder:?}");
    assert!(holder.took < Duration::from_secs(20));
}

#[test]
fn for_monitoring() {
    if !has("jq") {
        return;
    }
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let watch = block("genlock watch --json /locks/");
    // Line by line, for the test; who is killed is told of with its lock's end.
    let watch = watch.replace("jq -c", "jq --unbuffered -c");
    let watch = Run::start(newcomer.types(&watch));
    let held =
        "exec genlock run --ttl 2s -k 100ms /locks/backup sh -c 'echo ready $$; exec sleep 600'";
    let holder = Run::start(newcomer.types(held));
    holder.ready();
    let said = newcomer.typed(&block("genlock ls --json")).silent(0);
    let words: Vec<_> = said.text().split(' ').collect();
    assert_eq!(words[1], holder.pid().to_string(), "{words:?}");
    holder.signal(Signal::KILL);
    watch.says("\"/locks/backup\"");
    // Ctrl-C is for the whole pipeline; a signal to its shell alone leaves the others.
    for part in children(watch.pid()) {
        // It is gone already where another's end is its own.
        let _ = kill_process(Pid::from_raw(part).expect("a process"), Signal::TERM);
    }
    watch.finish();
}

#[test]
fn hold_deploys_off_by_hand() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let script = block("genlock run --reason 'audit until noon");
    let holder = Run::start(newcomer.types(&format!("exec {script}")));
    poll("a holder", || server.keys().len() == 1);
    let tried = newcomer.typed("genlock run --try /locks/deploy true");
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    let why = ": audit until noon, see CHANGE-4711";
    assert!(tried.one_line().ends_with(why), "{tried:?}");
    holder.signal(Signal::INT);
    holder.finish();
    assert!(server.keys().is_empty());
}

#[test]
fn hold_deploys_off_without_a_terminal() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let script = block("genlock acquire --pid none --for 2h");
    let (freeze, end) = script.split_once('\n').expect("two lines");
    newcomer.typed(freeze).silent(0);
    let tried = newcomer.typed("genlock run --try /locks/deploy true");
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    assert!(tried.one_line().contains("audit until noon"), "{tried:?}");
    let longer = end.replace("release", "renew --for 3h");
    newcomer.typed(&longer).silent(0);
    assert_eq!(server.keys().len(), 1);
    newcomer.typed(end).silent(0);
    assert!(server.keys().is_empty());
}
