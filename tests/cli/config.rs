//! The configuration: which file counts, what it may say, and whose it has to be.

mod etcdctl;
mod places;
mod trust;
mod values;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::genlock::{Finished, Store, genlock, output};

/// A directory with a configuration at `name`.
struct Place {
    store: Store,
    file: PathBuf,
}

impl Place {
    fn new(name: &str, text: &str) -> Self {
        let store = Store::files();
        let file = store.path(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(&file, text).expect("a file");
        // As with the usual umask, whatever ours is.
        let place = Self { store, file };
        place.mode(0o644);
        place
    }

    fn mode(&self, mode: u32) {
        std::fs::set_permissions(&self.file, Permissions::from_mode(mode)).expect("a mode");
    }

    fn directory(&self) -> &Path {
        self.store.directory()
    }

    /// Runs `env` under a lock with this file as the configuration.
    fn env(&self, options: &[&str]) -> Finished {
        output(self.named(options, &["env"]))
    }

    fn named(&self, options: &[&str], command: &[&str]) -> Command {
        let mut run = genlock();
        run.arg("run").arg("--config").arg(&self.file);
        run.args(options).arg("k").args(command);
        run
    }
}

/// A configuration of its own in a scratch directory.
fn config(text: &str) -> Place {
    Place::new("config.toml", text)
}

/// `genlock run` of `env` with nothing but what the test says.
fn unconfigured(options: &[&str]) -> Command {
    of_program(genlock(), options)
}

fn of_program(mut run: Command, options: &[&str]) -> Command {
    run.env_remove("GENLOCK_CONFIG").env_remove("HOME");
    run.arg("run").args(options).args(["k", "env"]);
    run
}

fn variable<'a>(run: &'a Finished, name: &str) -> Option<&'a str> {
    let mut lines = run.text().lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The directory of the lock files that the run has used.
#[track_caller]
fn locks(run: &Finished) -> PathBuf {
    assert!(run.status.success(), "{run:?}");
    let key = variable(run, "GENLOCK_HELD_OWNER_KEY").expect("an owner key");
    Path::new(key).parent().expect("a directory").to_owned()
}

/// Refused as bad configuration, before anything runs.
#[track_caller]
fn refused(run: &Finished) -> &str {
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    assert_eq!(run.stdout, b"");
    run.one_line()
}

#[test]
fn every_verb_reads_it() {
    let place = config("endpoints = \"file:locks\"\nttl = 7\nno-record-command = true\n");
    locks(&place.env(&[]));
    for (words, status) in [
        (&["status", "k"][..], 1),
        (&["ls"], 0),
        (&["wait", "k"], 0),
        (&["break", "k"], 1),
        (&["doctor", "k"], 0),
    ] {
        let mut verb = genlock();
        verb.args(words).arg("--config").arg(&place.file);
        let run = output(verb);
        assert_eq!(run.status.code(), Some(status), "{words:?}: {run:?}");
    }
    let mut verb = genlock();
    verb.args(["status", "k", "--config", "/no/such.toml"]);
    refused(&output(verb));
}

#[test]
fn times_that_do_not_fit_say_where_they_are_from() {
    let place = config("ttl = 5\n\nkill-after = 5\n");
    let run = place.env(&["--no-renew", "--endpoints", &place.store.endpoints]);
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    let (said, file) = (run.one_line(), place.file.display());
    let both = format!("(kill-after in {file}:3) (ttl in {file}:1)");
    assert!(said.ends_with(&both), "{said}");
    // What the command line says needs no place, and beats it.
    let options = ["--no-renew", "--endpoints", &place.store.endpoints];
    let run = place.env(&[&options[..], &["-k", "9"]].concat());
    assert!(run.one_line().ends_with(&format!("(ttl in {file}:1)")));
    locks(&place.env(&[&options[..], &["-k", "1"]].concat()));
}
