//! Many runs, a few at a time: none hangs, none is slow, nothing is left behind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::genlock::{Store, output};

over_every_store! {
    many_runs_of_true;
    many_runs_over_one_lock;
}

/// How many run at the same time.
const AT_A_TIME: usize = 4;

/// A run that takes longer has hung for a while, or the machine has: that may happen to a few.
const SLOW: Duration = Duration::from_secs(4);
const FEW: usize = 4;

fn many_runs_of_true(store: &Store) {
    let runs =
        std::env::var("GENLOCK_TEST_RUNS").map_or(200, |runs| runs.parse().expect("a number"));
    // One key each: four that wait for each other would be slow for good reason.
    let stores: Vec<_> = (0..AT_A_TIME).map(|_| store.another()).collect();
    let (done, slow) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| {
                while done.fetch_add(1, Ordering::Relaxed) < runs {
                    let run = output(store.run(&[], &["true"])).silent(0);
                    assert_eq!(run.stdout, b"");
                    if run.took >= SLOW {
                        let before = slow.fetch_add(1, Ordering::Relaxed);
                        assert!(before < FEW, "{:?}", run.took);
                    }
                }
            });
        }
    });
    for store in &stores {
        assert_eq!(store.processes(), Vec::<i32>::new());
        assert_eq!(store.entries(), Vec::<String>::new());
        assert!(store.is_free());
    }
}

fn many_runs_over_one_lock(store: &Store) {
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                for _ in 0..15 {
                    let run = output(store.run(&["-q"], &["true"])).silent(0);
                    assert_eq!(run.stdout, b"");
                }
            });
        }
    });
    assert_eq!(store.processes(), Vec::<i32>::new());
    assert_eq!(store.entries(), Vec::<String>::new());
    assert!(store.is_free());
}
