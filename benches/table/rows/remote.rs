//! Stores beside etcd: what a run costs in them, beside the naive way and a run in files.

use std::ffi::OsStr;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::queue::gaps;
use crate::family;
use crate::probe;
use crate::remote::Remote;
use crate::report::Figure;
use crate::sample::Sample;
use crate::slow;
use crate::stage::{Crowd, Stage, timed, until_probe};
use crate::tool::Tool;

const ROUND_TRIP: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// The goals of a store, where it has them: a run, as a multiple of one in files; round trips to the
/// command's start, plain and over TLS.
pub(crate) struct Goals {
    pub(crate) run: f64,
    pub(crate) first: (f64, f64),
}

/// All but the long queue.
pub(crate) fn all<R: Remote>(stage: &Stage, goals: &Goals) -> Vec<Figure> {
    let store = R::start();
    let mut figures = vec![run(stage, &store, goals.run)];
    figures.extend(distance(stage, &store, goals.first));
    figures.push(handover(stage, &store));
    figures.push(requests(stage, &store));
    figures.push(memory(stage, &store));
    figures
}

/// Whose way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Genlock,
    Naive,
}

impl Way {
    fn run<R: Remote>(self, store: &R, key: &str, command: &[&OsStr]) -> Command {
        let address = store.address();
        match self {
            Self::Genlock => Tool::Genlock.lock(&R::endpoint(&address, false), key, command),
            Self::Naive => R::naive(&address, key, command),
        }
    }
}

/// From start to end, with a command that does nothing.
fn run<R: Remote>(stage: &Stage, store: &R, goal: f64) -> Figure {
    let locks = stage.file(&format!("locks-beside-{}", R::NAME));
    std::fs::create_dir(&locks).expect("a directory");
    let files = format!("file:{}", locks.display());
    let nothing = [OsStr::new("true")];
    let mut samples = [(); 3].map(|()| Sample::default());
    for _ in 0..stage.times(200) {
        samples[0].push_time(timed(Way::Genlock.run(store, "/run", &nothing)));
        samples[1].push_time(timed(Tool::Genlock.lock(&files, "run", &nothing)));
        samples[2].push_time(timed(Way::Naive.run(store, "/by-hand", &nothing)));
    }
    let [over, in_files, naive] = &samples;
    let median = over.median();
    Figure::new(format!("a run over {}: `genlock run KEY -- true`", R::NAME))
        .at_most(goal, median / in_files.median(), "× its run in files")
        .at_most(1.0, median / naive.median(), &format!("× {}", R::NAIVE))
        .bar("genlock", median, format!("{over} ms"))
        .bar(
            "genlock, file:",
            in_files.median(),
            format!("{in_files} ms"),
        )
        .bar(R::NAIVE, naive.median(), format!("{naive} ms"))
}

/// From start to the command's first instruction, a round trip away, less the same without a distance.
fn distance<R: Remote>(stage: &Stage, store: &R, goals: (f64, f64)) -> [Figure; 2] {
    let secure = R::secure();
    let far = |address: &str| slow::before(address, ROUND_TRIP);
    let (plain, tls) = (far(&store.address()), far(&secure.address));
    let probe = stage.file("probe");
    let command = [probe.as_os_str()];
    let run = |tls: bool, address: &str| {
        let endpoint = R::endpoint(address, tls);
        match tls {
            true => secure.genlock(&endpoint, "/far", &command),
            false => Tool::Genlock.lock(&endpoint, "/far", &command),
        }
    };
    let runs = |plain: &str, tls: &str| {
        let naive = R::naive(plain, "/far-by-hand", &command);
        [run(false, plain), run(true, tls), naive]
    };
    // What is above a lock is made once.
    for run in runs(&store.address(), &secure.address) {
        until_probe(run);
    }
    let mut samples = [(); 3].map(|()| Sample::default());
    for _ in 0..stage.times(30) {
        let near = runs(&store.address(), &secure.address);
        let far = runs(&plain, &tls);
        for ((near, far), sample) in near.into_iter().zip(far).zip(&mut samples) {
            let (near, far) = (until_probe(near), until_probe(far));
            sample.push((far.as_secs_f64() - near.as_secs_f64()) / ROUND_TRIP.as_secs_f64());
        }
    }
    let [plain, tls, naive] = &samples;
    let unit = "round trips";
    let of = format!(
        "what a distance of 10 ms from {} adds until the command's first instruction",
        R::NAME
    );
    [
        Figure::new(format!("{of}, plain TCP"))
            .at_most(goals.0, plain.median(), unit)
            .bar("genlock", plain.median(), format!("{plain} {unit}"))
            .bar(R::NAIVE, naive.median(), format!("{naive} {unit}")),
        Figure::new(format!("{of}, over TLS"))
            .at_most(goals.1, tls.median(), unit)
            .bar("genlock", tls.median(), format!("{tls} {unit}")),
    ]
}

/// From one waiter's command, which ends at once, to the next one's.
fn handover<R: Remote>(stage: &Stage, store: &R) -> Figure {
    let (mut ours, mut naive) = (Sample::default(), Sample::default());
    for _ in 0..stage.times(30) {
        ours.extend(gaps(&queue_of(stage, store, 10, Way::Genlock)));
        naive.extend(gaps(&queue_of(stage, store, 10, Way::Naive)));
    }
    let title = format!(
        "hand-over from waiter to waiter over {}, in a queue of 10",
        R::NAME
    );
    let mut figure = Figure::new(title);
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let ratio = ours.quantile(share) / naive.quantile(share);
        figure = figure.at_most(1.0, ratio, &format!("× {} at {name}", R::NAIVE));
    }
    for (name, sample) in [("genlock", &ours), (R::NAIVE, &naive)] {
        let p99 = sample.quantile(0.99);
        let text = format!("{sample} ms, p99 {p99:.2} ms");
        figure = figure.bar(name, sample.median(), text);
    }
    figure
}

/// A thousand waiters.
pub(crate) fn thousand<R: Remote>(stage: &Stage) -> Vec<Figure> {
    let count = if stage.quick { 100 } else { 1000 };
    let store = R::start();
    let mut ten = Sample::default();
    for _ in 0..stage.times(20) {
        ten.extend(gaps(&queue_of(stage, &store, 10, Way::Genlock)));
    }
    let mut many = Sample::default();
    many.extend(gaps(&queue_of(stage, &store, count, Way::Genlock)));
    let ratio = many.median() / ten.median();
    let mut figure = Figure::new(format!("hand-over over {}, in a queue of {count}", R::NAME))
        .at_most(1.3, ratio, "× that in a queue of 10 at p50");
    for (queue, sample) in [(10, &ten), (count, &many)] {
        let p99 = sample.quantile(0.99);
        figure = figure.note(format!("queue of {queue}: {sample} ms, p99 {p99:.2} ms"));
    }
    vec![figure]
}

/// One that holds the lock until its stdin ends.
fn hold<R: Remote>(store: &R, key: &str, way: Way) -> Child {
    let mut holder = way.run(store, key, &[OsStr::new("cat")]);
    let holder = holder.stdin(Stdio::piped()).spawn().expect("a holder");
    until_places(store, key, 1);
    holder
}

fn until_places<R: Remote>(store: &R, key: &str, count: usize) {
    let start = Instant::now();
    while store.places(key) < count {
        assert!(start.elapsed() < PATIENCE, "no queue of {count}");
        sleep(Duration::from_millis(10));
    }
}

/// When each waiter's command started, one after the other.
fn queue_of<R: Remote>(stage: &Stage, store: &R, waiters: usize, way: Way) -> Vec<Duration> {
    let (key, path, probe) = (stage.key(), stage.file("starts"), stage.file("probe"));
    let starts = File::options().create(true).append(true).open(&path);
    let starts = starts.expect("a file");
    let mut crowd = Crowd(vec![hold(store, &key, way)]);
    for _ in 0..waiters {
        let mut waiter = way.run(store, &key, &[probe.as_os_str()]);
        waiter.stdout(Stdio::from(starts.try_clone().expect("a descriptor")));
        crowd.0.push(waiter.spawn().expect("a waiter"));
    }
    if way == Way::Genlock || R::NAIVE_QUEUES {
        until_places(store, &key, waiters + 1);
    } else {
        sleep(Duration::from_millis(500));
    }
    // The last one may still be looking who is ahead.
    sleep(Duration::from_millis(20));
    drop(crowd.0[0].stdin.take());
    assert_eq!(crowd.until_done(PATIENCE), 0, "waiters that failed");
    let written = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("a file");
    probe::read(&written)
}

/// What a run, a holder and a waiter ask of the server.
fn requests<R: Remote>(stage: &Stage, store: &R) -> Figure {
    let nothing = [OsStr::new("true")];
    let runs = stage.times(50);
    let of_runs = |way: Way| {
        let all = store.requests(|| {
            for _ in 0..runs {
                timed(way.run(store, "/requests", &nothing));
            }
        });
        all as f64 / runs as f64
    };
    let (ours, naive) = (of_runs(Way::Genlock), of_runs(Way::Naive));
    let seconds = if stage.quick { 10.0 } else { 30.0 };
    let a_minute = || {
        // What happens once is over then.
        sleep(Duration::from_millis(700));
        let count = store.requests(|| sleep(Duration::from_secs_f64(seconds)));
        count as f64 * 60.0 / seconds
    };
    let key = stage.key();
    let mut crowd = Crowd(vec![hold(store, &key, Way::Genlock)]);
    let holder = a_minute();
    crowd.0.push(
        Way::Genlock
            .run(store, &key, &nothing)
            .spawn()
            .expect("a waiter"),
    );
    until_places(store, &key, 2);
    let waiter = a_minute() - holder;
    drop(crowd.0[0].stdin.take());
    assert_eq!(crowd.until_done(PATIENCE), 0, "it failed");
    Figure::new(format!("requests to {}", R::NAME))
        .note(format!("a run: {ours:.1}; {}: {naive:.1}", R::NAIVE))
        .note(format!("a holder, a minute: {holder:.0} (TTL 10 s)"))
        .note(format!("a waiter, a minute: {waiter:.0}"))
}

/// Of one that holds.
fn memory<R: Remote>(stage: &Stage, store: &R) -> Figure {
    let key = stage.key();
    let holder = hold(store, &key, Way::Genlock);
    sleep(Duration::from_millis(700));
    let memory = family::memory(holder.id());
    let mut crowd = Crowd(vec![holder]);
    drop(crowd.0[0].stdin.take());
    assert_eq!(crowd.until_done(PATIENCE), 0, "it failed");
    Figure::new(format!(
        "memory of a holder over {}, all its processes (PSS)",
        R::NAME
    ))
    .at_most(5.0, memory, "MB")
    .bar("genlock", memory, format!("{memory:.1} MB"))
}
