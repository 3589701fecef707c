//! Locks in files, which have no server that could fail: what fails is who holds them.

use std::process::Command;

use super::Target;
use super::history::Sharing;
use super::nemesis::Fault;
use crate::genlock::{Store, output};
use crate::support::cluster::mortal;

pub(super) struct Files {
    store: Store,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            store: Store::files(),
        }
    }

    fn run(&self) -> Command {
        let mut run = crate::genlock::genlock();
        run.args(["run", "--endpoints", &self.store.endpoints]);
        run
    }
}

impl Target for Files {
    fn genlock_run(&self, _: usize) -> Command {
        mortal(&self.run())
    }

    fn ways(&self) -> &'static [Sharing] {
        &[Sharing::Alone]
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        Vec::new()
    }

    fn nothing_is_left(&self, keys: &[String]) {
        for key in keys {
            let mut run = self.run();
            run.args(["-n", key, "true"]);
            output(run).silent(0);
        }
    }
}
