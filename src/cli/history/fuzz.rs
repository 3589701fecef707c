//! Runs that anybody may have written, as they are shown.

use std::time::{Duration, UNIX_EPOCH};

use super::{KnownRun, RunState, svg, table};
use crate::cli::fuzz::harmless;
use crate::locker::PastRun;

/// In each state, as a table and as a picture.
pub(in crate::cli) fn show(run: PastRun) {
    let states = [RunState::Ended, RunState::Running, RunState::NotHeardOf];
    let runs = states.map(|state| KnownRun {
        run: run.clone(),
        state,
    });
    table::of("/k", &runs).lines().for_each(harmless);
    let now = UNIX_EPOCH + Duration::from_secs(1_795_780_000);
    let picture = svg::drawn(&run.report.key, &runs, now);
    picture.lines().for_each(harmless);
    assert!(picture.len() < 100_000, "{}", picture.len());
}
