//! What happens to the runs of genlock, whatever the store.

use rustix::process::{Pid, Signal, kill_process};

use super::nemesis::{Course, Fault, Nemesis, On};
use super::{Target, operator, storms};

pub(super) fn faults<T: Target>() -> Vec<Fault<T>> {
    vec![
        Fault::new("genlock killed", On::Runs, |nemesis, _| {
            nemesis.holder().signal(Signal::KILL);
            Course::over()
        }),
        Fault::new("watchdog killed", On::Runs, |nemesis, _| {
            nemesis.holder().signal_watchdog(Signal::KILL);
            Course::over()
        }),
        Fault::new("genlock frozen", On::Runs, freeze),
        Fault::new("all processes paused", On::All, pause),
        Fault::new("many waiters killed", On::Runs, storms::killed),
        Fault::new(
            "many waiters told twice to end",
            On::Runs,
            storms::told_twice,
        ),
        Fault::new("watchdog frozen", On::Runs, freeze_watchdog),
        Fault::new(
            "lock taken away by an operator",
            On::Runs,
            operator::break_lock,
        ),
    ]
}

fn freeze<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let worker = nemesis.holder();
    worker.signal(Signal::STOP);
    Course::over().then(nemesis.time(500, 5000), move |_, _| {
        worker.signal(Signal::CONT);
    })
}

/// Of which genlock does the work meanwhile.
fn freeze_watchdog<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let worker = nemesis.holder();
    worker.signal_watchdog(Signal::STOP);
    Course::over().then(nemesis.time(500, 5000), move |_, _| {
        worker.signal_watchdog(Signal::CONT);
    })
}

/// As on a host that stands still, for so short that its lock does not run out meanwhile.
fn pause<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let worker = nemesis.holder();
    let tree = worker.tree();
    let signal = |pids: &[Pid], signal| {
        for &pid in pids {
            // It may have ended; its parent stands still, and has not reaped it.
            let _ = kill_process(pid, signal);
        }
    };
    signal(&tree, Signal::STOP);
    let time = worker.ttl * (10 + nemesis.below(30) as u32) / 100;
    Course::over().then(time, move |_, _| signal(&tree, Signal::CONT))
}
