//! What happens to the runs of genlock, whatever the store.

use rustix::process::Signal;

use super::nemesis::{Course, Fault, Nemesis, On};

pub(super) fn faults<T>() -> Vec<Fault<T>> {
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
    ]
}

fn freeze<T>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let worker = nemesis.holder();
    worker.signal(Signal::STOP);
    Course::over().then(nemesis.time(500, 5000), move |_, _| {
        worker.signal(Signal::CONT);
    })
}
