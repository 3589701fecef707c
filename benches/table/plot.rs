//! The table's figures as bars, in SVG. It has its own background, light or dark as its reader has it, so that
//! it can be read on pages of either colour.

use std::fmt::Write;

use crate::report::Figure;

const WIDTH: u32 = 760;
const LEFT: u32 = 20;
const LABEL: u32 = 130;
const BARS: u32 = 440;
const LINE: u32 = 17;

const STYLE: &str = "\
text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.head { font-size: 16px; font-weight: 600 }
.title { font-weight: 600 }
.ratio { font-weight: 600; fill: #0550ae; text-anchor: end }
.note { fill: #59636e; font-size: 11px }
.page { fill: #ffffff; stroke: #d1d9e0 }
.ours { fill: #0969da }
.other { fill: #afb8c1 }
.floor { fill: none; stroke: #818b98 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.ratio { fill: #79c0ff }
.note { fill: #9198a1 }
.page { fill: #0d1117; stroke: #3d444d }
.ours { fill: #388bfd }
.other { fill: #656c76 }
.floor { stroke: #9198a1 }
}
";

/// The least programs that do the same: not what people would take instead.
const FLOORS: [&str; 2] = ["floor", "bare waiter"];

/// How a bar of this one looks.
fn class(who: &str) -> &'static str {
    match who {
        "genlock" => "ours",
        who if FLOORS.contains(&who) => "floor",
        _ => "other",
    }
}

/// A drawing that grows downwards.
struct Drawing {
    body: String,
    y: u32,
}

impl Drawing {
    fn text(&mut self, x: u32, class: &str, text: &str) {
        let (y, text) = (self.y, escaped(text));
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" class="{class}">{text}</text>"#
        );
    }

    /// Its baseline is where text's is.
    fn bar(&mut self, x: u32, width: f64, class: &str) {
        let top = self.y - 10;
        let _ = writeln!(
            self.body,
            r#"<rect x="{x}" y="{top}" width="{width:.0}" height="12" rx="2" class="{class}"/>"#
        );
    }

    fn figure(&mut self, figure: &Figure) {
        self.y += 30;
        self.text(LEFT, "title", &figure.title().replace('`', ""));
        if let Some(ratio) = ratio(figure) {
            self.text(WIDTH - LEFT, "ratio", &ratio);
        }
        self.y += 2;
        let most = figure.bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
        for (who, value, written) in &figure.bars {
            self.y += LINE;
            let width = (value / most * f64::from(BARS)).max(1.0);
            self.text(LEFT, "who", who);
            self.bar(LABEL, width, class(who));
            self.text(LABEL + 8 + width as u32, "note", written);
        }
    }

    fn legend(&mut self) {
        for (x, class, what) in [
            (LEFT, "ours", "genlock"),
            (110, "other", "what is there otherwise"),
            (290, "floor", "the least program that does the same"),
        ] {
            self.bar(x, 16.0, class);
            self.text(x + 22, "note", what);
        }
    }
}

/// `0.25 × etcdctl lock`: beside the first that people would take instead.
fn ratio(figure: &Figure) -> Option<String> {
    let of = |class_of: &str| figure.bars.iter().find(|bar| class(bar.0) == class_of);
    let (ours, other) = (of("ours")?, of("other")?);
    Some(format!("{:.2} × {}", ours.1 / other.1, other.0))
}

/// The figures that compare, each on a scale of its own.
pub(crate) fn svg(machine: &str, figures: &[Figure]) -> String {
    let mut drawing = Drawing {
        body: String::new(),
        y: 32,
    };
    drawing.text(LEFT, "head", "What a lock costs");
    drawing.y += 22;
    drawing.legend();
    let compared: Vec<_> = figures.iter().filter(|one| one.bars.len() > 1).collect();
    compared.iter().for_each(|figure| drawing.figure(figure));
    drawing.y += 28;
    let how = "Medians, taken in turns in one run. Shorter is better, but for sections a second.";
    drawing.text(LEFT, "note", how);
    for part in machine.split("; ").collect::<Vec<_>>().chunks(2) {
        drawing.y += 15;
        drawing.text(LEFT, "note", &part.join("; "));
    }
    let (height, body) = (drawing.y + 14, drawing.body);
    let ratios = compared.iter().filter_map(|figure| {
        let title = figure.title().replace('`', "");
        Some(format!("{title}: {}", ratio(figure)?))
    });
    let description = escaped(&ratios.collect::<Vec<_>>().join("; "));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title description">
<title id="title">What a lock costs with genlock and with other tools</title>
<desc id="description">{description}</desc>
<style>
{STYLE}</style>
<rect x="0.5" y="0.5" width="{}" height="{}" rx="6" class="page"/>
{body}</svg>
"#,
        WIDTH - 1,
        height - 1
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
