//! Several who want one lock.

use std::ffi::OsStr;
use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::probe;
use crate::report::Figure;
use crate::sample::Sample;
use crate::stage::{Crowd, Stage};
use crate::tool::Tool;

const PATIENCE: Duration = Duration::from_secs(30);

/// From one waiter's command, which ends at once, to the next one's.
pub(crate) fn handover(stage: &Stage) -> Vec<Figure> {
    let figures = [(10, 30), (200, 2)].map(|(waiters, times)| {
        let [mut genlock, mut etcdctl, mut bare] = [(); 3].map(|()| Sample::default());
        for _ in 0..stage.times(times) {
            genlock.extend(gaps(&queue_of(stage, Tool::Genlock, waiters)));
            etcdctl.extend(gaps(&queue_of(stage, Tool::Etcdctl, waiters)));
            bare.extend(gaps(&queue_of(stage, Tool::Waiter, waiters)));
        }
        let title = format!("hand-over from waiter to waiter, in a queue of {waiters}");
        let mut figure = Figure::new(title);
        for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
            let ratio = genlock.quantile(share) / etcdctl.quantile(share);
            figure = figure.at_most(0.5, ratio, &format!("× etcdctl lock at {name}"));
        }
        let ratio = genlock.median() / bare.median();
        figure = figure.at_most(1.4, ratio, "× the bare waiter");
        let all = [
            (Tool::Genlock, &genlock),
            (Tool::Waiter, &bare),
            (Tool::Etcdctl, &etcdctl),
        ];
        for (tool, sample) in all {
            let text = format!("{sample} ms, p99 {:.2} ms", sample.quantile(0.99));
            figure = figure.bar(tool.name(), sample.median(), text);
        }
        figure
    });
    figures.into()
}

/// When each waiter's command started, one after the other.
pub(crate) fn queue_of(stage: &Stage, tool: Tool, waiters: usize) -> Vec<Duration> {
    let (key, path) = (stage.key(), stage.file("starts"));
    let starts = File::options().create(true).append(true).open(&path);
    let starts = starts.expect("a file");
    let holder = stage.observer.hold(&key);
    let mut crowd = Crowd::default();
    for _ in 0..waiters {
        let mut waiter = stage.run_probe(tool, &stage.server.endpoint(), &key);
        waiter.stdout(Stdio::from(starts.try_clone().expect("a descriptor")));
        crowd.0.push(waiter.spawn().expect("a waiter"));
    }
    let observer = &stage.observer;
    assert!(
        observer.until_queued(&key, waiters + 1, PATIENCE),
        "no queue"
    );
    // All are to wait, and to do nothing else, when the lock is released: the last one may still be looking
    // who is ahead, and genlock looks again once it has waited for 0.1 s.
    thread::sleep(Duration::from_millis(300));
    observer.release(holder);
    assert_eq!(crowd.until_done(PATIENCE), 0, "waiters that failed");
    let written = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("a file");
    probe::read(&written)
}

/// The times between starts, in milliseconds.
pub(crate) fn gaps(starts: &[Duration]) -> impl Iterator<Item = f64> {
    let next = starts.iter().skip(1);
    starts
        .iter()
        .zip(next)
        .map(|(one, next)| (*next - *one).as_secs_f64() * 1000.0)
}

/// How many runs eight workers, who all want one lock, get done in a second.
pub(crate) fn sections(stage: &Stage) -> Vec<Figure> {
    let window = Duration::from_millis(if stage.quick { 500 } else { 2500 });
    let (mut genlock, mut etcdctl) = (Sample::default(), Sample::default());
    for _ in 0..2 {
        genlock.push(throughput(stage, Tool::Genlock, window));
        etcdctl.push(throughput(stage, Tool::Etcdctl, window));
    }
    let (genlock, etcdctl) = (genlock.mean(), etcdctl.mean());
    let figure = Figure::new("sections a second, 8 workers on one key")
        .at_least(5.0, genlock / etcdctl, "× etcdctl lock")
        .bar("genlock", genlock, format!("{genlock:.0} a second"))
        .bar("etcdctl lock", etcdctl, format!("{etcdctl:.0} a second"));
    vec![figure]
}

pub(crate) fn throughput(stage: &Stage, tool: Tool, window: Duration) -> f64 {
    let (key, endpoint) = (stage.key(), stage.server.endpoint());
    let done = AtomicUsize::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while start.elapsed() < window {
                    let mut run = tool.lock(&endpoint, &key, &[OsStr::new("true")]);
                    let status = run.status().expect("a program");
                    assert!(status.success(), "{run:?}: {status}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}
