//! The runs as a table.

use std::io::IsTerminal;
use std::time::Duration;

use super::{KnownRun, outcome};
use crate::cli::view;
use crate::columns::{fit, of_terminal, width};
use crate::describe;

/// Blanks between two columns.
const GAP: usize = 2;
const COLUMNS: usize = 6;

/// The runs in columns that are as wide as their widest cell, the last one, which is the longest, cut on
/// a terminal. Nothing but a line at a terminal if there are none.
pub(super) fn of(key: &str, runs: &[KnownRun]) -> String {
    let stdout = std::io::stdout();
    if runs.is_empty() {
        let key = describe::escape(key);
        return match stdout.is_terminal() {
            true => format!("{key}: no runs are kept; genlock run --history N keeps the last N\n"),
            false => String::new(),
        };
    }
    let heading = ["STARTED", "TOKEN", "WAITED", "HELD", "WHO", "HOW IT ENDED"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(runs.iter().map(row));
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.max().unwrap_or_default()
    });
    let before: usize = widths[..COLUMNS - 1].iter().map(|width| width + GAP).sum();
    let room = stdout.is_terminal().then(|| of_terminal(&stdout));
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            if column + 1 == COLUMNS {
                let room = room.map_or(usize::MAX, |room| room.saturating_sub(before));
                text.push_str(&fit(cell, room));
                continue;
            }
            let blanks = " ".repeat(widths[column].saturating_sub(width(cell)));
            // Numbers end where those above them do.
            let parts = match column {
                1..=3 => [&blanks, cell.as_str()],
                _ => [cell, blanks.as_str()],
            };
            text.push_str(&parts.concat());
            text.push_str(&" ".repeat(GAP));
        }
        text.push('\n');
    }
    text
}

fn row(seen: &KnownRun) -> [String; COLUMNS] {
    let run = &seen.run;
    let report = &run.report;
    let seconds = |seconds: Option<f64>| match seconds.map(Duration::try_from_secs_f64) {
        Some(Ok(time)) => describe::duration(time).to_string(),
        _ => "-".to_owned(),
    };
    let mut how = outcome::words(seen);
    how.push_str(&view::sharing(run.locks(), report.index));
    if !run.command_line.is_empty() {
        how.push_str(&format!(" ({})", describe::escape(&run.command_line)));
    }
    [
        describe::time(&report.started_at, &std::io::stdout()),
        run.token().to_string(),
        seconds(report.waited_seconds),
        seconds(report.held_seconds),
        describe::user_and_host(&run.user, &run.host),
        how,
    ]
}
