//! The runs as a picture (SVG 1.1): who waited and who held when, a lane for each host. Each kind of end
//! has a colour and a pattern, so that it can be told without colours.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use super::KnownRun;
use super::axis::Axis;
use super::lanes::{self, Bar, Lane};
use super::outcome::{self, RunOutcome};
use crate::columns::fit_middle;
use crate::describe;

/// In pixels.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 16.0;
/// The column of the hosts' names, and how many columns of text fit into it.
const NAMES: f64 = 170.0;
const NAME: usize = 24;
const HEAD: f64 = 56.0;
const ROW: f64 = 20.0;
const GAP: f64 = 10.0;
const AXIS: f64 = 30.0;
/// A bar is never less wide: a second in a month would not be seen.
const LEAST: f64 = 2.5;
/// One line of the legend, and one part of it.
const LEGEND: f64 = 22.0;
const PART: f64 = 160.0;

const STYLE: &str = "text{font:12px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}\
    .g{fill:#555;font-size:11px}.o{stroke:#222;stroke-width:.7}.n{stroke-dasharray:3 2}";

/// What a picture draws bars with.
#[derive(Clone, Copy)]
struct Fill {
    id: &'static str,
    colour: &'static str,
    /// What is drawn over the colour, in a tile of 8 by 8.
    pattern: &'static str,
}

fn fill_of(outcome: RunOutcome) -> Fill {
    let (id, colour, pattern) = match outcome {
        RunOutcome::Succeeded => ("succeeded", "#a8ddb5", ""),
        RunOutcome::Failed => ("failed", "#f46d43", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
        RunOutcome::Signalled => ("signalled", "#d73027", "M0 0L8 8M0 8L8 0"),
        RunOutcome::MaxRuntime => ("limit", "#fee08b", "M2 0V8M6 0V8"),
        RunOutcome::Lost => ("lost", "#9970ab", "M0 2H8M0 6H8M2 0V8M6 0V8"),
        RunOutcome::TakenAway => ("taken", "#74add1", "M0 2H8M0 6H8"),
        RunOutcome::NotRun => ("not-run", "#f7f7f7", "M2 2h1v1h-1zM6 6h1v1h-1z"),
        RunOutcome::NotHeardOf => ("unheard", "#ffffff", "M0 0L8 8M-2 6L2 10M6 -2L10 2"),
        RunOutcome::Released => ("released", "#ccebc5", "M4 0V8"),
        RunOutcome::Running => ("running", "#d9f0d3", "M0 4h3"),
    };
    Fill {
        id,
        colour,
        pattern,
    }
}

/// The picture of these runs of `key`.
pub(super) fn drawn(key: &str, runs: &[KnownRun], now: SystemTime) -> String {
    let lanes = lanes::of(runs, now);
    let left = MARGIN + NAMES;
    let axis = lanes::axis(&lanes, left, WIDTH - left - MARGIN);
    let kinds: BTreeSet<_> = lanes
        .iter()
        .flat_map(|lane| &lane.bars)
        .map(|bar| bar.outcome)
        .collect();
    let heights: f64 = lanes.iter().map(height).sum();
    let per_line = ((WIDTH - 2.0 * MARGIN) / PART) as usize;
    let legend_lines = (kinds.len() + 1).div_ceil(per_line);
    let bottom = HEAD + heights + AXIS;
    let total = bottom + legend_lines as f64 * LEGEND + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{total}\" \
         viewBox=\"0 0 {WIDTH} {total}\">\n<style>{STYLE}</style>\n{}\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        patterns(&kinds)
    );
    title(&mut svg, key, runs.len(), &axis);
    ticks(&mut svg, &axis, HEAD + heights);
    let mut top = HEAD;
    for lane in &lanes {
        draw_lane(&mut svg, lane, &axis, top);
        top += height(lane);
    }
    legend(&mut svg, &kinds, bottom, per_line);
    svg.push_str("</svg>\n");
    svg
}

fn height(lane: &Lane<'_>) -> f64 {
    lane.rows as f64 * ROW + GAP
}

fn patterns(kinds: &BTreeSet<RunOutcome>) -> String {
    let mut defs = String::from("<defs>");
    for &kind in kinds {
        let Fill {
            id,
            colour,
            pattern,
        } = fill_of(kind);
        // Writing to a string cannot fail.
        let _ = write!(
            defs,
            "<pattern id=\"{id}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"8\" height=\"8\" fill=\"{colour}\"/>\
             <path d=\"{pattern}\" stroke=\"#222\" stroke-width=\".8\" fill=\"none\"/></pattern>"
        );
    }
    defs.push_str("</defs>\n");
    defs
}

fn title(svg: &mut String, key: &str, runs: usize, axis: &Axis) {
    let runs = match runs {
        0 => "no runs are kept".to_owned(),
        1 => format!("one run, {}", axis.ends().join(" to ")),
        runs => format!("the last {runs} runs, {}", axis.ends().join(" to ")),
    };
    text(svg, (MARGIN, 24.0), "t", &describe::escape(key));
    text(svg, (MARGIN, 42.0), "g", &runs);
}

/// The times below the lanes, and a line through them for each.
fn ticks(svg: &mut String, axis: &Axis, bottom: f64) {
    for (time, label) in axis.ticks() {
        let x = axis.at(time);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {HEAD}V{:.1}\" stroke=\"#ccc\"/>",
            bottom + 4.0
        );
        let _ = writeln!(
            svg,
            "<text class=\"g\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            bottom + 18.0,
            escaped(&label)
        );
    }
}

fn draw_lane(svg: &mut String, lane: &Lane<'_>, axis: &Axis, top: f64) {
    let name = fit_middle(&describe::escape(lane.host), NAME);
    text(svg, (MARGIN, top + 14.0), "", &name);
    let below = top + height(lane) - GAP / 2.0;
    let _ = writeln!(
        svg,
        "<path d=\"M{MARGIN} {below:.1}H{:.1}\" stroke=\"#eee\"/>",
        WIDTH - MARGIN
    );
    for bar in &lane.bars {
        draw_bar(svg, bar, axis, top + bar.row as f64 * ROW);
    }
}

/// The wait as a thin line up to the bar of the hold.
fn draw_bar(svg: &mut String, bar: &Bar<'_>, axis: &Axis, top: f64) {
    let [came, held, end] = [bar.came, bar.held, bar.end].map(|time| axis.at(time));
    let width = (end - held).max(LEAST);
    let open = match bar.outcome {
        RunOutcome::Running | RunOutcome::NotHeardOf => " n",
        _ => "",
    };
    let _ = write!(svg, "<g><title>{}</title>", escaped(&tip(bar)));
    if held - came >= 1.0 {
        let _ = write!(
            svg,
            "<rect x=\"{came:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\" fill=\"#bbb\"/>",
            top + 6.0,
            held - came
        );
    }
    let _ = writeln!(
        svg,
        "<rect class=\"o{open}\" x=\"{held:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"16\" fill=\"url(#{})\"/></g>",
        fill_of(bar.outcome).id
    );
}

/// What is told of a run where the pointer is on it.
fn tip(bar: &Bar<'_>) -> String {
    let run = &bar.seen.run;
    let report = &run.report;
    let length = |seconds: f64| {
        let time = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
        describe::duration(Duration::from_millis(time.as_millis() as u64))
    };
    format!(
        "{}, token {}: {}; came {}, waited {}, held {}",
        describe::user_and_host(&run.user, &run.host),
        run.token(),
        outcome::words(bar.seen),
        describe::escape(&report.started_at),
        length(bar.held - bar.came),
        length(bar.end - bar.held),
    )
}

fn legend(svg: &mut String, kinds: &BTreeSet<RunOutcome>, top: f64, per_line: usize) {
    let waits = ("#bbb".to_owned(), 4.0, "waited");
    let held = kinds.iter().map(|&kind| {
        let fill = format!("url(#{})", fill_of(kind).id);
        (fill, 12.0, kind.name())
    });
    for (at, (fill, height, name)) in std::iter::once(waits).chain(held).enumerate() {
        let x = MARGIN + (at % per_line) as f64 * PART;
        let y = top + (at / per_line) as f64 * LEGEND + 12.0;
        let outline = if height > 4.0 { " class=\"o\"" } else { "" };
        let _ = writeln!(
            svg,
            "<rect{outline} x=\"{x:.1}\" y=\"{:.1}\" width=\"24\" height=\"{height}\" fill=\"{fill}\"/>",
            y - height / 2.0
        );
        text(svg, (x + 30.0, y + 4.0), "", name);
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) {
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    let _ = writeln!(
        svg,
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escaped(text)
    );
}

/// Text in XML. Control characters, which have no place there, were escaped before (`describe::escape`).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::history::outcome::RunState;
    use crate::locker::{PastRun, Record};
    use crate::report::RunReport;

    fn known(host: &str, token: u64, held: Option<f64>) -> KnownRun {
        let mut report = RunReport::new("/k", SystemTime::UNIX_EPOCH);
        report.token = Some(token);
        report.held_seconds = held;
        if held.is_some() {
            report.end(SystemTime::UNIX_EPOCH);
        }
        let holder = Record {
            host: host.to_owned(),
            ..Record::default()
        };
        KnownRun {
            state: match held {
                Some(_) => RunState::Ended,
                None => RunState::NotHeardOf,
            },
            run: PastRun::new(report, holder),
        }
    }

    #[test]
    fn what_others_wrote_is_only_text() {
        let hostile = "</text><script>\u{1b}\"'&";
        let runs = [known(hostile, 1, Some(3.0)), known("b", 2, None)];
        let svg = drawn(hostile, &runs, SystemTime::UNIX_EPOCH);
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;"), "{svg}");
        let marks = |mark: &str| svg.matches(mark).count();
        assert_eq!(marks("<g>"), marks("</g>"));
        assert_eq!(marks("<text"), marks("</text>"));
    }

    #[test]
    fn nothing_and_nonsense_are_drawn_too() {
        for held in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let mut odd = known("a", 1, Some(held));
            odd.run.report.waited_seconds = Some(held);
            let svg = drawn("/k", &[odd], SystemTime::UNIX_EPOCH);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let mut timeless = known("a", 1, Some(1.0));
        timeless.run.report.started_at = "yesterday".to_owned();
        for runs in [vec![], vec![timeless]] {
            let svg = drawn("/k", &runs, SystemTime::now());
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        }
    }
}
