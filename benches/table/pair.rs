//! `cargo bench -- --pair OLD NEW`: measures two builds of genlock in turns, by all rows of the table, and
//! prints their ratios. Given the same build twice it shows the noise. The row `scale` is missing: it
//! measures the library that the bench is built with.

mod crowds;
mod far;
mod runs;
mod standing;

use crate::sample::Sample;
use crate::stage::Stage;
use crate::tool::Tool;

/// The old and the new.
type Builds = [Tool; 2];

/// A row whose ratio is above this is called worse.
const WORSE: f64 = 1.03;

/// A row: the same measure of both builds.
struct Compared {
    title: String,
    unit: &'static str,
    values: [f64; 2],
    /// Whether more is better.
    more: bool,
}

impl Compared {
    fn new(title: impl Into<String>, unit: &'static str, values: [f64; 2]) -> Self {
        Self {
            title: title.into(),
            unit,
            values,
            more: false,
        }
    }

    fn median(title: impl Into<String>, unit: &'static str, samples: &[Sample; 2]) -> Self {
        Self::new(title, unit, samples.each_ref().map(Sample::median))
    }

    /// For a measure of which more is better.
    fn more_is_better(mut self) -> Self {
        self.more = true;
        self
    }

    /// How many times worse the new build is; below 1 it is better.
    fn ratio(&self) -> f64 {
        let [old, new] = self.values;
        match (old == new, self.more) {
            (true, _) => 1.0,
            (false, true) => old / new,
            (false, false) => new / old,
        }
    }
}

/// Measures each row, and says how the builds compare.
pub(crate) fn show(stage: &Stage, paths: [String; 2]) {
    for (name, path) in ["old", "new"].iter().zip(&paths) {
        println!("{name}: {path}");
    }
    let builds = paths.map(|path| Tool::Build(path.leak()));
    println!(
        "{:>6}  {:>9}  {:>9}  (a ratio below 1 is better, whatever the row counts)",
        "ratio", "old", "new"
    );
    let mut worse = 0;
    for measure in [runs::runs, far::first, crowds::crowds, standing::standing] {
        for row in measure(stage, builds) {
            let ([old, new], ratio) = (row.values, row.ratio());
            let mark = if ratio > WORSE { "worse" } else { "" };
            worse += usize::from(ratio > WORSE);
            println!(
                "{ratio:>6.3}  {old:>9.2}  {new:>9.2}  {}: {} {mark}",
                row.title, row.unit
            );
        }
    }
    println!("rows worse than {WORSE}: {worse}");
}

/// Calls `measure` so many times with each build and what it has measured of it, in turns: the build that
/// comes first in one turn comes second in the next.
fn in_turns<T: Default>(
    builds: Builds,
    turns: usize,
    mut measure: impl FnMut(Tool, &mut T),
) -> [T; 2] {
    let mut measured = [T::default(), T::default()];
    for turn in 0..turns {
        for at in [turn % 2, 1 - turn % 2] {
            measure(builds[at], &mut measured[at]);
        }
    }
    measured
}
