//! The faults of one who holds its lock beside others, or several locks: what it runs is gone before
//! anybody starts who may not hold beside it.

use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, poll, send};
use crate::process::{is_dead, watchdog};
use crate::proxy::Proxy;
use crate::sections::Manners::Stubborn;
use crate::sections::{Sections, now};
use crate::{TTL, WITH_TTL, together};

/// What a loaded machine may take over the times that genlock keeps.
const SLACK: Duration = Duration::from_secs(3);

/// How the one that is hit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Shared, and a writer waits.
    Shared,
    /// As one of two, and a third waits.
    OneOfTwo,
    /// Two locks, and somebody waits for the second.
    Several,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Killed,
    WatchdogKilled,
    Frozen,
    CutOff,
}

const TWO: [&str; 2] = ["--max-holders", "2"];

/// Each way to hold, in each store that can.
fn cases() -> Vec<(Store, Held)> {
    let stores: [fn() -> Store; 3] = [Store::etcd, Store::redis, Store::zookeeper];
    let each = stores.iter().enumerate().flat_map(|(number, store)| {
        let all = [Held::Shared, Held::OneOfTwo, Held::Several];
        // Redis has no locks of several keys.
        let able = all
            .into_iter()
            .filter(move |&held| number != 1 || held != Held::Several);
        able.map(move |held| (store(), held))
    });
    each.collect()
}

/// With these options, the TTL, and patience with servers that have all of this at once to begin with.
fn with(options: &[&str]) -> Vec<String> {
    let patience = ["--dial-timeout", "15s"];
    let all = WITH_TTL.iter().chain(&patience).chain(options);
    all.map(|&option| option.to_owned()).collect()
}

fn start(store: &Store, options: &[String], script: &str) -> Run {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Run::start(store.sh(&options, script))
}

impl Fault {
    fn strikes(self, run: &Run, proxy: &Proxy) {
        match self {
            Self::Killed => run.signal(Signal::KILL),
            Self::WatchdogKilled => send(watchdog(run.pid()), Signal::KILL),
            Self::Frozen => run.signal(Signal::STOP),
            Self::CutOff => proxy.cut(),
        }
    }

    /// The exit status of the genlock that it hits.
    fn ends_with(self) -> Option<i32> {
        match self {
            Self::Killed => None,
            Self::WatchdogKilled => Some(70),
            Self::Frozen | Self::CutOff => Some(80),
        }
    }
}

fn strikes(fault: Fault) {
    together(cases(), |(store, held)| {
        let log = Sections::new(store.directory());
        let proxy = Proxy::before(&store.endpoints);
        let mut far = Store::at(proxy.endpoint());
        far.key.clone_from(&store.key);
        let second = format!("{}-second", store.key);
        let (how, next) = match held {
            Held::Shared => (with(&["--shared"]), with(&[])),
            Held::OneOfTwo => (with(&TWO), with(&TWO)),
            Held::Several => (with(&["--also", &second]), with(&[])),
        };
        // Whoever holds beside it is not touched.
        let beside = (held == Held::OneOfTwo).then(|| {
            let script = "[ $GENLOCK_HELD_INDEX = 0 ] && echo ready $$ && exec sleep 600";
            let beside = start(&store, &how, script);
            beside.ready();
            beside
        });
        let first = start(&far, &how, &log.beats("first", Stubborn));
        let pid = first.ready();
        let mut later = Store::at(&*store.endpoints);
        later.key = if held == Held::Several {
            second
        } else {
            store.key.clone()
        };
        let script = log.beats_for("next", Duration::from_millis(50));
        let index = if beside.is_some() { "1" } else { "" };
        let script = format!("[ \"$GENLOCK_HELD_INDEX\" = \"{index}\" ] && {script}");
        let next = start(&later, &next, &script);
        next.complains("waiting for");
        fault.strikes(&first, &proxy);
        let struck = now();
        poll("the command's end", || is_dead(pid));
        let dead = now() - struck;
        println!(
            "{fault:?}, {held:?}, {}: dead after {dead:?}",
            store.endpoints
        );
        assert!(dead < TTL + SLACK, "{dead:?}");
        assert_eq!(next.finish().status.code(), Some(0), "{held:?}");
        log.check(2);
        first.signal(Signal::CONT);
        let status = first.finish().status.code();
        assert_eq!(status, fault.ends_with(), "{held:?}");
        if let Some(mut beside) = beside {
            assert!(!beside.has_ended());
            beside.end();
        }
    });
}

#[test]
fn killed_beside_others_its_command_is_gone_before_the_next_one_starts() {
    strikes(Fault::Killed);
}

#[test]
fn without_its_watchdog_beside_others_its_command_is_gone_before_the_next_one_starts() {
    strikes(Fault::WatchdogKilled);
}

#[test]
fn frozen_beside_others_its_command_is_stopped_inside_the_ttl() {
    strikes(Fault::Frozen);
}

#[test]
fn cut_off_beside_others_its_command_is_stopped_inside_the_ttl() {
    strikes(Fault::CutOff);
}
