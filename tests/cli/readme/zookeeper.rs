//! The recipe for ZooKeeper: the programs that it shows, with their real clients, and genlock beside them.

use std::process::Command;

use super::{Newcomer, block};
use crate::genlock::{Run, poll};
use crate::support::zookeeper::start::classes;
use crate::support::zookeeper::{Chroot, PYTHON};

/// Around what the page shows in Java.
const JAVA: &str = r#"
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.*;
import org.apache.curator.framework.recipes.locks.*;
import org.apache.curator.retry.RetryOneTime;

public class Report {
    static void report() throws Exception {
        System.out.println("ready " + ProcessHandle.current().pid());
        while (System.in.read() >= 0) {}
    }

    public static void main(String[] given) throws Exception {
        SHOWN
    }
}
"#;

/// The same in Python.
const KAZOO: &str = r#"
import os, sys
from kazoo.client import KazooClient

def report():
    print("ready", os.getpid(), flush=True)
    sys.stdin.read()

"#;

/// The servers of the page, in the place of which a test's own are put.
const SERVERS: &str = "zk1,zk2,zk3/apps";

struct Beside {
    chroot: Chroot,
    newcomer: Newcomer,
}

impl Beside {
    fn new() -> Self {
        let (chroot, newcomer) = (Chroot::of_the_shared(), Newcomer::new());
        newcomer.file("report.sh", "echo ready $$\nread _\ntrue\n");
        Self { chroot, newcomer }
    }

    /// What a page shows, with a server that is there.
    #[track_caller]
    fn shown(&self, first: &str) -> String {
        let text = block(first);
        assert!(text.contains(SERVERS), "{text}");
        let own = format!("{}{}", self.chroot.server.address(), self.chroot.path);
        text.replace(SERVERS, &own)
    }

    /// The line of genlock's, with these options.
    fn genlock(&self, first: &str, options: &str) -> Command {
        let line = self.shown(first).replace("./report.sh", "sh report.sh");
        let line = line.replacen("genlock run", &format!("exec genlock run {options}"), 1);
        self.newcomer.types(&line)
    }

    /// The program holds and genlock does not get by, and the other way round.
    fn by_turns(&self, first: &str, program: impl Fn() -> Command) {
        // It makes the chroot, which Curator does not.
        let mut once = Run::start_to_wait(self.genlock(first, ""));
        once.go_on();
        assert_eq!(once.finish().status.code(), Some(0));
        let mut other = Run::start_to_wait(program());
        other.ready();
        let tried = Run::start(self.genlock(first, "--try")).finish();
        assert_eq!(tried.status.code(), Some(75), "{tried:?}");
        let mut genlock = Run::start_to_wait(self.genlock(first, ""));
        poll("a place", || self.chroot.standing().len() == 2);
        let mut last = Run::start_to_wait(program());
        poll("a place behind it", || self.chroot.standing().len() == 3);
        other.go_on();
        assert_eq!(other.finish().status.code(), Some(0));
        genlock.ready();
        assert!(!last.has_ended());
        genlock.go_on();
        assert_eq!(genlock.finish().status.code(), Some(0));
        last.ready();
        last.go_on();
        assert_eq!(last.finish().status.code(), Some(0));
    }
}

#[test]
fn beside_curator() {
    let beside = Beside::new();
    let java = JAVA.replace("SHOWN", &beside.shown("try (CuratorFramework client"));
    beside.newcomer.file("Report.java", &java);
    let jars = [
        "curator-client",
        "curator-framework",
        "curator-recipes",
        "guava",
    ];
    let file = beside.newcomer.path("Report.java");
    beside.by_turns("genlock run --endpoints zk://", || {
        let mut command = Command::new("java");
        command.args(["-XX:TieredStopAtLevel=1", "-cp", &classes(&jars)]);
        command.arg(&file);
        command
    });
}

#[test]
fn beside_kazoo() {
    let beside = Beside::new();
    let python = format!("{KAZOO}{}", beside.shown("client = KazooClient("));
    beside.by_turns("genlock run --endpoints 'zk://", || {
        let mut command = Command::new(PYTHON);
        command.args(["-c", &python]);
        command
    });
}

#[test]
fn what_is_wrong_and_who_holds_it() {
    let beside = Beside::new();
    let script = beside.shown("genlock doctor --endpoints zk://");
    let [doctor, status] = script.lines().collect::<Vec<_>>()[..] else {
        panic!("{script}");
    };
    let found = beside.newcomer.typed(doctor);
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    assert_eq!(beside.newcomer.typed(status).status.code(), Some(1));
    let mut holder = Run::start_to_wait(beside.genlock("genlock run --endpoints zk://", ""));
    holder.ready();
    let held = beside.newcomer.typed(status).silent(0);
    assert!(held.text().contains("sh report.sh"), "{held:?}");
    holder.go_on();
    holder.finish();
}
