//! An entry of the table: ratios first, each with its goal, then the values behind them.

use std::fmt;

/// A figure with its goals.
pub(crate) struct Figure {
    title: String,
    verdicts: Vec<(bool, String)>,
    notes: Vec<String>,
    /// What the plot shows: a tool, its value, and the text beside the bar.
    pub(crate) bars: Vec<(&'static str, f64, String)>,
}

impl Figure {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            verdicts: Vec::new(),
            notes: Vec::new(),
            bars: Vec::new(),
        }
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// `value`, which should be `goal` at most; `unit` says what of.
    pub(crate) fn at_most(mut self, goal: f64, value: f64, unit: &str) -> Self {
        let text = format!("{} {unit} (goal: at most {goal})", short(value));
        self.verdicts.push((value <= goal, text));
        self
    }

    /// `value`, which should be `goal` at least.
    pub(crate) fn at_least(mut self, goal: f64, value: f64, unit: &str) -> Self {
        let text = format!("{} {unit} (goal: at least {goal})", short(value));
        self.verdicts.push((value >= goal, text));
        self
    }

    /// A goal that is met or not, without a number.
    pub(crate) fn holds(mut self, so: bool, text: impl Into<String>) -> Self {
        self.verdicts.push((so, text.into()));
        self
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// A bar of the plot, which is also a note.
    pub(crate) fn bar(self, who: &'static str, value: f64, text: impl Into<String>) -> Self {
        let text = text.into();
        let mut figure = self.note(format!("{who}: {text}"));
        // The plot has no room for the spread.
        let plain = text.split(" (").next().unwrap_or_default();
        let unit = text.rsplit(')').next().unwrap_or_default();
        let text = if plain == text {
            text
        } else {
            format!("{plain}{unit}")
        };
        figure.bars.push((who, value, text));
        figure
    }

    /// How many goals it misses.
    pub(crate) fn over(&self) -> usize {
        self.verdicts.iter().filter(|(so, _)| !so).count()
    }
}

fn short(value: f64) -> String {
    if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for (so, text) in &self.verdicts {
            writeln!(f, "  {:<5} {text}", if *so { "ok" } else { "over" })?;
        }
        for note in &self.notes {
            writeln!(f, "        {note}")?;
        }
        Ok(())
    }
}
