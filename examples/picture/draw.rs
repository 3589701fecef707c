//! A session as an SVG. It moves by CSS alone, as an image in a page may, and only where people have nothing
//! against that; else it is the picture of one moment. The terminals are dark, on a page of whatever colour.

use std::fmt::Write;

use super::session::{Change, Session};

const WIDTH: usize = 760;
const LINE: usize = 19;
/// Of a terminal: what is above its first row, with its caption, and below its last one.
const HEAD: usize = 30;
const FOOT: usize = 8;
const GAP: usize = 10;

const STYLE: &str = r#"text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #c9d1d9; white-space: pre }
.caption { font: 600 12px system-ui, sans-serif; fill: #8b949e }
.prompt { fill: #7ee787 }
.typed { fill: #ffffff; font-weight: 600 }
.ours { fill: #f2cc60 }
.box { fill: #0d1117; stroke: #484f58 }
.then { visibility: hidden }
"#;

/// A row that is shown for a time.
struct Shown<'a> {
    from: u32,
    to: u32,
    terminal: usize,
    row: usize,
    text: &'a str,
}

/// What the picture is of, for those who do not see it.
pub(crate) const TITLE: &str = "Three terminals: a lock is held, waited for, and handed over";
pub(crate) const DESCRIPTION: &str = "On web1 genlock run /locks/deploy ./deploy.sh is started, and the \
    deploy begins. On web2 the same is started; a line says for how long it has waited, that deploy@web1 holds \
    the lock, for how long, and that it is next in line. On web3 genlock status /locks/deploy tells who holds \
    the lock and who waits. When the deploy on web1 has ended, that on web2 begins at once. genlock ls says \
    then that web2 has the lock.";

pub(crate) fn svg(session: &Session) -> String {
    let mut tops = Vec::new();
    let mut top = 1;
    for (_, rows) in &session.terminals {
        tops.push(top);
        top += HEAD + rows * LINE + FOOT + GAP;
    }
    let height = top - GAP + 1;
    let shown = shown(session);
    let mut times: Vec<(u32, u32)> = shown.iter().map(|one| (one.from, one.to)).collect();
    times.sort_unstable();
    times.dedup();
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title description">
<title id="title">{TITLE}</title>
<desc id="description">{DESCRIPTION}</desc>
<style>
{STYLE}{}</style>
"#,
        movement(session, &times)
    );
    for ((caption, rows), top) in session.terminals.iter().zip(&tops) {
        let (caption, inner) = (escaped(caption), HEAD + rows * LINE + FOOT);
        let _ = writeln!(
            svg,
            r#"<rect x="1" y="{top}" width="{}" height="{inner}" rx="8" class="box"/>"#,
            WIDTH - 2
        );
        let _ = writeln!(
            svg,
            r#"<text x="16" y="{}" class="caption">{caption}</text>"#,
            top + 20
        );
    }
    let _ = writeln!(svg, r#"<g xml:space="preserve">"#);
    for one in shown {
        let y = tops[one.terminal] + HEAD + one.row * LINE + 14;
        let _ = writeln!(
            svg,
            r#"<text x="16" y="{y}"{}>{}</text>"#,
            class(session, &times, &one),
            coloured(one.text)
        );
    }
    svg += "</g>\n</svg>\n";
    svg
}

/// Each row for as long as it says the same.
fn shown(session: &Session) -> Vec<Shown<'_>> {
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for (index, change) in session.changes.iter().enumerate() {
        let Change {
            at,
            terminal,
            row,
            text,
        } = change;
        let of_same = |other: &&Change| (other.terminal, other.row) == (*terminal, *row);
        let next = session.changes[index + 1..].iter().find(of_same);
        let to = next.map_or(session.end, |next| next.at);
        if !text.is_empty() && to > *at {
            shown.push(Shown {
                from: *at,
                to,
                terminal: *terminal,
                row: *row,
                text,
            });
        }
    }
    shown
}

/// What is always there has none.
fn class(session: &Session, times: &[(u32, u32)], one: &Shown<'_>) -> String {
    let (from, to) = (one.from, one.to);
    if (from, to) == (0, session.end) {
        return String::new();
    }
    let is_still = (from..to).contains(&session.still);
    let then = if is_still { "" } else { " then" };
    let number = times.iter().position(|time| *time == (from, to));
    format!(r#" class="t{}{then}""#, number.unwrap_or_default())
}

/// The keyframes of each time.
fn movement(session: &Session, times: &[(u32, u32)]) -> String {
    let mut style = "@media (prefers-reduced-motion: no-preference) {\n".to_owned();
    let seconds = f64::from(session.end) / 10.0;
    for (number, (from, to)) in times.iter().enumerate() {
        if (*from, *to) == (0, session.end) {
            continue;
        }
        let percent = |at: u32| f64::from(at) * 100.0 / f64::from(session.end);
        let (from, to) = (percent(*from), percent(*to));
        let mut frames = format!("0%{{visibility:hidden}}{from:.2}%{{visibility:visible}}");
        if to < 100.0 {
            let _ = write!(frames, "{to:.2}%{{visibility:hidden}}");
        }
        // The last one stands until then.
        let last = if to < 100.0 { "hidden" } else { "visible" };
        let _ = writeln!(
            style,
            "@keyframes t{number}{{{frames}100%{{visibility:{last}}}}} \
             .t{number}{{animation:t{number} {seconds:.1}s step-end infinite}}"
        );
    }
    style += "}\n";
    style
}

/// A prompt, what is typed, and what genlock says of itself.
fn coloured(text: &str) -> String {
    if let Some((prompt, typed)) = text.split_once(":~$") {
        let (prompt, typed) = (escaped(prompt), escaped(typed));
        return format!(
            r#"<tspan class="prompt">{prompt}:~$</tspan><tspan class="typed">{typed}</tspan>"#
        );
    }
    let is_live = text
        .chars()
        .next()
        .is_some_and(|first| ('⠀'..='⣿').contains(&first));
    if is_live || text.starts_with("genlock: ") {
        return format!(r#"<tspan class="ours">{}</tspan>"#, escaped(text));
    }
    escaped(text)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
