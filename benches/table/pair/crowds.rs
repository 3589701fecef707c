//! Several at once: for one lock, and for locks of their own.

use std::time::{Duration, Instant};

use super::{Builds, Compared, in_turns};
use crate::etcd::Server;
use crate::rows::queue::{gaps, queue_of, throughput};
use crate::rows::thousand::{gaps_in_order, served};
use crate::sample::Sample;
use crate::stage::{Crowd, Stage, start};
use crate::tool::Tool;

/// How many wait for one lock, or take a lock each.
const MANY: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn crowds(stage: &Stage, builds: Builds) -> Vec<Compared> {
    let ten = in_turns(builds, stage.times(30), |tool, sample: &mut Sample| {
        sample.extend(gaps(&queue_of(stage, tool, 10)));
    });
    let window = Duration::from_millis(if stage.quick { 500 } else { 2500 });
    let sections = in_turns(builds, 8, |tool, sample: &mut Sample| {
        sample.push(throughput(stage, tool, window));
    });
    let turns = if stage.quick { 2 } else { 4 };
    let served = in_turns(
        builds,
        turns,
        |tool, (queued, gaps): &mut (Sample, Sample)| {
            let run = served(stage, tool, MANY);
            queued.push_time(run.queued);
            gaps.extend(gaps_in_order(&run.starts));
        },
    );
    let [queued, many] = [
        served.each_ref().map(|(queued, _)| queued.clone()),
        served.map(|(_, gaps)| gaps),
    ];
    let cluster = start(3, false);
    let endpoints: Vec<_> = cluster.iter().map(Server::endpoint).collect();
    let endpoints = endpoints.join(",");
    let apart = in_turns(builds, 2 * turns, |tool, sample: &mut Sample| {
        sample.push_time(each_its_own(stage, tool, &endpoints));
    });
    let p99 = ten.each_ref().map(|sample| sample.quantile(0.99));
    let rate = sections.each_ref().map(Sample::mean);
    let handover = |count| format!("hand-over in a queue of {count}");
    vec![
        Compared::median(handover(10), "ms, median", &ten),
        Compared::new(handover(10), "ms, p99", p99),
        Compared::new("sections, 8 workers on one key", "a second", rate).more_is_better(),
        Compared::median(
            format!("{MANY} waiters, until all are in the queue"),
            "ms",
            &queued,
        ),
        Compared::median(handover(MANY), "ms, median", &many),
        Compared::median(
            format!("{MANY} runs at once of different keys, cluster of three"),
            "ms until all are done, median",
            &apart,
        ),
    ]
}

/// Starts [`MANY`] runs at once, each of a key of its own: how long until all are done.
fn each_its_own(stage: &Stage, tool: Tool, endpoints: &str) -> Duration {
    let start = Instant::now();
    let runs = (0..MANY).map(|_| {
        let mut run = tool.lock(endpoints, &stage.key(), &["true".as_ref()]);
        run.spawn().expect("a program")
    });
    let mut crowd = Crowd(runs.collect());
    assert_eq!(crowd.until_done(PATIENCE), 0, "runs that failed");
    start.elapsed()
}
