//! Whole calls of genlock: how long they take, and how much of a processor.

use std::fs;
use std::process::Command;
use std::time::Instant;

use super::{Builds, Compared, in_turns};
use crate::sample::Sample;
use crate::stage::Stage;
use crate::tool::{Tool, quiet};

/// In how many turns processor time is measured: in few long ones, since it comes in ticks of 10 ms.
const TURNS: usize = 4;

pub(super) fn runs(stage: &Stage, builds: Builds) -> Vec<Compared> {
    let (endpoint, locks) = (stage.server.endpoint(), stage.file("locks"));
    fs::create_dir(&locks).expect("a directory");
    let file = format!("file:{}", locks.display());
    let (free, held) = (stage.key(), stage.key());
    stage.observer.hold(&held);
    let cases: [(&str, &[&str], i32); 5] = [
        (
            "run KEY true",
            &["run", "--endpoints", &endpoint, &free, "true"],
            0,
        ),
        (
            "run --endpoints file: KEY true",
            &["run", "--endpoints", &file, &free, "true"],
            0,
        ),
        (
            "run --try HELD true",
            &["run", "--endpoints", &endpoint, "--try", &held, "true"],
            75,
        ),
        (
            "status HELD",
            &["status", "--endpoints", &endpoint, &held],
            0,
        ),
        ("--help", &["--help"], 0),
    ];
    let mut rows = Vec::new();
    for (name, words, status) in cases {
        let call = |tool| call(tool, words, status);
        let wall = in_turns(builds, stage.times(200), |tool, sample: &mut Sample| {
            let start = Instant::now();
            call(tool);
            sample.push_time(start.elapsed());
        });
        let calls = stage.times(200) / TURNS;
        let processor = in_turns(builds, TURNS, |tool, sample: &mut Sample| {
            let before = ticks_of_children();
            (0..calls).for_each(|_| call(tool));
            let ticks = ticks_of_children() - before;
            sample.push(ticks as f64 * 10.0 / calls as f64);
        });
        let least = wall.each_ref().map(|sample| sample.quantile(0.0));
        let mean = processor.each_ref().map(Sample::mean);
        rows.extend([
            Compared::median(name, "ms, median", &wall),
            Compared::new(name, "ms, the least", least),
            Compared::new(name, "ms of processor", mean),
        ]);
    }
    rows
}

fn call(build: Tool, words: &[&str], status: i32) {
    let Tool::Build(build) = build else {
        panic!("{} is not compared by its builds", build.name());
    };
    let mut command = Command::new(build);
    command.args(words);
    quiet(&mut command);
    let ended = command.status().expect("a program");
    assert_eq!(ended.code(), Some(status), "{command:?}");
}

/// The processor time of those that have been waited for: cutime and cstime (proc(5)).
fn ticks_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("proc(5)");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(13).take(2);
    times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
