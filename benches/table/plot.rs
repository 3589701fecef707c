//! The table's figures as bars, in SVG. It has its own background, so that it can be read on dark and
//! light pages.

use std::fmt::Write;

use crate::report::Figure;

const WIDTH: u32 = 760;
const LABEL: u32 = 110;
const BARS: u32 = 470;
const LINE: u32 = 18;

/// The figures that compare, each on a scale of its own.
pub(crate) fn svg(machine: &str, figures: &[Figure]) -> String {
    let mut body = String::new();
    let mut y = 30;
    let text = |body: &mut String, x: u32, y: u32, class: &str, text: &str| {
        let text = escaped(text);
        let _ = writeln!(
            body,
            r#"<text x="{x}" y="{y}" class="{class}">{text}</text>"#
        );
    };
    for figure in figures.iter().filter(|figure| figure.bars.len() > 1) {
        text(&mut body, 20, y, "title", figure.title());
        y += 8;
        let most = figure.bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
        for (who, value, written) in &figure.bars {
            let width = (value / most * f64::from(BARS)).max(1.0);
            let class = if *who == "genlock" { "ours" } else { "other" };
            text(&mut body, 20, y + 13, "who", who);
            let top = y + 2;
            let _ = writeln!(
                body,
                r#"<rect x="{LABEL}" y="{top}" width="{width:.0}" height="14" class="{class}"/>"#
            );
            text(
                &mut body,
                LABEL + 6 + width as u32,
                y + 13,
                "value",
                written,
            );
            y += LINE;
        }
        y += 26;
    }
    text(
        &mut body,
        20,
        y - 6,
        "value",
        "Shorter is better, but for sections a second.",
    );
    for part in machine.split("; ").collect::<Vec<_>>().chunks(2) {
        y += 14;
        text(&mut body, 20, y - 4, "value", &part.join("; "));
    }
    let height = y + 12;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">
<style>
text {{ font: 12px sans-serif; fill: #24292f }}
.title {{ font-weight: bold }}
.value {{ fill: #57606a; font-size: 11px }}
.ours {{ fill: #0969da }}
.other {{ fill: #afb8c1 }}
</style>
<rect width="100%" height="100%" rx="6" fill="#ffffff"/>
{body}</svg>
"##
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
