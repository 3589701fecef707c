//! The rows of the table, in their order.

pub(crate) mod distance;
pub(crate) mod idle;
pub(crate) mod queue;
mod remote;
pub(crate) mod requests;
mod scale;
mod start;
pub(crate) mod thousand;

use crate::remote::{Redis, ZooKeeper};
use crate::report::Figure;
use crate::stage::Stage;

/// Measures, and gives what it found.
type Row = fn(&Stage) -> Vec<Figure>;

/// Each with the name by which the command line selects it.
pub(crate) const ROWS: &[(&str, Row)] = &[
    ("run", start::run),
    ("first", start::first),
    ("file", start::file),
    ("distance", distance::distance),
    ("handover", queue::handover),
    ("sections", queue::sections),
    ("thousand", thousand::thousand),
    ("requests", requests::requests),
    ("memory", idle::memory),
    ("idle", idle::idle),
    ("redis", redis),
    ("redis-thousand", remote::thousand::<Redis>),
    ("zookeeper", zookeeper),
    ("zookeeper-thousand", remote::thousand::<ZooKeeper>),
    ("scale", scale::scale),
];

fn redis(stage: &Stage) -> Vec<Figure> {
    let goals = remote::Goals {
        run: 1.25,
        first: (2.1, 3.1),
    };
    remote::all::<Redis>(stage, &goals)
}

/// A session is granted first, and its node made in a second request; it is closed by a third.
fn zookeeper(stage: &Stage) -> Vec<Figure> {
    let goals = remote::Goals {
        run: 3.0,
        first: (3.1, 5.1),
    };
    remote::all::<ZooKeeper>(stage, &goals)
}
