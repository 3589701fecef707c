//! What a run asks of etcd, and what holding and waiting cost while nothing happens.

use super::{Builds, Compared, in_turns};
use crate::rows::idle::{idleness, memory_of};
use crate::rows::requests::{Requests, alone, behind_another};
use crate::sample::Sample;
use crate::stage::Stage;

/// A name, and whether it waits for the lock.
const ROLES: [(&str, bool); 2] = [("holder", false), ("waiter", true)];

pub(super) fn standing(stage: &Stage, builds: Builds) -> Vec<Compared> {
    let mut rows = Vec::new();
    let (many, few) = (stage.times(100), stage.times(20));
    let a_run = |requests: Requests, runs| requests.all() as f64 / runs as f64;
    let meets_nobody = builds.map(|tool| a_run(alone(stage, tool, many), many));
    let waits = builds.map(|tool| a_run(behind_another(stage, tool, few), few));
    rows.push(Compared::new(
        "run that meets nobody",
        "requests",
        meets_nobody,
    ));
    rows.push(Compared::new(
        "run that waits for one other",
        "requests",
        waits,
    ));
    for (name, waits) in ROLES {
        let memory = in_turns(builds, stage.times(4), |tool, sample: &mut Sample| {
            sample.push(memory_of(stage, tool, waits));
        });
        rows.push(Compared::median(format!("{name}, memory"), "MB", &memory));
    }
    let seconds = if stage.quick { 7.0 } else { 30.0 };
    let all = ROLES.map(|(_, waits)| builds.map(|tool| (tool, waits)));
    let found = idleness(all.as_flattened(), seconds);
    for ((name, _), both) in ROLES.iter().zip(found.chunks(2)) {
        let [old, new] = both else { continue };
        let row =
            |unit, old, new| Compared::new(format!("{name}, idle for a minute"), unit, [old, new]);
        let requests = [old, new].map(|one| one.requests.all() as f64 * 60.0 / seconds);
        rows.extend([
            row("ms of processor", old.milliseconds, new.milliseconds),
            row("sleeps", old.sleeps, new.sleeps),
            row("requests", requests[0], requests[1]),
        ]);
    }
    rows
}
