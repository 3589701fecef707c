//! One run that meets nobody.

use std::process::Command;

use crate::report::Figure;
use crate::sample::Sample;
use crate::stage::{Stage, timed, until_probe};
use crate::tool::{Tool, quiet};

const TOOLS: [Tool; 3] = [Tool::Genlock, Tool::Floor, Tool::Etcdctl];

/// In every order: a tool that runs after etcdctl finds the processor's caches filled by it.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 2, 0],
    [1, 0, 2],
    [2, 0, 1],
    [2, 1, 0],
];

/// From start to end, with a command that does nothing.
pub(crate) fn run(stage: &Stage) -> Vec<Figure> {
    let mut samples = [(); 3].map(|()| Sample::default());
    let key = stage.key();
    for round in 0..stage.times(200) {
        for at in ORDERS[round % ORDERS.len()] {
            samples[at].push_time(timed(stage.run_true(TOOLS[at], &key)));
        }
    }
    let [genlock, floor, etcdctl] = &samples;
    let figure = Figure::new("a run: `genlock run KEY -- true`")
        .at_most(1.08, genlock.median() / floor.median(), "× the floor")
        .at_most(0.2, genlock.median() / etcdctl.median(), "× etcdctl lock");
    vec![with_bars(figure, &samples)]
}

/// From start to the command's first instruction.
pub(crate) fn first(stage: &Stage) -> Vec<Figure> {
    let mut samples = [(); 3].map(|()| Sample::default());
    let (key, endpoint) = (stage.key(), stage.server.endpoint());
    for round in 0..stage.times(200) {
        for at in ORDERS[round % ORDERS.len()] {
            samples[at].push_time(until_probe(stage.run_probe(TOOLS[at], &endpoint, &key)));
        }
    }
    let [genlock, floor, etcdctl] = &samples;
    let figure = Figure::new("start to the command's first instruction")
        .at_most(1.1, genlock.median() / floor.median(), "× the floor")
        .note(format!(
            "{:.2} × etcdctl lock",
            genlock.median() / etcdctl.median()
        ));
    vec![with_bars(figure, &samples)]
}

fn with_bars(mut figure: Figure, samples: &[Sample; 3]) -> Figure {
    for (tool, sample) in TOOLS.into_iter().zip(samples) {
        figure = figure.bar(tool.name(), sample.median(), format!("{sample} ms"));
    }
    figure
}

/// A lock on this host only.
pub(crate) fn file(stage: &Stage) -> Vec<Figure> {
    let (locks, file) = (stage.file("locks"), stage.file("flock"));
    std::fs::create_dir(&locks).expect("a directory");
    let endpoint = format!("file:{}", locks.display());
    let (mut genlock, mut flock) = (Sample::default(), Sample::default());
    for _ in 0..stage.times(200) {
        let command = Tool::Genlock.lock(&endpoint, "bench", &["true".as_ref()]);
        genlock.push_time(timed(command));
        let mut command = Command::new("flock");
        command.arg(&file).arg("true");
        quiet(&mut command);
        flock.push_time(timed(command));
    }
    let ratio = genlock.median() / flock.median();
    let figure = Figure::new("a run without a server: `genlock run --endpoints file: KEY -- true`")
        .at_most(1.2, ratio, "× flock")
        .bar("genlock", genlock.median(), format!("{genlock} ms"))
        .bar("flock", flock.median(), format!("{flock} ms"));
    vec![figure]
}
