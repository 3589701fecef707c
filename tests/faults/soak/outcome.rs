//! What came of a soak, and whose fault it is.

use super::Target;
use super::agreement::Agreement;
use super::checker;
use super::history::History;
use super::nemesis::Nemesis;

pub(super) struct Outcome {
    seed: u64,
    /// What was done.
    done: String,
    of_genlock: Vec<String>,
    of_the_store: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        seed: u64,
        nemesis: &Nemesis,
        agreement: &Agreement,
        agreed: Result<(), String>,
    ) -> Self {
        let mut of_the_store = nemesis.own_ends.lines();
        of_the_store.extend(agreed.err());
        Self {
            seed,
            done: format!("{nemesis}, {agreement}"),
            of_genlock: Vec::new(),
            of_the_store,
        }
    }

    /// That a worker has ended for what a run of its did.
    pub(super) fn ended_early(&mut self, worker: String) {
        self.of_genlock
            .push(format!("{worker}, ended early: its own words are above"));
    }

    /// Looks at what happened. Keeps it, and what the servers have, and fails with what is wrong.
    pub(super) fn judge(self, history: &History, target: &mut impl Target) {
        let found = checker::check(&history.text(), &target.able());
        let (seed, done, sections) = (self.seed, self.done, found.sections);
        println!("soak: {sections} sections, {done}, {found}, seed {seed}");
        let mut of_genlock = self.of_genlock;
        of_genlock.extend(found.faults);
        if of_genlock.is_empty() && self.of_the_store.is_empty() {
            return;
        }
        target.keep(history.keep());
        let directory = history.directory().display();
        let (count, some) = (of_genlock.len(), of_genlock.len().min(20));
        let whose = match count {
            0 => "the locks were right, but the store was not".to_owned(),
            _ => format!("{count} faults of genlock's: {:#?}", &of_genlock[..some]),
        };
        let of_the_store = self.of_the_store;
        panic!("seed {seed}, in {directory}: {whose}; the store's own faults: {of_the_store:#?}");
    }
}
