//! Whole calls of genlock: how long they take, and how much of a processor.

use std::fs;
use std::process::Command;
use std::time::Instant;

use super::{Builds, Compared};
use crate::sample::Sample;
use crate::stage::Stage;
use crate::tool::{Tool, quiet};

/// In how many turns the runs are made: few long ones, since processor time comes in ticks of 10 ms.
const TURNS: usize = 4;

/// What one build took.
#[derive(Default)]
struct Took {
    wall: Sample,
    ticks: u64,
}

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
        let mut took = [Took::default(), Took::default()];
        for turn in 0..TURNS {
            for at in [turn % 2, 1 - turn % 2] {
                took[at].add_turn(builds[at], words, status, stage.times(200) / TURNS);
            }
        }
        let of = |value: fn(&Took) -> f64| took.each_ref().map(value);
        rows.extend([
            Compared::new(name, "ms, median", of(|took| took.wall.median())),
            Compared::new(name, "ms, the least", of(|took| took.wall.quantile(0.0))),
            Compared::new(name, "ms of processor", of(Took::processor)),
        ]);
    }
    rows
}

impl Took {
    fn add_turn(&mut self, build: Tool, words: &[&str], status: i32, runs: usize) {
        let Tool::Build(build) = build else {
            return;
        };
        let before = ticks_of_children();
        for _ in 0..runs {
            let mut command = Command::new(build);
            command.args(words);
            quiet(&mut command);
            let start = Instant::now();
            let ended = command.status().expect("a program");
            self.wall.push_time(start.elapsed());
            assert_eq!(ended.code(), Some(status), "{command:?}");
        }
        self.ticks += ticks_of_children() - before;
    }

    /// Milliseconds of processor for each run, with the command's.
    fn processor(&self) -> f64 {
        self.ticks as f64 * 10.0 / self.wall.len() as f64
    }
}

/// The processor time of those that have been waited for: cutime and cstime (proc(5)).
fn ticks_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("proc(5)");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(13).take(2);
    times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
