//! What happens to the runs of genlock, whatever the store.

use rustix::process::Signal;

use super::nemesis::{Course, Fault, Nemesis, On};
use super::{Target, operator};

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
