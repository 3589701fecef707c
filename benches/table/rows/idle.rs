//! What holding and waiting cost while nothing happens.

use std::ffi::OsStr;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::requests::Requests;
use crate::etcd::Server;
use crate::family::{self, family, number_after};
use crate::observer::Observer;
use crate::report::Figure;
use crate::stage::{Crowd, Stage, address, start};
use crate::tool::Tool;

const KEY: &str = "/bench/idle";
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that holds a lock, or waits for one that the bench holds.
struct Idler<'a> {
    server: &'a Server,
    crowd: Crowd,
}

impl<'a> Idler<'a> {
    fn start(server: &'a Server, tool: Tool, waits: bool) -> Self {
        let observer = Observer::new(address(&server.endpoint()));
        if waits {
            observer.hold(KEY);
        }
        let command = [OsStr::new("sleep"), OsStr::new("60")];
        let process = tool.lock(&server.endpoint(), KEY, &command).spawn();
        let crowd = Crowd(vec![process.expect("a program")]);
        let places = 1 + usize::from(waits);
        assert!(observer.until_queued(KEY, places, PATIENCE), "no place");
        // What happens once, just after that, is over then: the first watch, say.
        sleep(Duration::from_millis(700));
        Self { server, crowd }
    }

    /// The number of its first process.
    fn first(&self) -> u32 {
        self.crowd.0[0].id()
    }

    /// Nanoseconds on a processor, and how often a thread slept of its own accord.
    fn effort(&self) -> (u64, u64) {
        let mut effort = (0, 0);
        for pid in family(self.first()).0 {
            for task in fs::read_dir(format!("/proc/{pid}/task")).expect("a process") {
                let task = task.expect("a thread").path();
                let read = |name| fs::read_to_string(task.join(name)).unwrap_or_default();
                let time = read("schedstat");
                let time = time.split(' ').next().and_then(|time| time.parse().ok());
                effort.0 += time.unwrap_or(0);
                effort.1 += number_after(&read("status"), "\nvoluntary_ctxt_switches:");
            }
        }
        effort
    }
}

impl Drop for Idler<'_> {
    fn drop(&mut self) {
        // etcdctl ignores SIGTERM while its command runs, and ends with it.
        let (_, commands) = family(self.first());
        for pid in commands.into_iter().chain([self.first()]) {
            if let Some(pid) = Pid::from_raw(pid as i32) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        self.crowd.until_done(Duration::from_secs(2));
        for lease in self.server.leases() {
            let _ = self
                .server
                .ctl_command(&["lease", "revoke", &lease])
                .output();
        }
    }
}

/// The memory of a holder or of a waiter, PSS in MB.
pub(crate) fn memory_of(stage: &Stage, tool: Tool, waits: bool) -> f64 {
    let idler = Idler::start(&stage.server, tool, waits);
    // Until after two renewals, a third of the TTL of 10 s each: from then on it is one that goes on.
    sleep(Duration::from_secs(8));
    family::memory(idler.first())
}

/// One process at a time: PSS divides memory among those that share it.
pub(crate) fn memory(stage: &Stage) -> Vec<Figure> {
    let both = [("holder", false), ("waiter", true)];
    let figures = both.map(|(name, waits)| {
        let of = |tool| memory_of(stage, tool, waits);
        let (genlock, etcdctl) = (of(Tool::Genlock), of(Tool::Etcdctl));
        Figure::new(format!("memory of a {name}, all its processes (PSS)"))
            .at_most(0.25, genlock / etcdctl, "× etcdctl lock")
            .at_most(3.0, genlock, "MB")
            .bar("genlock", genlock, format!("{genlock:.1} MB"))
            .bar("etcdctl lock", etcdctl, format!("{etcdctl:.1} MB"))
    });
    figures.into()
}

/// What holding or waiting costs in a minute.
pub(crate) struct Idleness {
    pub(crate) requests: Requests,
    pub(crate) watches: u64,
    /// Processor time.
    pub(crate) milliseconds: f64,
    /// How often a thread slept of its own accord.
    pub(crate) sleeps: f64,
}

/// Measures all of these at the same time, for so long, from when they hold or wait on. Each has an etcd of
/// its own, which counts its requests.
pub(crate) fn idleness(all: &[(Tool, bool)], seconds: f64) -> Vec<Idleness> {
    let a_minute = 60.0 / seconds;
    let servers: Vec<_> = all.iter().map(|_| start(1, false).remove(0)).collect();
    let idlers: Vec<_> = all
        .iter()
        .zip(&servers)
        .map(|((tool, waits), server)| Idler::start(server, *tool, *waits))
        .collect();
    let before: Vec<_> = servers.iter().map(Requests::of).collect();
    let efforts: Vec<_> = idlers.iter().map(Idler::effort).collect();
    sleep(Duration::from_secs_f64(seconds));
    let mut found = Vec::new();
    for ((idler, before), (time, switches)) in idlers.iter().zip(&before).zip(efforts) {
        let now = idler.effort();
        let requests = Requests::of(idler.server);
        found.push(Idleness {
            watches: requests.count("Watch"),
            requests: requests.since(before, &[]),
            milliseconds: (now.0 - time) as f64 / 1e6 * a_minute,
            sleeps: (now.1 - switches) as f64 * a_minute,
        });
    }
    found
}

pub(crate) fn idle(stage: &Stage) -> Vec<Figure> {
    let seconds = if stage.quick { 7.0 } else { 20.0 };
    let a_minute = 60.0 / seconds;
    let all = [
        (Tool::Genlock, false),
        (Tool::Genlock, true),
        (Tool::Etcdctl, false),
        (Tool::Etcdctl, true),
    ];
    let found = idleness(&all, seconds);
    let (figures, etcdctl) = found.split_at(2);
    let both = ["holder", "waiter"].into_iter().zip(figures).zip(etcdctl);
    let figures = both.map(|((name, genlock), etcdctl)| {
        let pings = genlock.requests.count("LeaseKeepAlive") as f64 * a_minute;
        let effort = |of: &Idleness| {
            format!(
                "{:.1} ms of processor, {:.0} sleeps",
                of.milliseconds, of.sleeps
            )
        };
        Figure::new(format!(
            "an idle {name}, a minute (measured over {seconds} s, TTL 10 s)"
        ))
        .at_most(20.0, pings, "pings")
        .at_most(1.0, genlock.watches as f64, "watches")
        .at_most(8.0, genlock.milliseconds, "ms of processor")
        .note(format!(
            "genlock: {}; {}",
            effort(genlock),
            genlock.requests.text(1.0 / a_minute)
        ))
        .note(format!("etcdctl lock: {}", effort(etcdctl)))
    });
    figures.collect()
}
