//! Locks in files, which have no server that could fail: what fails is who holds them. Others lock the same
//! files by flock(1), look at them, and empty them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Target;
use super::asking::{Able, Sharing};
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::{Store, bare, output};
use crate::support::cluster::mortal;

/// What its locks can do.
pub(super) const ABLE: Able = Able {
    sharing: &[Sharing::Alone, Sharing::Reads],
    several: false,
    latest: false,
    in_order: false,
    lasts: |_| Duration::ZERO,
    counts_anew: false,
};

/// What flock(1) ends with if it has not got the lock in time. With 66 if there is no directory yet.
const NOT_IN_TIME: &str = "75";

/// Under the lock: nobody writes the VALUE meanwhile. `sh -c UNDER_FLOCK sh VALUE SECONDS`.
const UNDER_FLOCK: &str = r#"before=$(cat "$1"); sleep "$2"; [ "$(cat "$1")" = "$before" ]"#;

pub(super) struct Files {
    store: Store,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            store: Store::files(),
        }
    }

    fn verb(&self, verb: &str) -> Command {
        let mut genlock = crate::genlock::genlock();
        genlock.args([verb, "--endpoints", &self.store.endpoints]);
        genlock
    }

    fn lock_file(&self, key: &str) -> PathBuf {
        let name = format!("{}.lock", key.replace('/', "%2F"));
        self.store.path("locks").join(name)
    }
}

impl Target for Files {
    fn genlock(&self, _: usize, verb: &str) -> Command {
        mortal(&self.verb(verb))
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        vec![
            Fault::new(
                "held by flock(1)",
                On::Store,
                |nemesis, files: &mut Self| flock(nemesis, files, "--exclusive"),
            ),
            Fault::new(
                "shared by flock(1)",
                On::Store,
                |nemesis, files: &mut Self| flock(nemesis, files, "--shared"),
            ),
            Fault::new("listed on and on", On::Way, list),
            Fault::new("lock's file emptied", On::Store, empty),
        ]
    }

    fn nothing_is_left(&self, keys: &[String]) {
        for key in keys {
            let mut run = self.verb("run");
            run.args(["-n", key, "true"]);
            output(run).silent(0);
        }
    }
}

/// One, or several one after the other. While they have it nobody else has written.
fn flock(nemesis: &mut Nemesis, files: &mut Files, mode: &str) -> Course<Files> {
    let key = nemesis.holder().key.clone();
    let value = nemesis.value(&key);
    let mut all: Vec<Child> = Vec::new();
    for _ in 0..[1, 10][nemesis.below(2)] {
        let seconds = nemesis.time(10, 400).as_secs_f64().to_string();
        let mut flock = bare("flock");
        flock.args([mode, "--wait", "5", "--conflict-exit-code", NOT_IN_TIME]);
        flock.arg(files.lock_file(&key));
        flock
            .args(["sh", "-c", UNDER_FLOCK, "sh"])
            .arg(&value)
            .arg(seconds);
        all.push(start(&flock));
    }
    Course::over().then(Duration::ZERO, |_, _| {
        for mut flock in all {
            let status = flock.wait().expect("an end");
            let is_alone = matches!(status.code(), Some(0 | 66 | 75));
            assert!(is_alone, "{status}: somebody wrote beside flock(1)");
        }
    })
}

fn list(nemesis: &mut Nemesis, files: &mut Files) -> Course<Files> {
    let key = nemesis.any().key.clone();
    let mut status = files.verb("status");
    status.arg(&key);
    let mut find = bare("find");
    find.arg(files.store.path("locks"));
    find.args([
        "-type", "f", "-exec", "touch", "{}", "+", "-exec", "cat", "{}", "+",
    ]);
    let mut all: Vec<Child> = Vec::new();
    for _ in 0..10 {
        for command in [&files.verb("ls"), &status, &find] {
            all.push(start(command));
        }
    }
    Course::over().then(Duration::ZERO, |_, _| {
        for mut one in all {
            one.wait().expect("an end");
        }
    })
}

/// The token goes on by the clock then.
fn empty(nemesis: &mut Nemesis, files: &mut Files) -> Course<Files> {
    let file = files.lock_file(&nemesis.any().key);
    // It may not be there yet.
    let opened = std::fs::File::options().write(true).open(file);
    if let Ok(file) = opened {
        file.set_len(0).expect("a file");
    }
    Course::over()
}

/// What it says is nothing to us: there may be no lock, or no value, yet.
fn start(command: &Command) -> Child {
    let mut command = mortal(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("a process")
}
