//! A thousand waiters for one lock.

use std::fs::File;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::queue::{gaps, queue_of};
use crate::probe;
use crate::report::Figure;
use crate::sample::Sample;
use crate::stage::{Crowd, Stage};
use crate::tool::Tool;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn thousand(stage: &Stage) -> Vec<Figure> {
    let count = if stage.quick { 100 } else { 1000 };
    let mut ten = Sample::default();
    for _ in 0..stage.times(20) {
        ten.extend(gaps(&queue_of(stage, Tool::Genlock, 10)));
    }
    let run = served(stage, Tool::Genlock, count);
    let mut many = Sample::default();
    many.extend(gaps_in_order(&run.starts));
    let in_order = run.starts.is_sorted();

    let mut handover = Figure::new(format!("hand-over in a queue of {count}"));
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let ratio = many.quantile(share) / ten.quantile(share);
        handover = handover.at_most(1.3, ratio, &format!("× that in a queue of 10 at {name}"));
    }
    for (queue, sample) in [(10, &ten), (count, &many)] {
        let p99 = sample.quantile(0.99);
        handover = handover.note(format!("queue of {queue}: {sample} ms, p99 {p99:.2} ms"));
    }
    let (lost, failed) = (count - run.starts.len(), run.failed);
    vec![
        Figure::new(format!("{count} waiters for one lock, started at once"))
            .holds(
                run.places == count,
                format!("{} are in the queue", run.places),
            )
            .at_most(20.0, run.queued.as_secs_f64(), "s until they are")
            .holds(in_order, "served in the order of the queue")
            .holds(
                failed == 0 && lost == 0,
                format!("{lost} lost, {failed} failed"),
            ),
        handover,
    ]
}

/// What became of waiters that were started at once.
pub(crate) struct Served {
    /// How many came to be in the queue, and how long that took.
    places: usize,
    pub(crate) queued: Duration,
    /// When the command of each started, in the order of the queue.
    pub(crate) starts: Vec<Duration>,
    failed: usize,
}

pub(crate) fn served(stage: &Stage, tool: Tool, count: usize) -> Served {
    let (key, endpoint) = (stage.key(), stage.server.endpoint());
    let output = |index: usize| stage.file(&format!("waiter-{index}"));
    let holder = stage.observer.hold(&key);
    let mut crowd = Crowd::default();
    let mut pids = Vec::new();
    let start = Instant::now();
    for index in 0..count {
        let mut waiter = stage.run_probe(tool, &endpoint, &key);
        waiter.stdout(Stdio::from(File::create(output(index)).expect("a file")));
        let waiter = waiter.spawn().expect("a waiter");
        pids.push(waiter.id());
        crowd.0.push(waiter);
    }
    // Some may give up meanwhile: they are counted below.
    let waiting = |crowd: &mut Crowd| {
        let lives = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        crowd.0.iter_mut().map(lives).filter(|lives| *lives).count()
    };
    let mut places = 0;
    while places < waiting(&mut crowd) && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50));
        places = stage.observer.places(&key) - 1;
    }
    let queued = start.elapsed();
    // The last ones may still be looking who is ahead; all are to watch when the lock is released.
    sleep(Duration::from_secs(1));
    let order: Vec<u32> = stage
        .observer
        .queue(&key)
        .iter()
        .filter_map(|value| pid(value))
        .collect();
    stage.observer.release(holder);
    let failed = crowd.until_done(PATIENCE);

    let started = |pid: &u32| {
        let index = pids.iter().position(|one| one == pid)?;
        probe::read(&std::fs::read(output(index)).ok()?)
            .first()
            .copied()
    };
    let starts: Vec<Duration> = order.iter().filter_map(started).collect();
    for index in 0..count {
        let _ = std::fs::remove_file(output(index));
    }
    Served {
        places,
        queued,
        starts,
        failed,
    }
}

/// The times between starts in the order in which they happened.
pub(crate) fn gaps_in_order(starts: &[Duration]) -> Vec<f64> {
    let mut sorted = starts.to_vec();
    sorted.sort();
    gaps(&sorted).collect()
}

/// The process number in a holder's or waiter's record.
fn pid(record: &[u8]) -> Option<u32> {
    let record: serde_json::Value = serde_json::from_slice(record).ok()?;
    record["pid"].as_u64()?.try_into().ok()
}
