//! What goes wrong in the soak: a fault, or two at a time, each made good again.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::history::History;
use super::own_ends::OwnEnds;
use super::random::Random;
use super::worker::Worker;
use super::{HOSTS, Target, runs};
use crate::sections::now;

/// Which faults there are, by their names, separated by commas; all of them unless it is set.
const CHOSEN: &str = "GENLOCK_SOAK_FAULTS";

/// How long a store may take to find itself on a machine that is loaded by others too.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often servers are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What no fault of ours did.
const OWN_END: &str = "server ended by itself";

/// A fault of a target.
pub(super) struct Fault<T> {
    pub(super) name: &'static str,
    pub(super) on: On,
    /// What it does at once, and what afterwards.
    pub(super) strike: fn(&mut Nemesis, &mut T) -> Course<T>,
}

/// What a fault is on: two that are on the same are not at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// The servers.
    Store,
    /// What is on the way to them.
    Way,
    /// The runs of genlock.
    Runs,
    /// What it is beside no other.
    All,
}

type Step<T> = Box<dyn FnOnce(&mut Nemesis, &mut T)>;

/// The steps of a fault that are still to come, each so long after the one before; the last of them makes
/// it good.
pub(super) struct Course<T> {
    steps: VecDeque<(Duration, Step<T>)>,
}

pub(super) struct Nemesis {
    workers: Vec<Arc<Worker>>,
    random: Random,
    struck: BTreeMap<&'static str, usize>,
    history: Arc<History>,
    pub(super) own_ends: OwnEnds,
}

/// A fault that has begun.
struct Begun<T> {
    number: usize,
    /// When its last step was.
    last: Duration,
    course: Course<T>,
}

impl<T> Fault<T> {
    pub(super) fn new(
        name: &'static str,
        on: On,
        strike: fn(&mut Nemesis, &mut T) -> Course<T>,
    ) -> Self {
        Self { name, on, strike }
    }
}

impl On {
    fn is_beside(self, other: Self) -> bool {
        self != other && self != Self::All && other != Self::All
    }
}

impl<T> Course<T> {
    /// Nothing is to be made good.
    pub(super) fn over() -> Self {
        let steps = VecDeque::new();
        Self { steps }
    }

    pub(super) fn then(
        mut self,
        after: Duration,
        step: impl FnOnce(&mut Nemesis, &mut T) + 'static,
    ) -> Self {
        self.steps.push_back((after, Box::new(step)));
        self
    }
}

impl<T> Begun<T> {
    /// When its next step is due.
    fn due(&self) -> Option<Duration> {
        let (after, _) = self.course.steps.front()?;
        Some(self.last + *after)
    }
}

impl Nemesis {
    /// It notes each fault in the history when it begins and when it is made good.
    pub(super) fn new(workers: &[Arc<Worker>], random: Random, history: &Arc<History>) -> Self {
        Self {
            workers: workers.to_vec(),
            random,
            struck: BTreeMap::new(),
            history: history.clone(),
            own_ends: OwnEnds::default(),
        }
    }

    /// Makes a fault, one time in three beside another one, and makes it good.
    pub(super) fn strike<T: Target>(&mut self, target: &mut T) {
        let faults = chosen(target);
        let first = &faults[self.below(faults.len())];
        let mut begun = vec![self.begin(first, target)];
        let beside = faults.iter().filter(|fault| fault.on.is_beside(first.on));
        let beside: Vec<_> = beside.collect();
        if !beside.is_empty() && self.below(3) == 0 {
            self.pause(1, 300);
            let second = beside[self.below(beside.len())];
            begun.push(self.begin(second, target));
        }
        while let Some((due, next)) = begun
            .iter_mut()
            .filter_map(|fault| Some((fault.due()?, fault)))
            .min_by_key(|(due, _)| *due)
        {
            self.sleep_until(due, target);
            if let Some((_, step)) = next.course.steps.pop_front() {
                step(self, target);
            }
            next.last = now();
            if next.course.steps.is_empty() {
                self.note("ended", next.number, &json!({}));
            }
        }
        self.settle(target);
        let rest = self.time(100, 700);
        self.rest(rest, target);
    }

    /// Does nothing for so long but look after the servers.
    pub(super) fn rest<T: Target>(&mut self, time: Duration, target: &mut T) {
        self.sleep_until(now() + time, target);
    }

    /// Waits until the store is whole again.
    pub(super) fn settle<T: Target>(&mut self, target: &mut T) {
        self.until("a store that is whole", target, T::is_whole);
        self.history.note("nemesis", "settled", None, &json!({}));
    }

    /// Waits until it is so, without asking too much of the machine. Servers that end by themselves meanwhile
    /// are started again.
    pub(super) fn until<T: Target>(
        &mut self,
        what: &str,
        target: &mut T,
        mut so: impl FnMut(&mut T) -> bool,
    ) {
        let start = now();
        while !so(target) {
            assert!(now() - start < PATIENCE, "not in time: {what}");
            self.rest(LOOK, target);
        }
    }

    /// The same as a rest, until this moment.
    fn sleep_until<T: Target>(&mut self, moment: Duration, target: &mut T) {
        loop {
            self.look(target);
            let left = moment.saturating_sub(now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(LOOK));
        }
    }

    /// Looks for servers that ended by themselves, tells of them, and starts them again.
    fn look<T: Target>(&mut self, target: &mut T) {
        for (server, end) in target.revive() {
            let number = self.struck();
            *self.struck.entry(OWN_END).or_default() += 1;
            let how = self.own_ends.add(server, &end, &self.history);
            let began = json!({ "fault": OWN_END, "on": "store", "how": how });
            self.note("began", number, &began);
            self.note("ended", number, &json!({}));
        }
    }

    fn begin<T>(&mut self, fault: &Fault<T>, target: &mut T) -> Begun<T> {
        let number = self.struck();
        *self.struck.entry(fault.name).or_default() += 1;
        let on = format!("{:?}", fault.on).to_lowercase();
        self.note("began", number, &json!({ "fault": fault.name, "on": on }));
        let course = (fault.strike)(self, target);
        let begun = Begun {
            number,
            last: now(),
            course,
        };
        if begun.course.steps.is_empty() {
            self.note("ended", number, &json!({}));
        }
        begun
    }

    fn note(&self, event: &str, number: usize, fields: &Value) {
        let mut fields = fields.clone();
        fields["number"] = number.into();
        self.history.note("nemesis", event, None, &fields);
    }

    /// How many faults there were.
    pub(super) fn struck(&self) -> usize {
        self.struck.values().sum()
    }

    /// The longest TTL of the workers.
    pub(super) fn longest_ttl(&self) -> Duration {
        let ttls = self.workers.iter().map(|worker| worker.ttl);
        ttls.max().unwrap_or_default()
    }

    /// Between these, in milliseconds.
    pub(super) fn pause(&mut self, from: u64, to: u64) {
        sleep(self.time(from, to));
    }

    /// The same as a time.
    pub(super) fn time(&mut self, from: u64, to: u64) -> Duration {
        self.random.time(from, to)
    }

    /// Where the history is.
    pub(super) fn directory(&self) -> &Path {
        self.history.directory()
    }

    /// What sections of this key write.
    pub(super) fn value(&self, key: &str) -> PathBuf {
        self.history.value(key)
    }

    /// A number less than this.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// The host of one that most likely holds its lock.
    pub(super) fn host(&mut self) -> usize {
        let host = self.holder().number % HOSTS;
        self.history.hit("host", &host.into());
        host
    }

    /// One that most likely holds its lock.
    pub(super) fn holder(&mut self) -> Arc<Worker> {
        let any = self.any();
        let Some(run) = any.last_run() else {
            return any;
        };
        let holder = self.workers.iter().find(|worker| worker.ran(&run));
        holder.cloned().unwrap_or(any)
    }

    /// One that most likely waits.
    pub(super) fn any(&mut self) -> Arc<Worker> {
        let any = self.below(self.workers.len());
        self.workers[any].clone()
    }
}

/// The faults of a target, as far as they are wanted.
fn chosen<T: Target>(target: &T) -> Vec<Fault<T>> {
    let mut faults = runs::faults();
    faults.extend(target.faults());
    let Some(wanted) = std::env::var(CHOSEN).ok().filter(|text| !text.is_empty()) else {
        return faults;
    };
    let wanted: Vec<_> = wanted.split(',').map(str::trim).collect();
    let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
    for name in &wanted {
        assert!(names.contains(name), "{CHOSEN}: no {name:?} of {names:?}");
    }
    faults.retain(|fault| wanted.contains(&fault.name));
    faults
}

impl fmt::Display for Nemesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let struck: Vec<_> = self
            .struck
            .iter()
            .map(|(name, times)| format!("{times} × {name}"))
            .collect();
        write!(f, "{} faults ({})", self.struck(), struck.join(", "))
    }
}
