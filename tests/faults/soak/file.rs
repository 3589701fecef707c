//! Locks in files, which have no server that could fail: what fails is who holds them.

use std::process::Command;
use std::time::Duration;

use super::Target;
use super::asking::{Able, Sharing};
use super::nemesis::Fault;
use crate::genlock::{Store, output};
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
}

impl Target for Files {
    fn genlock(&self, _: usize, verb: &str) -> Command {
        mortal(&self.verb(verb))
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        Vec::new()
    }

    fn nothing_is_left(&self, keys: &[String]) {
        for key in keys {
            let mut run = self.verb("run");
            run.args(["-n", key, "true"]);
            output(run).silent(0);
        }
    }
}
