//! Who is where in a picture: a lane for each host, with as many rows as runs of it at the same time.

use super::axis::{Axis, parsed};
use super::outcome::{RunOutcome, RunState};
use super::{KnownRun, axis};
use crate::locker::Mode;
use std::time::SystemTime;

/// The runs of one host.
pub(super) struct Lane<'a> {
    pub(super) host: &'a str,
    /// How many rows it has.
    pub(super) rows: usize,
    pub(super) bars: Vec<Bar<'a>>,
}

/// One run, with its times in seconds since 1970.
pub(super) struct Bar<'a> {
    pub(super) seen: &'a KnownRun,
    pub(super) outcome: RunOutcome,
    /// Which row of its lane.
    pub(super) row: usize,
    pub(super) came: f64,
    pub(super) held: f64,
    pub(super) end: f64,
}

/// The lanes in the order in which their hosts came first. What has no time is left out.
pub(super) fn of(runs: &[KnownRun], now: SystemTime) -> Vec<Lane<'_>> {
    let mut bars: Vec<_> = runs.iter().filter_map(bar).collect();
    end_open_ones(&mut bars, axis::seconds(now));
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for mut bar in bars {
        let host = bar.seen.run.host.as_str();
        let at = lanes.iter().position(|lane| lane.host == host);
        let at = at.unwrap_or_else(|| {
            lanes.push(Lane {
                host,
                rows: 0,
                bars: Vec::new(),
            });
            lanes.len() - 1
        });
        let lane = &mut lanes[at];
        bar.row = lane.free_row(&bar);
        lane.rows = lane.rows.max(bar.row + 1);
        lane.bars.push(bar);
    }
    lanes
}

/// Of a run of which no end is known, and which is the last, so much of the whole is drawn.
const UNKNOWN: f64 = 0.05;

/// Gives an end to the bars of those that have none. A run of which nothing more is known ended before the
/// next one took the lock that could not hold it beside that.
fn end_open_ones(bars: &mut [Bar<'_>], now: f64) {
    let starts: Vec<_> = bars
        .iter()
        .map(|bar| (bar.seen.run.locks(), bar.held))
        .collect();
    let known = bars.iter().flat_map(|bar| [bar.came, bar.held, bar.end]);
    let bounds = (f64::INFINITY, f64::NEG_INFINITY);
    let (first, last) = known.fold(bounds, |(first, last), at| (first.min(at), last.max(at)));
    for (at, bar) in bars.iter_mut().enumerate() {
        let end = match bar.seen.state {
            RunState::Ended => bar.end,
            RunState::Running => now,
            RunState::NotHeardOf => match next_without(bar.seen.run.locks(), &starts[at + 1..]) {
                Some(next) => next,
                None => bar.held + (last - first).max(1.0) * UNKNOWN,
            },
        };
        bar.end = end.max(bar.held);
    }
}

/// When the first of these, each with its mode, took the lock that holds it with nobody of this mode.
fn next_without(mode: Mode, next: &[(Mode, f64)]) -> Option<f64> {
    let mut next = next.iter();
    let apart = next.find(|(other, _)| mode == Mode::Exclusive || *other != mode)?;
    Some(apart.1)
}

/// The times from the first to the last of them.
pub(super) fn axis(lanes: &[Lane<'_>], left: f64, width: f64) -> Axis {
    let bars = lanes.iter().flat_map(|lane| &lane.bars);
    Axis::over(bars.flat_map(|bar| [bar.came, bar.end]), left, width)
}

fn bar(seen: &KnownRun) -> Option<Bar<'_>> {
    let report = &seen.run.report;
    let came = parsed(&report.started_at)?;
    let length = |seconds: Option<f64>| {
        let seconds = seconds.filter(|seconds| seconds.is_finite());
        seconds.unwrap_or_default().max(0.0)
    };
    let held = came + length(report.waited_seconds);
    Some(Bar {
        seen,
        outcome: RunOutcome::of(seen),
        row: 0,
        came,
        held,
        // Lengths are by a clock that nobody sets.
        end: held + length(report.held_seconds),
    })
}

impl Lane<'_> {
    /// The first row in which nothing else is at the time of this bar.
    fn free_row(&self, bar: &Bar<'_>) -> usize {
        let meets = |other: &Bar<'_>| other.came < bar.end && bar.came < other.end;
        let taken = |row: usize| {
            let in_row = self.bars.iter().filter(|other| other.row == row);
            in_row.into_iter().any(meets)
        };
        (0..self.rows).find(|&row| !taken(row)).unwrap_or(self.rows)
    }
}
