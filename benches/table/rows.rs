//! The rows of the table, in their order.

pub(crate) mod distance;
pub(crate) mod idle;
pub(crate) mod queue;
mod redis;
pub(crate) mod requests;
mod scale;
mod start;
pub(crate) mod thousand;

use crate::report::Figure;
use crate::stage::Stage;

/// Measures, and gives what it found.
type Row = fn(&Stage) -> Vec<Figure>;

/// Each with the name by which the command line selects it.
pub(crate) const ROWS: &[(&str, Row)] = &[
    ("run", start::run),
    ("first", start::first),
    ("file", start::file),
    ("redis", redis::redis),
    ("distance", distance::distance),
    ("handover", queue::handover),
    ("sections", queue::sections),
    ("thousand", thousand::thousand),
    ("requests", requests::requests),
    ("memory", idle::memory),
    ("idle", idle::idle),
    ("scale", scale::scale),
];
